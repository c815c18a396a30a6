//! Random stories on graphs larger than any scope explores: the crate beside the model, step by step.
#![allow(clippy::panic, reason = "what a test's helpers find fails the test")]

use blockgraph_check::generate::{self, Choice, ExcludedVerbs, MOST_OPS, Mode, Move, Next, Setup, WIDTH};
use blockgraph_check::impl_subject::ImplSubject;
use blockgraph_check::{compare, full_check};
use blockgraph_model::{Context, Node, NodeId, Op, Outcome, State, StepError};
use blockgraph_story::counterexample;
use blockgraph_story::subject::Subject;
use blockgraph_story::turn::Turn;
use proptest::prelude::*;
use proptest::test_runner::{Config, FileFailurePersistence};
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};
use std::collections::BTreeMap;

/// Larger than every scope, small enough that operands meet.
type Large = State<16, 40>;

// ---- both sides

/// The model, and what it did last.
#[derive(Clone, Debug, Default)]
struct Reference {
    excluded: ExcludedVerbs,
    state: Large,
    last: Option<Next<16, 40>>,
}

impl Reference {
    fn advance(&mut self, mode: Mode, chosen: &Move) {
        let setup = Setup { excluded: self.excluded, ..Setup::new(mode, 16) };
        let made = generate::step(setup, chosen, &self.state);
        if let Outcome::Done { next, .. } = &made.outcome {
            self.state = *next;
        }
        self.last = Some(made);
    }
}

/// The crate, and the story so far.
#[derive(Default)]
struct Tested {
    subject: ImplSubject,
    story: Vec<Turn>,
}

impl Tested {
    /// Makes the reference's last step.
    ///
    /// # Panics
    /// If anything differs, with the story as a scenario that `replay` plays.
    fn follow(&mut self, reference: &Reference) {
        let Some(Next { turn, outcome, .. }) = &reference.last else { return };
        self.story.push(turn.clone());
        let answer = self.subject.apply(&turn.ops, &turn.refusals);
        let wrong = compare::compare_step(outcome, &answer, &self.subject, &reference.state);
        let wrong = wrong.or_else(|| full_check::full_check(&self.subject, &reference.state));
        if let Some(what) = wrong {
            panic!("model and crate differ:\n{}", counterexample::text(&self.story, &what));
        }
    }
}

// ---- proptest's view of them

struct Story<const HOSTILE: bool>;

impl<const HOSTILE: bool> Story<HOSTILE> {
    const MODE: Mode = if HOSTILE { Mode::Hostile } else { Mode::Plausible };
}

fn choice() -> impl Strategy<Value = Choice> {
    any::<[u8; WIDTH]>().prop_map(Choice)
}

fn chosen() -> impl Strategy<Value = Move> {
    let choices = prop_oneof![
        3 => prop::collection::vec(choice(), 1),
        1 => prop::collection::vec(choice(), 0..=MOST_OPS),
    ];
    (choices, prop::option::weighted(0.15, any::<[u8; 3]>())).prop_map(|(choices, refusal)| Move { choices, refusal })
}

impl<const HOSTILE: bool> ReferenceStateMachine for Story<HOSTILE> {
    type State = Reference;
    type Transition = Move;

    fn init_state() -> BoxedStrategy<Reference> {
        let without = prop_oneof![Just(0), (any::<u64>(), any::<u64>()).prop_map(|(a, b)| a & b)];
        without.prop_map(|bits| Reference { excluded: ExcludedVerbs(bits), ..Reference::default() }).boxed()
    }

    fn transitions(_: &Reference) -> BoxedStrategy<Move> {
        chosen().boxed()
    }

    fn apply(mut state: Reference, transition: &Move) -> Reference {
        state.advance(Self::MODE, transition);
        state
    }
}

impl<const HOSTILE: bool> StateMachineTest for Story<HOSTILE> {
    type SystemUnderTest = Tested;
    type Reference = Self;

    fn init_test(_: &Reference) -> Tested {
        Tested::default()
    }

