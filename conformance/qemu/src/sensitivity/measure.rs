//! Whether a defect would be noticed. Each defect of the museum takes the model's place, turn by turn, and QEMU's
//! answer and graph are compared with its outcome.
//!
//! A machine with one defect goes on from its own graph as long as that looks as it should, so a later turn can show
//! what an earlier one did not. A machine with several defects starts each turn from the model's graph.

use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::shown_graph::{self, ShownGraph, is};
use crate::compare::verdict::{ComparedTurn, Verdict, compare_with_outcome};
use crate::deviations::Rule;
use crate::episodes::run::{Options, Report, run_watched};
use crate::episodes::trace::{EDGES, NODES, ReplayedTurn};
use crate::sensitivity::mutant::{Ended, Mutant, has_room, mutants};
use crate::session::DaemonSetup;
use crate::wire::names;
use blockgraph_model::derived::derive;
use blockgraph_model::judge::violations;
use blockgraph_model::machines::{Defect, EndKind};
use blockgraph_model::{EdgeId, Hook, NodeId, Op, Outcome, Refusal, State, execute};
use blockgraph_story::counterexample;
use blockgraph_story::turn::Turn;
use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};

/// Whether QMP can observe a defect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Observable {
    /// QMP can observe it, so it must be caught.
    Yes,
    /// QMP can observe it, but seldom, so a run may or may not catch it.
    Seldom,
    /// QMP can observe it, but this rule explains most of it. A run may or may not catch it, and the rule should become
    /// narrower.
    Hidden(Rule),
    /// It shows only while another operation runs, where QEMU polls or calls a hook. The monitor runs one command after
    /// another.
    Meanwhile,
    /// It shows only if a driver refuses in the middle. No command makes a driver refuse.
    Refusing,
    /// No command or sequence of commands is this operation.
    Unreached,
    /// It shows only in what QEMU does not report.
    Unshown(&'static str),
    /// This version of QEMU has it as well, by this rule.
    Shared(Rule),
}

impl Observable {
    /// Returns the reason in words.
    pub fn why(self) -> String {
        match self {
            Observable::Yes => "observable".to_owned(),
            Observable::Seldom => "observable, seldom reached".to_owned(),
            Observable::Hidden(rule) => format!("observable, and {} hides it", rule.name()),
            Observable::Meanwhile => "needs an operation that runs while another polls".to_owned(),
            Observable::Refusing => "needs a driver that refuses".to_owned(),
            Observable::Unreached => "no command comes to this operation".to_owned(),
            Observable::Unshown(what) => format!("QEMU does not show {what}"),
            Observable::Shared(rule) => format!("QEMU has it: {}", rule.name()),
        }
    }
}

/// Returns whether QMP can observe a defect.
pub fn observable(defect: Defect) -> Observable {
    use Defect::*;
    use Observable::{Hidden, Meanwhile, Refusing, Seldom, Shared, Unreached, Unshown, Yes};
    match defect {
        H40 | H40b | H37 | H46 | H47 | H53 | N61 | N62 | N63 | N64 | N65 | N66 | N67 | N68 | N69 | N70 | N71 | N72 => {
            Meanwhile
        }
        N13 | N14 | N42 | N45 | N50 => Refusing,
        H02 | H08 | H08b | H09 | H14 | H15 | H33a | H33b | H33c | H33d | N12 | N16 | N54 => Unreached,
        H42 | H44 | H44b | N52 => Unshown("sections, and no command opens one"),
        H11 | H30 => Unshown("the graph in the middle of an operation"),
        N41 => Unshown("the order of lists"),
        N44 => Unshown("blockers, and the machine keeps them for one step only"),
        H61 => Shared(Rule::LeftDrained),
        N47 => Shared(Rule::NamedFilter),
        N48 | N51 => Shared(Rule::HalfActive),
        N15 | N49 => Unshown("contexts"),
        // A reopen shows which nodes inherit, and whose backing name is stored, because the backing must be given then.
        // QEMU has H63 itself (D10), but not where the machine accepts what is refused for another reason as well.
        H02b | H03 | H07 | H17 | H62 | H63 | N02 | N11 | N43 | N53 => Seldom,
        H34 | H35 => Hidden(Rule::ThreadFirst),
        H01 | H04 | H10 | H16 | H24 | N01 | N46 => Yes,
    }
}

