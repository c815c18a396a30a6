//! Scenarios played on the real daemon, and as scripts for it.

use crate::findings::{edges, nodes, run_script};
use blockgraph_model::{NodeId, Op, Perms, State};
use blockgraph_qemu::compare::answer::{TurnAnswer, TurnResult};
use blockgraph_qemu::compare::shown_graph;
use blockgraph_qemu::compare::verdict::{Verdict, compare_turn};
use blockgraph_qemu::scenario::play::{Executor, Play, StepResult, contexts};
use blockgraph_qemu::scenario::scenario_names::ScenarioNames;
use blockgraph_qemu::scenario::script::Script;
use blockgraph_qemu::session::{DaemonSetup, PlayedTurn, Session};
use blockgraph_qemu::state::memory::Memory;
use blockgraph_qemu::{REFERENCE_VERSION, find_daemon};
use blockgraph_story::text::{Names, Scenario, parse};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::Duration;

const NODES: usize = 24;
const EDGES: usize = 96;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../specs/scenarios")
}

fn scenario(name: &str) -> Scenario {
    let text = std::fs::read_to_string(folder().join(format!("{name}.scenario"))).unwrap();
    parse(&text).unwrap().0
}

/// Returns the result of a step as one word.
fn result_name<const N: usize, const E: usize>(result: &StepResult<N, E>) -> String {
    match result {
        StepResult::Played(taken) => match &taken.turn.comparison.verdict {
            Verdict::Same => "same".to_owned(),
            Verdict::Deviation(rule) => rule.name().to_owned(),
            Verdict::Differs(what) => format!("differs: {what}"),
        },
        StepResult::PartOfTurn(_) => "with".to_owned(),
        StepResult::Held(_) => "held".to_owned(),
        StepResult::Skipped(_) => "skipped".to_owned(),
        StepResult::Stopped(_) => "ended".to_owned(),
        StepResult::AfterStop => "over".to_owned(),
    }
}

/// Plays all steps on an executor, and returns the result of each.
fn play<P: Executor<N, E>, const N: usize, const E: usize>(
    executor: P,
    scenario: &Scenario,
) -> (Vec<String>, Play<'_, P, N, E>) {
    let mut play = Play::new(executor, scenario.steps().collect());
    let results = scenario.steps().map(|_| result_name(&play.play_next().unwrap())).collect();
    (results, play)
}

/// Starts a session for the scenario; `None` where no daemon is installed.
fn start_session<const N: usize, const E: usize>(scenario: &Scenario) -> Option<Session<'static, N, E>> {
    static KIT: OnceLock<Option<DaemonSetup>> = OnceLock::new();
    let setup = KIT.get_or_init(|| Some(DaemonSetup::make(&find_daemon()?, Duration::from_secs(3)).unwrap()));
    let Some(setup) = setup else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return None;
    };
    Some(Session::start_with(setup, &contexts(scenario)).unwrap())
}

/// Plays the scenario on a daemon of the reference version. Returns the result of each step, and the edges in the end.
fn on_qemu(scenario: &Scenario) -> Option<(Vec<String>, Vec<String>)> {
    let session = start_session::<NODES, EDGES>(scenario)?;
    if session.version() != REFERENCE_VERSION {
        println!("the deviations speak of QEMU {REFERENCE_VERSION}, this is {}: nothing was tested", session.version());
        return None;
    }
    let (results, play) = play(session, scenario);
    Some((results, expected_edges(&play.executor.state, &scenario.names)))
}

/// Returns the edges between nodes, in the form of the pages of findings.
fn expected_edges(state: &State<NODES, EDGES>, names: &Names) -> Vec<String> {
    let letters = |bits: u8| format!("{:?}", Perms(bits));
    let name = |id: u8| names.node(NodeId(id)).to_owned();
    let of_node = |(id, node): (&u8, &shown_graph::ShownNode)| {
        let line = |(to, need, share): &(u8, u8, u8)| {
            format!("edge {} {} need={} share={}", name(*id), name(*to), letters(*need), letters(*share))
        };
        node.edges.values().map(line).collect::<Vec<_>>()
    };
    let mut all: Vec<String> = shown_graph::expected(state).nodes.iter().flat_map(of_node).collect();
    all.sort();
    all
}

