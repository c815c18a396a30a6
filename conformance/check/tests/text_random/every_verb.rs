//! Each verb by itself: none is left to chance.

use crate::random_records::{one, record, scenario};
use blockgraph_model::{Op, StepError, Violation};
use blockgraph_story::text::entries::ReopenEntry;
use blockgraph_story::text::grammar::{ANSWERS, AnswerRecord, Directive, GRAPH_LINES, GraphLine, OPS};
use blockgraph_story::text::scenario::{Body, Item, Scenario, Step};
use blockgraph_story::text::schema::Recorded;
use blockgraph_story::text::value::Record;
use blockgraph_story::text::{json, parse, print};
use quickcheck::Gen;
use std::collections::BTreeSet;
use std::fmt::Debug;

const OFTEN: usize = 60;

/// A scenario is the same after text and after JSON.
fn is_read_back(scenario: &Scenario) {
    let (text, object) = (print(scenario), json::print(scenario).unwrap());
    assert_eq!(parse(&text).map(|(read, _)| read).as_ref(), Ok(scenario), "{text}");
    assert_eq!(json::parse(&object).as_ref(), Ok(scenario), "{object}");
}

fn step(op: Op, expect: Option<Record>, graph: Vec<Record>) -> Step {
    Step { refusals: Vec::new(), body: Body::Single(op), expect, graph }
}

/// All 46 operations, each with each of its fields that may be left out left out and said.
#[test]
fn every_operation_is_read_back() {
    let g = &mut Gen::from_size_and_seed(100, 1);
    for schema in &*OPS {
        let mut sizes = BTreeSet::new();
        let mut said = BTreeSet::new();
        for _ in 0..OFTEN {
            let op: Op = one(g, schema);
            assert_eq!(Op::VERBS[op.index()], schema.verb);
            let record = op.to_record();
            assert_eq!(Op::from_record(&record), Ok(op));
            sizes.insert(record.fields.len());
            said.extend(record.fields.iter().map(|(key, _)| *key));
            is_read_back(&scenario([step(op, None, Vec::new())]));
        }
        let required = schema.columns.iter().filter(|column| column.required).count();
        assert_eq!(sizes.len() > 1, required < schema.columns.len(), "{}: {sizes:?}", schema.verb);
        assert_eq!(said.len(), schema.columns.len(), "{}: {said:?}", schema.verb);
    }
    assert_eq!(OPS.len(), 46);
}

/// T14, T15: all answers and all lines about the graph, whatever part of their fields is said.
#[test]
fn every_expectation_is_read_back() {
    let g = &mut Gen::from_size_and_seed(100, 2);
    let idle = Op::DrainAllBegin {};
    for _ in 0..OFTEN {
        for schema in &*ANSWERS {
            is_read_back(&scenario([step(idle, Some(record(g, schema)), Vec::new())]));
        }
        for schema in &*GRAPH_LINES {
            is_read_back(&scenario([step(idle, None, vec![record(g, schema)])]));
        }
    }
    assert_eq!((ANSWERS.len(), GRAPH_LINES.len()), (2 + StepError::NAMES.len() + Violation::schemas().len(), 5));
}

/// What is made a record is the same afterwards, for every variant.
fn through_records<T: Recorded + PartialEq + Debug>(g: &mut Gen) {
    for schema in T::schemas() {
        for _ in 0..OFTEN {
            let before: T = one(g, &schema);
            assert_eq!(T::from_record(&before.to_record()).as_ref(), Ok(&before));
        }
    }
}

#[test]
fn everything_recorded_is_the_same_afterwards() {
    let g = &mut Gen::from_size_and_seed(100, 3);
    through_records::<Op>(g);
    through_records::<StepError>(g);
    through_records::<Violation>(g);
    through_records::<AnswerRecord>(g);
    through_records::<Directive>(g);
    through_records::<ReopenEntry>(g);
    through_records::<GraphLine>(g);
}

/// The random scenarios draw them all, so that no verb is tried alone only.
#[test]
fn random_scenarios_have_every_verb() {
    use crate::random_records::Any;
    use quickcheck::Arbitrary;
    let g = &mut Gen::from_size_and_seed(100, 4);
    let (mut ops, mut answers, mut seen) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for _ in 0..1000 {
        for item in Any::arbitrary(g).0.items {
            let Item::Step(step) = item else { continue };
            ops.extend(step.body.ops().iter().map(|op| op.index()));
            answers.extend(step.expect.iter().map(|record| record.verb));
            seen.extend(step.graph.iter().map(|record| record.verb));
        }
    }
    assert_eq!((ops.len(), answers.len(), seen.len()), (OPS.len(), ANSWERS.len(), GRAPH_LINES.len()));
}