/// Where a difference was first reported.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caught {
    /// After how many compared operations.
    pub ops: u64,
    /// The turn.
    pub turn: String,
    /// What differs.
    pub what: String,
}

/// The turns at which a rule explains a defect.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hidden {
    /// How many there are.
    pub count: u64,
    /// The first one: after how many operations, the turn, and what the machine does.
    pub first: (u64, String, String),
    /// How often model and QEMU agree there.
    pub agreed: u64,
}

/// The result for a defect.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Row {
    /// How many turns showed it before it was caught.
    pub shown: u64,
    /// At how many of them QEMU would show or answer something else.
    pub visible: u64,
    /// How many of these a rule explains.
    pub hidden: BTreeMap<Rule, Hidden>,
    /// Where it was caught.
    pub caught: Option<Caught>,
}

/// The results for all defects, collected while turns come in.
#[derive(Debug)]
pub struct Sensitivity {
    mutants: Vec<Mutant>,
    book: Mutex<(u64, BTreeMap<Defect, Row>)>,
    /// The number of turns, and of those for which the machines have room.
    turns: (AtomicU64, AtomicU64),
}

/// The graphs of the machines that differ from the model's, in one episode.
#[derive(Debug, Default)]
pub struct Shadows(BTreeMap<Defect, State<NODES, EDGES>>);

impl Default for Sensitivity {
    fn default() -> Self {
        let rows = Defect::ALL.iter().map(|defect| (*defect, Row::default())).collect();
        Sensitivity { mutants: mutants(), book: Mutex::new((0, rows)), turns: Default::default() }
    }
}

impl Sensitivity {
    /// Plays episodes, and compares every turn also with every machine of the museum in the model's place.
    ///
    /// # Errors
    /// Fails if a daemon cannot be started.
    pub fn run(&self, options: &Options, setup: &DaemonSetup, progress: &(dyn Fn(u64) + Sync)) -> io::Result<Report> {
        run_watched(options, setup, progress, &|shadows, turn| self.turn(shadows, turn))
    }

    fn book(&self) -> MutexGuard<'_, (u64, BTreeMap<Defect, Row>)> {
        self.book.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Returns the results in the order of the catalogue.
    pub fn rows(&self) -> Vec<(Defect, Row)> {
        let rows = &self.book().1;
        Defect::ALL.iter().filter_map(|defect| Some((*defect, rows.get(defect)?.clone()))).collect()
    }

    /// Returns the number of turns, and of those for which the machines have room.
    pub fn turns(&self) -> (u64, u64) {
        (self.turns.0.load(Ordering::Relaxed), self.turns.1.load(Ordering::Relaxed))
    }

    /// Returns where the result contradicts [`observable`]: a defect was caught and should not be, or the other way
    /// round.
    pub fn problems(&self) -> Vec<String> {
        let rows = self.rows().into_iter();
        let problem = |(defect, row): (Defect, Row)| match (observable(defect), row.caught) {
            (Observable::Yes, None) => Some(format!("{} is not caught", defect.id())),
            (Observable::Yes | Observable::Seldom | Observable::Hidden(_), Some(_)) | (_, None) => None,
            (why, Some(caught)) => Some(format!(
                "{} is caught after {} operations ({}: {}), and should not be: {}",
                defect.id(),
                caught.ops,
                caught.turn,
                caught.what,
                why.why()
            )),
        };
        rows.filter_map(problem).collect()
    }