#[test]
fn qemu_agrees() {
    for name in ["n1-mirror", "n2-quorum"] {
        let Some((results, _)) = on_qemu(&scenario(name)) else { return };
        assert!(results.iter().all(|result| result == "same" || result == "with"), "{name}: {results:?}");
    }
}

/// After a known deviation the play continues from QEMU's graph.
#[test]
fn a_known_deviation_is_named() {
    let Some((results, _)) = on_qemu(&scenario("n3-snapshot")) else { return };
    let expected: Vec<&str> = (0..results.len()).map(|at| if at == 6 { "D18" } else { "same" }).collect();
    assert_eq!(results, expected);
}

/// QEMU still has each of these open defects, in the last step of the scenario.
#[test]
fn open_defects_are_observed() {
    for (name, rule) in [("h61-on-qemu", "D12"), ("h62-on-qemu", "D2"), ("h63-on-qemu", "D10")] {
        let Some((results, _)) = on_qemu(&scenario(name)) else { return };
        assert_eq!(results.last().map(String::as_str), Some(rule), "{name}: {results:?}");
        assert!(
            results[..results.len() - 1].iter().all(|result| result == "same" || result == "with"),
            "{name}: {results:?}"
        );
    }
}

/// Plays a scenario, and compares the results of its steps.
fn assert_results(text: &str, expected: &[&str]) {
    let scenario = parse(text).unwrap().0;
    if let Some((results, _)) = on_qemu(&scenario) {
        assert_eq!(results, expected, "{text}");
    }
}

#[test]
fn an_unreachable_step_is_skipped_or_stops_the_play() {
    // A check changes nothing, and neither does a refused step. Freezing changes a state that QEMU does not show.
    assert_results(
        "add node=a kind=protocol\ncheck-op node=a kind=resize\nset-backing node=a to=none\nfreeze top=a base=none\n\
         hold node=a\ndelete node=a\nadd node=b kind=protocol\n",
        &["same", "skipped", "skipped", "skipped", "ended", "over", "over"],
    );
    // A refusal of a driver is injected, which QEMU's drivers cannot be made to do; without the step nothing is missed.
    assert_results(
        "add node=a kind=protocol\nrefuse node=a hook=check\nattach-user user=u node=a need=r share=all\n\
         delete node=a\n",
        &["same", "skipped", "same"],
    );
}

/// A step without a command waits for a later step that has one, even with others between them. It goes on waiting if
/// QEMU refuses the whole turn.
#[test]
fn incomplete_nodes_are_held_back() {
    assert_results(
        "add node=cbw kind=copy-before-write\nadd node=src kind=protocol\n\
         attach-user user=u node=src need=rw share=all-z\n\
         add node=copy kind=protocol\nattach parent=cbw child=copy name=target role=d\n\
         attach parent=cbw child=src name=file role=fp => ok\n\
         add node=alone kind=blkdebug unshare=w\nattach parent=alone child=src name=file role=fp => error Conflict\n\
         detach-user user=u\nattach parent=alone child=src name=file role=fp => ok\ndelete node=src\n",
        &["held", "same", "same", "same", "with", "same", "with", "same", "same", "same", "same"],
    );
    // An incomplete node does not hinder turns about other nodes.
    assert_results(
        "add node=a kind=protocol\nadd node=f kind=filter\nadd node=i kind=format\nappend new=f top=a\n\
         add node=d kind=file\nadd node=g kind=filter\nattach parent=i child=d name=file role=dmp\n\
         attach parent=g child=i name=file role=fp\nattach-user user=u node=g need=rw share=all\n",
        &["same", "held", "held", "same", "same", "held", "same", "same", "same"],
    );
    // A transaction is one turn together with held steps, and equivalent operations are found.
    assert_results(
        "add node=a kind=protocol\nadd node=f kind=filter\nappend new=f top=a\n\
         transaction { add node=r kind=copy-on-read; append new=r top=f }\nrelease node=r\nrelease node=f\n\
         add node=i kind=format\nopen-child parent=i node=d kind=file name=file role=dmp\n\
         set-read-only node=a value=on\n",
        &["same", "with", "same", "same", "same", "same", "with", "same", "same"],
    );
}

/// An executor that reports success but does nothing.
struct FalseDone(State<NODES, EDGES>, Memory);

impl Executor<NODES, EDGES> for FalseDone {
    fn current(&self) -> (&State<NODES, EDGES>, &Memory) {
        (&self.0, &self.1)
    }