    fn apply(mut tested: Tested, reference: &Reference, _: Move) -> Tested {
        tested.follow(reference);
        tested
    }
}

/// What once failed is tried first from then on. (The default place is found only for tests inside `src`.)
fn config(cases: u32) -> Config {
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions/state_machine.txt");
    let failure_persistence = Some(Box::new(FileFailurePersistence::Direct(place)) as Box<_>);
    Config { failure_persistence, ..Config::with_cases(cases) }
}

prop_state_machine! {
    #![proptest_config(config(1000))]

    #[test]
    fn plausible_stories(sequential 1..100 => Story<false>);

    #[test]
    fn hostile_stories(sequential 1..100 => Story<true>);
}

// ---- the same with fixed bytes, counted

/// What the stories met.
#[derive(Default, Debug)]
struct Met {
    steps: usize,
    accepted: usize,
    /// By verb: single operations that were done, and that were not.
    done: Vec<usize>,
    refused: Vec<usize>,
    failed: usize,
    violating: usize,
    drivers: usize,
    /// A driver refused, and it went on without (V7).
    tolerated: usize,
    /// Something was done beside a node without its driver (L3).
    ejected: usize,
    /// Done by several prepared nodes at once (R2), with a rename (S6).
    joint: usize,
    renaming: usize,
    /// The most entries of a reopen that was done.
    most_entries: usize,
    /// Done while a node was quiesced, lived elsewhere, was inactive; done with a node that moved, or that became inactive or active.
    quiesced: usize,
    abroad: usize,
    inactive: usize,
    moved: usize,
    shifted: usize,
    /// A node was to move home, and refused (C3).
    stayed: usize,
    transactions: usize,
    closing: usize,
    skipped: usize,
    most_nodes: usize,
    most_edges: usize,
    /// The step errors met, by name.
    errors: BTreeMap<&'static str, usize>,
}

impl Met {
    fn count(&mut self, reference: &Reference) {
        let Some(Next { turn: step, outcome, skipped }) = &reference.last else { return };
        self.steps += 1;
        self.skipped += skipped;
        let done = matches!(outcome, Outcome::Done { .. });
        match step.ops.as_slice() {
            [op] if done => self.done[op.index()] += 1,
            [op] => self.refused[op.index()] += 1,
            _ => self.transactions += 1,
        }
        match outcome {
            Outcome::Done { closed, plan, .. } => {
                self.accepted += 1;
                self.closing += usize::from(!closed.is_empty());
                self.joint += usize::from(plan.prepare.len() > 1);
                self.renaming += usize::from(!plan.rename.is_empty());
                let any = |like: fn(&Node) -> bool| usize::from(reference.state.nodes.iter().any(like));
                self.ejected += any(|node| node.ejected);
                self.quiesced += usize::from(reference.state.quiesced().contains(&true));
                self.abroad += any(|node| node.context != Context::MAIN);
                self.inactive += any(|node| node.flags.inactive);
                self.moved += usize::from(!plan.context.is_empty());
                self.shifted += usize::from(!plan.inactivate.is_empty() || !plan.activate.is_empty());
                let stays = |(id, to): &(NodeId, Context)| reference.state.nodes[usize::from(id.0)].context != *to;
                self.stayed += usize::from(plan.context.iter().any(stays));
                let entries =
                    step.ops.iter().map(|op| if let Op::Reopen { queue } = op { queue.entries().len() } else { 0 });
                self.most_entries = self.most_entries.max(entries.max().unwrap_or(0));
                self.tolerated += usize::from(plan.hooks().any(|hook| step.refusals.contains(&hook)));
            }
            Outcome::Failed { error, .. } => {
                self.failed += 1;
                *self.errors.entry(error.name()).or_default() += 1;
            }
            Outcome::Violates { .. } => self.violating += 1,
            Outcome::Refused { .. } => self.drivers += 1,
        }
        self.most_nodes = self.most_nodes.max(reference.state.names().count());
        self.most_edges = self.most_edges.max(reference.state.edges().len());
    }
}

