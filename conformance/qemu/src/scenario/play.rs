//! A scenario on QEMU: which steps are a turn together, which QMP does not reach, and where the play has to end (N9 to N13).

use crate::commands::command::Command;
use crate::commands::of_operations;
use crate::compare::answer::TurnAnswer;
use crate::compare::verdict::Verdict;
use crate::scenario::children::Children;
use crate::scenario::grouping::{builds, built_node, reached, with};
use crate::scenario::unreachable::{self, Why};
use crate::session::{PlayedTurn, Session};
use crate::state::memory::Memory;
use blockgraph_model::{Context, NodeId, Op, Outcome, State, execute};
use blockgraph_story::text::{Scenario, Step};
use blockgraph_story::turn::Turn;
use std::collections::BTreeSet;
use std::io;

/// So many steps may be one turn.
const TOGETHER: usize = 16;

/// The contexts besides main that a scenario speaks of.
pub fn contexts(scenario: &Scenario) -> Vec<Context> {
    let said = |op: &Op| match *op {
        Op::MoveContext { to, .. } => Some(to),
        Op::AttachUser { context, .. } => context,
        _ => None,
    };
    let all = scenario.steps().flat_map(|step| step.body.ops()).filter_map(said);
    let all: BTreeSet<Context> = all.filter(|context| *context != Context::MAIN).collect();
    all.into_iter().collect()
}

/// Who does the turns: a daemon, or somebody who writes down what a daemon is to be told.
pub trait Partner<const N: usize, const E: usize> {
    /// The state with which it goes on, and what QEMU keeps besides.
    fn stands(&self) -> (&State<N, E>, &Memory);

    /// Does the turn; `None`: QMP does not reach it.
    ///
    /// # Errors
    /// If it cannot be asked.
    fn take(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<N, E>>>;
}

impl<const N: usize, const E: usize> Partner<N, E> for Session<'_, N, E> {
    fn stands(&self) -> (&State<N, E>, &Memory) {
        (&self.state, &self.memory)
    }

    fn take(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<N, E>>> {
        Session::take(self, ops)
    }
}

/// What became of a step.
#[derive(Debug)]
pub enum Fate<const N: usize, const E: usize> {
    /// It was done.
    Taken(Box<Taken<N, E>>),
    /// It is a part of the turn that ends with the step of that number, from 0.
    With(usize),
    /// QMP does not do it by itself; it will be a part of a later turn.
    Held(Why),
    /// QMP does not do it, and nothing is missed.
    Skipped(Why),
    /// QMP does not do it, and without it QEMU's graph is not the model's: here the play on QEMU ends.
    Ended(Why),
    /// The play has ended before.
    Over,
}

/// A turn that was done.
#[derive(Debug)]
pub struct Taken<const N: usize, const E: usize> {
    /// The steps that it consists of, by number from 0; this one is the last.
    pub steps: Vec<usize>,
    /// The commands.
    pub commands: Vec<&'static str>,
    /// What came of it.
    pub turned: PlayedTurn<N, E>,
    /// Does the play go on from a graph of QEMU's that is not the model's after these steps?
    pub moved: bool,
    /// Does the play on QEMU end here?
    pub ends: bool,
}

/// The story as the model tells it, with what QEMU has not been told yet.
#[derive(Clone, Debug)]
struct Story<const N: usize, const E: usize> {
    state: State<N, E>,
    memory: Memory,
    children: Children,
}

impl<const N: usize, const E: usize> Story<N, E> {
    /// The next step in QEMU's names, and what the model says of it.
    fn hear(&mut self, step: &Step) -> (Vec<Op>, Outcome<N, E>) {
        let ops = self.children.counted(&self.state, &self.memory, step.body.ops());
        let outcome = execute(&self.state, &ops, &step.refusals);
        (ops, outcome)
    }

