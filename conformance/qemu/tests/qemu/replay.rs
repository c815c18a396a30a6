//! Scenarios on the real daemon, and as scripts for it.

use crate::findings::{edges, nodes, run_script};
use blockgraph_model::{NodeId, Op, Perms, State};
use blockgraph_qemu::compare::answer::{TurnAnswer, TurnResult};
use blockgraph_qemu::compare::shown_graph;
use blockgraph_qemu::compare::verdict::{Verdict, judge};
use blockgraph_qemu::scenario::own_names::Named;
use blockgraph_qemu::scenario::play::{Fate, Partner, Play, contexts};
use blockgraph_qemu::scenario::script::Script;
use blockgraph_qemu::session::{Kit, PlayedTurn, Session};
use blockgraph_qemu::state::memory::Memory;
use blockgraph_qemu::{LOOKED_AT, find};
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

/// A fate in a word.
fn word<const N: usize, const E: usize>(fate: &Fate<N, E>) -> String {
    match fate {
        Fate::Taken(taken) => match &taken.turned.judged.verdict {
            Verdict::Same => "same".to_owned(),
            Verdict::Deviation(rule) => rule.name().to_owned(),
            Verdict::Differs(what) => format!("differs: {what}"),
        },
        Fate::With(_) => "with".to_owned(),
        Fate::Held(_) => "held".to_owned(),
        Fate::Skipped(_) => "skipped".to_owned(),
        Fate::Ended(_) => "ended".to_owned(),
        Fate::Over => "over".to_owned(),
    }
}

/// Plays all steps on that partner; what became of each.
fn play<P: Partner<N, E>, const N: usize, const E: usize>(
    partner: P,
    scenario: &Scenario,
) -> (Vec<String>, Play<'_, P, N, E>) {
    let mut play = Play::new(partner, scenario.steps().collect());
    let fates = scenario.steps().map(|_| word(&play.play_next().unwrap())).collect();
    (fates, play)
}

/// A daemon for the scenario; none where it is not installed.
fn witness<const N: usize, const E: usize>(scenario: &Scenario) -> Option<Session<'static, N, E>> {
    static KIT: OnceLock<Option<Kit>> = OnceLock::new();
    let kit = KIT.get_or_init(|| Some(Kit::make(&find()?, Duration::from_secs(3)).unwrap()));
    let Some(kit) = kit else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return None;
    };
    Some(Session::start_with(kit, &contexts(scenario)).unwrap())
}

/// On a daemon of the version that the deviations speak of: what became of each step, and how many edges there are in the end.
fn on_qemu(scenario: &Scenario) -> Option<(Vec<String>, Vec<String>)> {
    let witness = witness::<NODES, EDGES>(scenario)?;
    if witness.version() != LOOKED_AT {
        println!("the deviations speak of QEMU {LOOKED_AT}, this is {}: nothing was tested", witness.version());
        return None;
    }
    let (fates, play) = play(witness, scenario);
    Some((fates, expected_edges(&play.partner.state, &scenario.names)))
}

/// The edges between nodes, as the pages of findings spell them.
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
        let Some((fates, _)) = on_qemu(&scenario(name)) else { return };
        assert!(fates.iter().all(|fate| fate == "same" || fate == "with"), "{name}: {fates:?}");
    }
}

/// After a known deviation the play goes on from QEMU's graph.
#[test]
fn a_known_deviation_is_named() {
    let Some((fates, _)) = on_qemu(&scenario("n3-snapshot")) else { return };
    let expected: Vec<&str> = (0..fates.len()).map(|at| if at == 6 { "D18" } else { "same" }).collect();
    assert_eq!(fates, expected);
}

/// What QEMU is known to do wrong it still does, in the last step of each of these.
#[test]
fn the_open_defects_show() {
    for (name, rule) in [("h61-on-qemu", "D12"), ("h62-on-qemu", "D2"), ("h63-on-qemu", "D10")] {
        let Some((fates, _)) = on_qemu(&scenario(name)) else { return };
        assert_eq!(fates.last().map(String::as_str), Some(rule), "{name}: {fates:?}");
        assert!(fates[..fates.len() - 1].iter().all(|fate| fate == "same" || fate == "with"), "{name}: {fates:?}");
    }
}

/// A scenario, and what becomes of its steps.
fn fates_are(text: &str, expected: &[&str]) {
    let scenario = parse(text).unwrap().0;
    if let Some((fates, _)) = on_qemu(&scenario) {
        assert_eq!(fates, expected, "{text}");
    }
}

#[test]
fn what_is_not_reached_is_left_out_or_ends_it() {
    // Asking changes nothing, and neither does what is refused; freezing changes what QEMU does not know.
    fates_are(
        "add node=a kind=protocol\ncheck-op node=a kind=resize\nset-backing node=a to=none\nfreeze top=a base=none\n\
         hold node=a\ndelete node=a\nadd node=b kind=protocol\n",
        &["same", "skipped", "skipped", "skipped", "ended", "over", "over"],
    );
    // An injected refusal: nobody can tell QEMU to refuse; without it nothing happens anyway.
    fates_are(
        "add node=a kind=protocol\nrefuse node=a hook=check\nattach-user user=u node=a need=r share=all\ndelete node=a\n",
        &["same", "skipped", "same"],
    );
}