/// Plays stories from fixed bytes (splitmix64).
fn fixed(mode: Mode, seed: u64, stories: usize, steps: usize) -> Met {
    let mut state = seed;
    let mut bytes = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (z.wrapping_mul(0x94D0_49BB_1331_11EB) >> 56) as u8
    });
    let mut met = Met { done: vec![0; Op::VERBS.len()], refused: vec![0; Op::VERBS.len()], ..Met::default() };
    for story in 0..stories {
        let mut reference = Reference::default();
        // Every third story leaves something out.
        if story % 3 == 2 {
            let bits: [u8; 8] = std::array::from_fn(|_| bytes.next().unwrap_or_default());
            reference.excluded = ExcludedVerbs(u64::from_le_bytes(bits) & 0x0055_6AAD_5555);
        }
        let mut tested = Tested::default();
        for chosen in std::iter::from_fn(|| Move::read(&mut bytes)).take(steps) {
            reference.advance(mode, &chosen);
            tested.follow(&reference);
            met.count(&reference);
        }
    }
    met
}

#[test]
fn plausible_stories_are_worth_their_time() {
    let met = fixed(Mode::Plausible, 1, 120, 100);
    println!("{met:?}");
    assert!(met.accepted * 100 >= met.steps * 30, "too little is accepted: {met:?}");
    for (verb, count) in Op::VERBS.iter().zip(&met.done) {
        assert!(*count > 0, "{verb} was never done: {met:?}");
    }
    assert!(met.most_nodes == 16 && met.most_edges >= 28, "the graphs stay small: {met:?}");
    assert!(met.violating > 0 && met.drivers > 0 && met.tolerated > 0 && met.closing > 0, "{met:?}");
    assert!(met.transactions > 0, "{met:?}");
    assert!(met.joint > 20 && met.renaming > 20 && met.most_entries == 4, "{met:?}");
    assert!(met.moved > 100 && met.shifted > 100 && met.stayed > 0, "{met:?}");
    for count in [met.quiesced, met.abroad, met.inactive] {
        assert!(count * 10 > met.accepted && count * 10 < met.accepted * 9, "too seldom or too often: {met:?}");
    }
    assert!(met.ejected > 0 && met.ejected * 3 < met.accepted * 2, "drivers are lost too seldom or too often: {met:?}");
}

#[test]
fn hostile_stories_are_worth_their_time() {
    let met = fixed(Mode::Hostile, 2, 240, 100);
    println!("{met:?}");
    assert!(met.accepted * 100 >= met.steps * 10, "nothing is ever built: {met:?}");
    for (verb, (done, refused)) in Op::VERBS.iter().zip(met.done.iter().zip(&met.refused)) {
        // Nothing can refuse a drain-all: it has no precondition and asks no driver.
        let never = *verb == "drain-all-begin";
        assert!(*done > 0 && (*refused > 0) != never, "{verb}: done {done} times, refused {refused} times");
    }
    for name in StepError::NAMES {
        assert!(met.errors.contains_key(name), "{name} was never met: {met:?}");
    }
    assert!(met.violating > 0 && met.drivers > 0 && met.tolerated > 0 && met.closing > 0, "{met:?}");
}

/// A story that does not fit is cut where it does not fit, and that is counted.
#[test]
fn the_bounds_are_kept() {
    let mut state = State::<4, 2>::default();
    let mut skipped = 0;
    for byte in 0..=255u8 {
        for mode in [Mode::Plausible, Mode::Hostile] {
            let choices = (0..3).map(|i| Choice([byte.wrapping_mul(7).wrapping_add(i * 85); WIDTH])).collect();
            let made = generate::step(Setup::new(mode, 4), &Move { choices, refusal: None }, &state);
            skipped += made.skipped;
            if let Outcome::Done { next, .. } = made.outcome {
                state = next;
            }
        }
    }
    assert!(skipped > 0);
}