    /// It was done.
    fn done(&mut self, ops: &[Op], next: State<N, E>) {
        self.memory.after(&self.state, ops, &TurnAnswer::Done);
        self.state = next;
    }
}

/// A turn to be done.
#[derive(Clone, Debug)]
struct Plan<const N: usize, const E: usize> {
    /// As QMP does it.
    ops: Vec<Op>,
    /// The steps that it consists of; the last of them is the present one when it is done.
    steps: Vec<usize>,
    /// What the story is when the model is right.
    story: Story<N, E>,
    /// What is held back then.
    held: Held,
    /// What is held back besides, whoever is right.
    rest: Held,
}

/// What QEMU has not been told: steps by number, and their operations.
#[derive(Clone, Debug, Default)]
struct Held(Vec<(usize, Vec<Op>)>);

impl Held {
    fn and(&self, step: usize, ops: &[Op]) -> Held {
        Held([&self.0[..], &[(step, ops.to_vec())]].concat())
    }

    fn ops(&self) -> Vec<Op> {
        self.0.iter().flat_map(|(_, ops)| ops).copied().collect()
    }

    fn steps(&self) -> Vec<usize> {
        self.0.iter().map(|(step, _)| *step).collect()
    }

    /// What builds this node, and the rest; all, if it is about no single node.
    fn of(&self, node: Option<NodeId>) -> (Held, Held) {
        let (of, rest) = self.0.iter().cloned().partition(|(_, ops)| node.is_none() || built_node(ops) == node);
        (Held(of), Held(rest))
    }

    fn with(&self, other: &Held) -> Held {
        let mut all = [&self.0[..], &other.0].concat();
        all.sort_by_key(|(step, _)| *step);
        Held(all)
    }
}

/// A scenario that is being played.
#[derive(Debug)]
pub struct Play<'a, P, const N: usize, const E: usize> {
    /// Who does the turns.
    pub partner: P,
    steps: Vec<&'a Step>,
    at: usize,
    story: Story<N, E>,
    held: Held,
    plan: Option<Plan<N, E>>,
    over: bool,
}

impl<'a, P: Partner<N, E>, const N: usize, const E: usize> Play<'a, P, N, E> {
    /// From the beginning, where there is no node.
    pub fn new(partner: P, steps: Vec<&'a Step>) -> Self {
        let (state, memory) = partner.stands();
        let story = Story { state: *state, memory: memory.clone(), children: Children::default() };
        Play { partner, steps, at: 0, story, held: Held::default(), plan: None, over: false }
    }

    /// The steps that QEMU was not told in the end, by number from 0.
    pub fn held(&self) -> Vec<usize> {
        self.held.steps()
    }

    /// Plays the next step.
    ///
    /// # Errors
    /// If the partner cannot be asked.
    pub fn play_next(&mut self) -> io::Result<Fate<N, E>> {
        let at = self.at;
        self.at += 1;
        if self.over {
            return Ok(Fate::Over);
        }
        if self.plan.is_none() {
            self.plan = self.alone(at).or_else(|| self.together(at));
        }
        match self.plan.take() {
            Some(plan) if plan.steps.last() == Some(&at) => self.take(plan),
            Some(plan) => {
                let last = plan.steps.last().copied().unwrap_or(at);
                self.plan = Some(plan);
                Ok(Fate::With(last))
            }
            None => Ok(self.not_reached(at)),
        }
    }

    /// The step as a turn of its own.
    fn alone(&self, at: usize) -> Option<Plan<N, E>> {
        let mut story = self.story.clone();
        let (ops, outcome) = story.hear(self.steps[at]);
        let (state, memory) = self.partner.stands();
        let spelled = reached(state, memory, &ops, &self.held.ops(), &outcome)?;
        if let Outcome::Done { next, .. } = outcome {
            story.done(&ops, next);
        } else {
            story = self.story.clone();
        }
        let held = self.held.clone();
        Some(Plan { ops: spelled, steps: vec![at], story, rest: held.clone(), held })
    }