    /// Processes one more compared turn.
    pub fn turn(&self, shadows: &mut Shadows, turn: &ReplayedTurn<'_>) {
        let open: Vec<Defect> = {
            let mut book = self.book();
            book.0 += turn.ops.len() as u64;
            book.1.iter().filter(|(_, row)| row.caught.is_none()).map(|(defect, _)| *defect).collect()
        };
        if matches!(turn.comparison.verdict, Verdict::Differs(_)) {
            return;
        }
        self.turns.0.fetch_add(1, Ordering::Relaxed);
        self.turns.1.fetch_add(u64::from(has_room(turn.before, turn.ops)), Ordering::Relaxed);
        for mutant in &self.mutants {
            match mutant.single_defect() {
                Some(defect) if open.contains(&defect) => self.follow(mutant, defect, shadows, turn),
                Some(_) => {}
                None => {
                    if let Some(ended) = mutant.take(turn.before, turn.ops)
                        && ended.defects.iter().any(|defect| open.contains(defect))
                    {
                        let compared = compare(turn.before, turn, &ended);
                        ended.defects.iter().for_each(|defect| self.note(*defect, turn, &compared));
                    }
                }
            }
        }
    }

    /// Runs a machine with one defect from its own graph.
    fn follow(&self, mutant: &Mutant, defect: Defect, shadows: &mut Shadows, turn: &ReplayedTurn<'_>) {
        let own = shadows.0.remove(&defect);
        let before = own.as_ref().unwrap_or(turn.before);
        let ended = mutant.take(before, turn.ops);
        if own.is_none() && ended.is_none() {
            return;
        }
        let ended = ended.unwrap_or_else(|| right(before, turn.ops));
        let compared = compare(before, turn, &ended);
        self.note(defect, turn, &compared);
        // A graph that looks wrong is not continued.
        let next = compared.comparison.next.filter(|next| Some(next) != turn.comparison.next.as_ref());
        if let (Some(next), Some(_)) = (next, turn.comparison.next)
            && violations(&next).is_empty()
        {
            shadows.0.insert(defect, next);
        }
    }

    fn note(&self, defect: Defect, turn: &ReplayedTurn<'_>, compared: &MachineComparison) {
        let mut book = self.book();
        let ops = book.0;
        let Some(row) = book.1.get_mut(&defect).filter(|row| row.caught.is_none()) else { return };
        let line = || counterexample::line(&Turn { ops: turn.ops.to_vec(), refusals: Vec::new() });
        row.shown += 1;
        row.visible += u64::from(compared.visible);
        match &compared.comparison.verdict {
            Verdict::Differs(what) => row.caught = Some(Caught { ops, turn: line(), what: what.clone() }),
            Verdict::Deviation(rule) if compared.visible => {
                let first = || Hidden { count: 0, first: (ops, line(), compared.did.clone()), agreed: 0 };
                let hidden = row.hidden.entry(*rule).or_insert_with(first);
                hidden.count += 1;
                hidden.agreed += u64::from(turn.comparison.verdict == Verdict::Same);
            }
            _ => {}
        }
    }
}

/// The comparison of QEMU with a machine in the model's place.
struct MachineComparison {
    comparison: ComparedTurn<NODES, EDGES>,
    /// Whether QEMU would answer or show something else if it did what the machine does.
    visible: bool,
    /// What the machine does.
    did: String,
}

/// Returns the right outcome.
fn right(before: &State<NODES, EDGES>, ops: &[Op]) -> Ended<NODES, EDGES> {
    let ended =
        |how, state: State<NODES, EDGES>| Ended { how, state: Some(Box::new(state)), pairs: vec![], defects: vec![] };
    match execute(before, ops, &[]) {
        Outcome::Done { next, .. } => ended(EndKind::Accepted, next),
        _ => ended(EndKind::Refused, *before),
    }
}