/// What has no command waits for a later step that has one, with others between them; it waits on when QEMU refuses the whole.
#[test]
fn halves_are_held_back() {
    fates_are(
        "add node=cbw kind=copy-before-write\nadd node=src kind=protocol\nattach-user user=u node=src need=rw share=all-z\n\
         add node=copy kind=protocol\nattach parent=cbw child=copy name=target role=d\n\
         attach parent=cbw child=src name=file role=fp => ok\n\
         add node=alone kind=blkdebug unshare=w\nattach parent=alone child=src name=file role=fp => error Conflict\n\
         detach-user user=u\nattach parent=alone child=src name=file role=fp => ok\ndelete node=src\n",
        &["held", "same", "same", "same", "with", "same", "with", "same", "same", "same", "same"],
    );
    // What is half done of one node is in nobody else's way.
    fates_are(
        "add node=a kind=protocol\nadd node=f kind=filter\nadd node=i kind=format\nappend new=f top=a\n\
         add node=d kind=file\nadd node=g kind=filter\nattach parent=i child=d name=file role=dmp\n\
         attach parent=g child=i name=file role=fp\nattach-user user=u node=g need=rw share=all\n",
        &["same", "held", "held", "same", "same", "held", "same", "same", "same"],
    );
    // A transaction is one turn with what was held back, too, and other words for the same are found.
    fates_are(
        "add node=a kind=protocol\nadd node=f kind=filter\nappend new=f top=a\n\
         transaction { add node=r kind=copy-on-read; append new=r top=f }\nrelease node=r\nrelease node=f\n\
         add node=i kind=format\nopen-child parent=i node=d kind=file name=file role=dmp\nset-read-only node=a value=on\n",
        &["same", "with", "same", "same", "same", "same", "with", "same", "same"],
    );
}

/// Says that it has done what it has not.
struct Liar(State<NODES, EDGES>, Memory);

impl Partner<NODES, EDGES> for Liar {
    fn stands(&self) -> (&State<NODES, EDGES>, &Memory) {
        (&self.0, &self.1)
    }

    fn take(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<NODES, EDGES>>> {
        let heard = TurnResult { told: TurnAnswer::Done, shown: Some(shown_graph::expected(&self.0)) };
        let judged = judge(&self.0, &self.1, ops, &heard);
        Ok(Some(PlayedTurn { heard, judged }))
    }
}

/// A comparison that cannot fail would be worth nothing.
#[test]
fn a_lie_is_noticed() {
    let scenario = parse("add node=a kind=protocol\nadd node=b kind=protocol\n").unwrap().0;
    let (fates, _) = play(Liar(State::default(), Memory::default()), &scenario);
    assert!(fates[0].starts_with("differs: model: done; the graphs differ"), "{fates:?}");
    assert_eq!(fates[1], "over");
}

/// The script, run by the reader of the findings, ends in the graph in which the play ends: after each step of these stories.
#[test]
fn a_script_ends_in_the_same_graph() {
    let mut scripts = 0;
    // Where QEMU deviates the script shows it, for it says what the model says.
    for (name, deviates) in [("n1-mirror", None), ("n2-quorum", None), ("n3-snapshot", Some(7))] {
        let whole = scenario(name);
        for length in 1..=whole.items.len() {
            let part = Scenario { names: whole.names.clone(), items: whole.items[..length].to_vec() };
            let Some((fates, expected)) = on_qemu(&part) else { return };
            if fates.last().is_some_and(|fate| fate == "held") {
                continue;
            }
            let (_, play) = play(Script::<NODES, EDGES>::new(Named::of(&part)), &part);
            let (script, place) = (play.partner.finished(), format!("{name}, {length} steps"));
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

/// How far QMP reaches each scenario of the specification; none differs but by a rule.
#[test]
fn every_scenario() {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    let (mut table, mut turns, mut deviations) = (BTreeMap::new(), 0, BTreeMap::new());
    for name in &names {
        let Some((fates, _)) = on_whole(&scenario(name)) else { return };
        let count = |is: fn(&str) -> bool| fates.iter().filter(|fate| is(fate)).count();
        let differs: Vec<&String> = fates.iter().filter(|fate| fate.starts_with("differs")).collect();
        assert!(differs.is_empty(), "{name}: {differs:?}");
        let taken = count(|fate| fate == "same" || fate.starts_with('D'));
        let reached = match (taken, count(|fate| fate == "ended" || fate == "over" || fate == "held")) {
            (0, _) => "not at all",
            (_, 0) => "wholly",
            _ => "partly",
        };
        turns += taken;
        fates
            .iter()
            .filter(|fate| fate.starts_with('D'))
            .for_each(|rule| *deviations.entry(rule.clone()).or_insert(0) += 1);
        table.entry(reached).or_insert_with(Vec::new).push((name.as_str(), taken, fates.len()));
    }
    for (reached, stories) in &table {
        println!("{reached}: {} scenarios", stories.len());
        stories.iter().for_each(|(name, taken, steps)| println!("  {name:<32} {taken:>3} turns, {steps:>3} steps"));
    }
    println!("{turns} turns; known deviations: {deviations:?}");
    let reached = |how: &str| table.get(how).map_or(0, Vec::len);
    assert!(reached("wholly") >= 6 && reached("partly") >= 60 && turns >= 200, "{table:?}");
}

/// The same with as much room as any scenario may need.
fn on_whole(scenario: &Scenario) -> Option<(Vec<String>, ())> {
    let witness = witness::<256, 512>(scenario)?;
    (witness.version() == LOOKED_AT).then(|| (play(witness, scenario).0, ()))
}