    /// What was held back of the same node and the steps from this one on as one turn: as many as can be, of which the model does
    /// all; if there is none, as few as can be, of which it refuses the last.
    fn together(&self, at: usize) -> Option<Plan<N, E>> {
        let (state, memory) = self.partner.stands();
        let node = built_node(&self.story.clone().hear(self.steps[at]).0);
        let (mut mine, rest) = self.held.of(node);
        let mut story = self.story.clone();
        let mut found = None;
        for (number, step) in self.steps.iter().enumerate().skip(at).take(TOGETHER) {
            let before = story.clone();
            let (ops, outcome) = story.hear(step);
            // What else is to be done by itself is no part of this.
            if number > at && (node.is_none() || built_node(&ops) != node) {
                break;
            }
            let all = mine.and(number, &ops);
            let spelled = reached(state, memory, &all.ops(), &rest.ops(), &outcome);
            let Outcome::Done { next, .. } = outcome else {
                let held = rest.with(&mine);
                let plan = |ops| Plan { ops, steps: all.steps(), story: before, held, rest: rest.clone() };
                return found.or_else(|| spelled.map(plan));
            };
            story.done(&ops, next);
            if let Some(ops) = spelled {
                let (story, held) = (story.clone(), rest.clone());
                found = Some(Plan { ops, steps: all.steps(), story, held, rest: rest.clone() });
            }
            mine = all;
        }
        found
    }

    fn take(&mut self, plan: Plan<N, E>) -> io::Result<Fate<N, E>> {
        let (state, memory) = self.partner.stands();
        let commands = of_operations::commands(state, memory, &plan.ops).unwrap_or_default();
        let commands =
            commands.iter().filter_map(|step| if let Command::Ask(name, _) = step { Some(*name) } else { None });
        let commands = commands.collect();
        let Some(turned) = self.partner.take(&plan.ops)? else {
            self.over = true;
            let (state, _) = self.partner.stands();
            return Ok(Fate::Ended(unreachable::why(state, &self.story.state, &plan.ops)));
        };
        let differs = matches!(turned.judged.verdict, Verdict::Differs(_));
        let moved = turned.judged.next.is_some() && !self.go_on(plan.clone());
        self.over |= turned.judged.next.is_none() || differs;
        let (steps, ends) = (plan.steps, self.over);
        Ok(Fate::Taken(Box::new(Taken { steps, commands, turned, moved, ends })))
    }

    /// Goes on from where QEMU is; is that where the model is?
    fn go_on(&mut self, plan: Plan<N, E>) -> bool {
        let (state, memory) = self.partner.stands();
        let as_told = with(state, &plan.held.ops()) == Some(plan.story.state);
        if as_told {
            (self.story, self.held) = (plan.story, plan.held);
        } else if let Some(next) = with(state, &plan.rest.ops()) {
            // Of a turn that it has not done QEMU has nothing, though the model has done some steps of it.
            (self.story.state, self.held) = (next, plan.rest);
        } else {
            self.over = true;
        }
        self.story.memory = memory.clone();
        self.story.memory.after(state, &self.held.ops(), &TurnAnswer::Done);
        as_told
    }

    /// QMP has no command for this step, not for what was held back and it either.
    fn not_reached(&mut self, at: usize) -> Fate<N, E> {
        let mut story = self.story.clone();
        let step = self.steps[at];
        let (ops, outcome) = story.hear(step);
        let (state, _) = self.partner.stands();
        let why = match step.refusals[..] {
            [] => unreachable::why(state, &self.story.state, &ops),
            _ => Why::Injected,
        };
        let Outcome::Done { next, .. } = outcome else { return Fate::Skipped(why) };
        if next == self.story.state {
            return Fate::Skipped(why);
        }
        if ops.iter().all(|op| builds(state, op)) && (Turn { ops: ops.clone(), refusals: Vec::new() }).fits(state) {
            self.held = self.held.and(at, &ops);
            story.done(&ops, next);
            self.story = story;
            return Fate::Held(why);
        }
        self.over = true;
        Fate::Ended(why)
    }
}
