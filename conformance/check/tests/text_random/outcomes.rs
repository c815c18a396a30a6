//! The actual results of operations as expectations, in text and in JSON, hold when the story is played again.

use blockgraph_check::generate::{self, Mode, Move, Setup};
use blockgraph_check::stages::stage;
use blockgraph_model::NodeId;
use blockgraph_story::model_subject::{ModelSubject, observe};
use blockgraph_story::subject::{Answer, Subject};
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::results::{answer_records, observation_records};
use blockgraph_story::text::scenario::{Item, Scenario};
use blockgraph_story::text::{json, parse, print};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use std::sync::atomic::{AtomicUsize, Ordering};

const NODES: usize = 8;

/// Bytes that the generator reads as moves.
#[derive(Clone, Debug)]
struct Story {
    bytes: Vec<u8>,
    hostile: bool,
}

impl Arbitrary for Story {
    fn arbitrary(g: &mut Gen) -> Self {
        let bytes = (0..400 + usize::arbitrary(g) % 400).map(|_| u8::arbitrary(g)).collect();
        Story { bytes, hostile: bool::arbitrary(g) }
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let hostile = self.hostile;
        Box::new(self.bytes.shrink().map(move |bytes| Story { bytes, hostile }))
    }
}

/// Done, failed, violates, refused.
static ANSWERED: [AtomicUsize; 4] = [const { AtomicUsize::new(0) }; 4];

/// Plays the story on the model and records its results: after each step the answer, or one of the violations, and the
/// graph.
fn with_results(story: &Story) -> Scenario {
    let mode = if story.hostile { Mode::Hostile } else { Mode::Plausible };
    let mut model = ModelSubject::<NODES, 48>::default();
    let mut bytes = story.bytes.iter().copied();
    let (mut steps, mut came) = (Vec::new(), Vec::new());
    while let Some(chosen) = Move::read(&mut bytes) {
        let step = generate::step(Setup::new(mode, NODES as u8), &chosen, &model.state).turn;
        let answer = model.apply(&step.ops, &step.refusals);
        let index = match answer {
            Answer::Done(_) => 0,
            Answer::Failed { .. } => 1,
            Answer::Violates(_) => 2,
            Answer::Refused(_) => 3,
        };
        ANSWERED[index].fetch_add(1, Ordering::Relaxed);
        came.push((answer_records(&answer).swap_remove(0), observation_records(&observe(&model.state))));
        steps.push(step);
    }
    let mut scenario = Scenario::of_ops(steps.iter().map(|step| &step.ops[..]));
    // An operation need not name the node that refuses.
    let all = (0..NODES as u8).map(|node| Item::Name(Declared::Node(NodeId(node))));
    let rest = scenario.items.into_iter().filter(|item| !matches!(item, Item::Name(Declared::Node(_))));
    scenario.items = all.chain(rest).collect();
    let lines =
        scenario.items.iter_mut().filter_map(|item| if let Item::Step(step) = item { Some(step) } else { None });
    for ((line, step), (answer, graph)) in lines.zip(steps).zip(came) {
        (line.refusals, line.expect, line.graph) = (step.refusals, Some(answer), graph);
    }
    scenario
}

/// Plays it on model and crate; what did not come out as was said.
fn faults(scenario: &Scenario) -> Vec<String> {
    let mut stage = stage(None);
    let played = scenario.steps().map(|step| stage.play(step, &scenario.names));
    played.flat_map(|report| report.map_or_else(|fault| vec![fault], |report| report.faults)).collect()
}

fn holds(story: Story) -> bool {
    let scenario = with_results(&story);
    if scenario.steps().next().is_none() {
        return true;
    }
    let text = print(&scenario);
    let (from_text, _) = parse(&text).unwrap_or_else(|problem| panic!("{problem} in\n{text}"));
    assert_eq!(json::parse(&json::print(&scenario).unwrap()).as_ref(), Ok(&from_text));
    // Names have other numbers now, by which sets are sorted; from here on they keep them.
    assert_eq!(parse(&print(&from_text)).map(|(again, _)| again).as_ref(), Ok(&from_text));
    assert_eq!(json::parse(&json::print(&from_text).unwrap()).as_ref(), Ok(&from_text));
    assert_eq!(faults(&from_text), Vec::<String>::new());
    true
}

#[test]
fn what_comes_of_a_story_is_what_it_says() {
    let stories = Gen::from_size_and_seed(100, 1);
    QuickCheck::new().rng(stories).tests(40).quickcheck(holds as fn(Story) -> bool);
    let answered = ANSWERED.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(answered.iter().all(|count| *count > 20), "{answered:?}");
}