    fn run_turn(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<NODES, EDGES>>> {
        let result = TurnResult { answer: TurnAnswer::Done, shown: Some(shown_graph::expected(&self.0)) };
        let comparison = compare_turn(&self.0, &self.1, ops, &result);
        Ok(Some(PlayedTurn { result, comparison }))
    }
}

/// The comparison notices a false answer.
#[test]
fn a_false_answer_is_noticed() {
    let scenario = parse("add node=a kind=protocol\nadd node=b kind=protocol\n").unwrap().0;
    let (results, _) = play(FalseDone(State::default(), Memory::default()), &scenario);
    assert!(results[0].starts_with("differs: model: done; the graphs differ"), "{results:?}");
    assert_eq!(results[1], "over");
}

/// The script, run by the reader of the findings, ends in the same graph as the play, after each step of these
/// scenarios.
#[test]
fn a_script_ends_in_the_same_graph() {
    let mut scripts = 0;
    // The script states what the model expects, so it fails where QEMU deviates.
    for (name, deviates) in [("n1-mirror", None), ("n2-quorum", None), ("n3-snapshot", Some(7))] {
        let whole = scenario(name);
        for length in 1..=whole.items.len() {
            let part = Scenario { names: whole.names.clone(), items: whole.items[..length].to_vec() };
            let Some((results, expected)) = on_qemu(&part) else { return };
            if results.last().is_some_and(|result| result == "held") {
                continue;
            }
            let (_, play) = play(Script::<NODES, EDGES>::new(ScenarioNames::of(&part)), &part);
            let (script, place) = (play.executor.lines(), format!("{name}, {length} steps"));
            if deviates == Some(length) {
                assert!(std::panic::catch_unwind(|| run_script(&script, &place)).is_err(), "{place}");
                break;
            }
            let mut daemon = run_script(&script, &place);
            let known: Vec<String> = nodes(&mut daemon);
            let is_node = |name: &str| known.iter().any(|line| line.split(' ').nth(1) == Some(name));
            let mut found = edges(&mut daemon);
            found.retain(|edge| edge.split(' ').nth(1).is_some_and(is_node));
            found.sort();
            assert_eq!(found, expected, "{place}");
            scripts += 1;
        }
    }
    assert!(scripts > 25, "{scripts}");
}

/// Measures how far QMP reaches each scenario of the specification. Every difference is explained by a rule.
#[test]
fn every_scenario_agrees_or_deviates_by_a_rule() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let (mut table, mut turns, mut deviations) = (BTreeMap::new(), 0, BTreeMap::new());
    for name in &names {
        let Some((results, _)) = on_qemu_with_full_capacity(&scenario(name)) else { return };
        let count = |is: fn(&str) -> bool| results.iter().filter(|result| is(result)).count();
        let differs: Vec<&String> = results.iter().filter(|result| result.starts_with("differs")).collect();
        assert!(differs.is_empty(), "{name}: {differs:?}");
        let taken = count(|result| result == "same" || result.starts_with('D'));
        let reached = match (taken, count(|result| result == "ended" || result == "over" || result == "held")) {
            (0, _) => "not at all",
            (_, 0) => "wholly",
            _ => "partly",
        };
        turns += taken;
        results
            .iter()
            .filter(|result| result.starts_with('D'))
            .for_each(|rule| *deviations.entry(rule.clone()).or_insert(0) += 1);
        table.entry(reached).or_insert_with(Vec::new).push((name.as_str(), taken, results.len()));
    }
    for (reached, stories) in &table {
        println!("{reached}: {} scenarios", stories.len());
        stories.iter().for_each(|(name, taken, steps)| println!("  {name:<32} {taken:>3} turns, {steps:>3} steps"));
    }
    println!("{turns} turns; known deviations: {deviations:?}");
    let reached = |how: &str| table.get(how).map_or(0, Vec::len);
    assert!(reached("wholly") >= 6 && reached("partly") >= 60 && turns >= 200, "{table:?}");
}

/// Plays the scenario with the largest capacity that a scenario may need.
fn on_qemu_with_full_capacity(scenario: &Scenario) -> Option<(Vec<String>, ())> {
    let session = start_session::<256, 512>(scenario)?;
    (session.version() == REFERENCE_VERSION).then(|| (play(session, scenario).0, ()))
}