/// Compares with the machine's outcome in the model's place.
fn compare(before: &State<NODES, EDGES>, turn: &ReplayedTurn<'_>, ended: &Ended<NODES, EDGES>) -> MachineComparison {
    let sound = execute(turn.before, turn.ops, &[]);
    let right = execute(before, turn.ops, &[]);
    let after = if let Outcome::Done { next, .. } = &sound { next } else { turn.before };
    let state = ended.state.as_deref().filter(|state| derive(state).is_some());
    let looks = state.map(|state| with_stored_pairs(shown_graph::expected(state), ended, state));
    let done = ended.how == EndKind::Accepted;
    let visible = ended.how == EndKind::Died
        || done != matches!(sound, Outcome::Done { .. })
        || looks.as_ref() != Some(&shown_graph::expected(after));
    let outcome = match (ended.how, right) {
        (EndKind::Accepted, _) => accepted(state.unwrap_or(before)),
        // The machine has no reason that the model knows.
        (_, Outcome::Done { .. }) => Outcome::Refused { by: Refusal { node: NodeId(0), hook: Hook::Check } },
        (_, right) => right,
    };
    let mut comparison = compare_with_outcome(before, turn.memory, turn.ops, &outcome, turn.result);
    if let Some(verdict) = inexpressible_difference(turn.result, ended, looks.as_ref(), &comparison.verdict) {
        if verdict == Verdict::Same && !done {
            comparison.next = state.copied();
        }
        comparison.verdict = verdict;
    }
    let did = match ended.how {
        EndKind::Accepted => "accepts it",
        EndKind::Refused => "refuses it",
        EndKind::Died => "dies",
    };
    MachineComparison { comparison, visible, did: did.to_owned() }
}

/// Returns the outcome that leads to this state.
fn accepted(next: &State<NODES, EDGES>) -> Outcome<NODES, EDGES> {
    let mut outcome = execute(&State::default(), &[], &[]);
    if let Outcome::Done { next: after, .. } = &mut outcome {
        *after = *next;
    }
    outcome
}

/// Returns what the model's outcomes cannot express: that a machine died, has no graph any more, left something behind
/// after a refusal, or has edges with pairs that no rule gives.
fn inexpressible_difference(
    result: &TurnResult,
    ended: &Ended<NODES, EDGES>,
    looks: Option<&ShownGraph>,
    verdict: &Verdict,
) -> Option<Verdict> {
    let lost = matches!(result.answer, TurnAnswer::Lost(_));
    let differs = |what: &str| Some(Verdict::Differs(format!("the machine {what}; QEMU: {:?}", result.answer)));
    let alike = |looks: &ShownGraph| result.shown.as_ref().is_some_and(|shown| shown.like(looks) == looks.like(shown));
    match (ended.how, looks) {
        (EndKind::Died, _) if lost => Some(Verdict::Same),
        (EndKind::Died, _) => differs("dies"),
        _ if lost => None,
        (EndKind::Accepted, None) if result.answer == TurnAnswer::Done => differs("has no graph any more"),
        (EndKind::Accepted, Some(looks)) if *verdict == Verdict::Same && !alike(looks) => {
            differs("carries other pairs")
        }
        (EndKind::Refused, None) if matches!(result.answer, TurnAnswer::Refused(..)) => {
            differs("has no graph any more")
        }
        (EndKind::Refused, Some(looks)) if matches!(result.answer, TurnAnswer::Refused(..)) => {
            let same = alike(looks);
            let left =
                ended.state.as_deref().is_some_and(|state| result.shown.as_ref().is_some_and(|shown| is(shown, state)));
            match verdict {
                Verdict::Same if !same => differs("leaves something behind"),
                Verdict::Deviation(_) if same && left && !ended.defects.is_empty() => Some(Verdict::Same),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Returns the graph with the pairs that edges from nodes really have.
fn with_stored_pairs(mut looks: ShownGraph, ended: &Ended<NODES, EDGES>, state: &State<NODES, EDGES>) -> ShownGraph {
    for (id, pair) in &ended.pairs {
        let EdgeId::Child(parent, name) = *id else { continue };
        let Some(kind) = state.node(parent).and_then(|node| node.kind) else { continue };
        let node = looks.nodes.get_mut(&parent.0);
        if let Some(edge) = node.and_then(|node| node.edges.get_mut(&names::child(kind, name))) {
            *edge = (edge.0, pair.need.0 & names::QEMU_BITS.0, pair.share.0 & names::QEMU_BITS.0);
        }
    }
    looks
}
