//! A scenario on QEMU: which steps are a turn together, which QMP does not reach, and where the play has to end (N9 to N13).

use crate::commands::command::Command;
use crate::commands::of_operations;
use crate::compare::answer::TurnAnswer;
use crate::compare::verdict::Verdict;
use crate::scenario::grouping::{built_node, only_builds, reachable_ops, state_after};
use crate::scenario::quorum_children::QuorumChildNames;
use crate::scenario::unreachable::{self, Unreachable};
use crate::session::{PlayedTurn, Session};
use crate::state::memory::Memory;
use blockgraph_model::{Context, NodeId, Op, Outcome, State, execute};
use blockgraph_story::text::{Scenario, Step};
use blockgraph_story::turn::Turn;
use std::collections::BTreeSet;
use std::io;

/// So many steps may be one turn.
const MAX_STEPS_PER_TURN: usize = 16;

/// The contexts besides main that a scenario speaks of.
pub fn contexts(scenario: &Scenario) -> Vec<Context> {
    let context_of = |op: &Op| match *op {
        Op::MoveContext { to, .. } => Some(to),
        Op::AttachUser { context, .. } => context,
        _ => None,
    };
    let all = scenario.steps().flat_map(|step| step.body.ops()).filter_map(context_of);
    let all: BTreeSet<Context> = all.filter(|context| *context != Context::MAIN).collect();
    all.into_iter().collect()
}

/// Who does the turns: a daemon, or somebody who writes down what a daemon is to be told.
pub trait Executor<const N: usize, const E: usize> {
    /// The state with which it goes on, and what QEMU keeps besides.
    fn current(&self) -> (&State<N, E>, &Memory);

    /// Does the turn; `None`: QMP does not reach it.
    ///
    /// # Errors
    /// If it cannot be asked.
    fn run_turn(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<N, E>>>;
}

impl<const N: usize, const E: usize> Executor<N, E> for Session<'_, N, E> {
    fn current(&self) -> (&State<N, E>, &Memory) {
        (&self.state, &self.memory)
    }

    fn run_turn(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<N, E>>> {
        Session::take(self, ops)
    }
}

/// What became of a step.
#[derive(Debug)]
pub enum StepResult<const N: usize, const E: usize> {
    /// It was done.
    Played(Box<TurnReport<N, E>>),
    /// It is a part of the turn that ends with the step of that number, from 0.
    PartOfTurn(usize),
    /// QMP does not do it by itself; it will be a part of a later turn.
    Held(Unreachable),
    /// QMP does not do it, and nothing is missed.
    Skipped(Unreachable),
    /// QMP does not do it, and without it QEMU's graph is not the model's: here the play on QEMU ends.
    Stopped(Unreachable),
    /// The play has ended before.
    AfterStop,
}

/// A turn that was done.
#[derive(Debug)]
pub struct TurnReport<const N: usize, const E: usize> {
    /// The steps that it consists of, by number from 0; this one is the last.
    pub steps: Vec<usize>,
    /// The commands.
    pub commands: Vec<&'static str>,
    /// What came of it.
    pub turn: PlayedTurn<N, E>,
    /// Does the play go on from a graph of QEMU's that is not the model's after these steps?
    pub diverged: bool,
    /// Does the play on QEMU end here?
    pub stops: bool,
}

/// The story as the model tells it, with what QEMU has not been told yet.
#[derive(Clone, Debug)]
struct ModelRun<const N: usize, const E: usize> {
    state: State<N, E>,
    memory: Memory,
    children: QuorumChildNames,
}

impl<const N: usize, const E: usize> ModelRun<N, E> {
    /// The next step in QEMU's names, and what the model says of it.
    fn execute_step(&mut self, step: &Step) -> (Vec<Op>, Outcome<N, E>) {
        let ops = self.children.with_qemu_names(&self.state, &self.memory, step.body.ops());
        let outcome = execute(&self.state, &ops, &step.refusals);
        (ops, outcome)
    }

    /// It was done.
    fn advance(&mut self, ops: &[Op], next: State<N, E>) {
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
    model: ModelRun<N, E>,
    /// What is held back then.
    held: HeldSteps,
    /// What is held back besides, whoever is right.
    rest: HeldSteps,
}

/// What QEMU has not been told: steps by number, and their operations.
#[derive(Clone, Debug, Default)]
struct HeldSteps(Vec<(usize, Vec<Op>)>);

impl HeldSteps {
    fn with_step(&self, step: usize, ops: &[Op]) -> HeldSteps {
        HeldSteps([&self.0[..], &[(step, ops.to_vec())]].concat())
    }

    fn ops(&self) -> Vec<Op> {
        self.0.iter().flat_map(|(_, ops)| ops).copied().collect()
    }

    fn steps(&self) -> Vec<usize> {
        self.0.iter().map(|(step, _)| *step).collect()
    }

    /// What builds this node, and the rest; all, if it is about no single node.
    fn split_by_node(&self, node: Option<NodeId>) -> (HeldSteps, HeldSteps) {
        let (of, rest) = self.0.iter().cloned().partition(|(_, ops)| node.is_none() || built_node(ops) == node);
        (HeldSteps(of), HeldSteps(rest))
    }

    fn merged(&self, other: &HeldSteps) -> HeldSteps {
        let mut all = [&self.0[..], &other.0].concat();
        all.sort_by_key(|(step, _)| *step);
        HeldSteps(all)
    }
}

/// A scenario that is being played.
#[derive(Debug)]
pub struct Play<'a, P, const N: usize, const E: usize> {
    /// Who does the turns.
    pub executor: P,
    steps: Vec<&'a Step>,
    next_step: usize,
    model: ModelRun<N, E>,
    held: HeldSteps,
    plan: Option<Plan<N, E>>,
    stopped: bool,
}

impl<'a, P: Executor<N, E>, const N: usize, const E: usize> Play<'a, P, N, E> {
    /// From the beginning, where there is no node.
    pub fn new(executor: P, steps: Vec<&'a Step>) -> Self {
        let (state, memory) = executor.current();
        let model = ModelRun { state: *state, memory: memory.clone(), children: QuorumChildNames::default() };
        Play { executor, steps, next_step: 0, model, held: HeldSteps::default(), plan: None, stopped: false }
    }

    /// The steps that QEMU was not told in the end, by number from 0.
    pub fn held(&self) -> Vec<usize> {
        self.held.steps()
    }

    /// Plays the next step.
    ///
    /// # Errors
    /// If the partner cannot be asked.
    pub fn play_next(&mut self) -> io::Result<StepResult<N, E>> {
        let at = self.next_step;
        self.next_step += 1;
        if self.stopped {
            return Ok(StepResult::AfterStop);
        }
        if self.plan.is_none() {
            self.plan = self.plan_single(at).or_else(|| self.plan_group(at));
        }
        match self.plan.take() {
            Some(plan) if plan.steps.last() == Some(&at) => self.run_plan(plan),
            Some(plan) => {
                let last = plan.steps.last().copied().unwrap_or(at);
                self.plan = Some(plan);
                Ok(StepResult::PartOfTurn(last))
            }
            None => Ok(self.unreachable_step(at)),
        }
    }

    /// The step as a turn of its own.
    fn plan_single(&self, at: usize) -> Option<Plan<N, E>> {
        let mut model = self.model.clone();
        let (ops, outcome) = model.execute_step(self.steps[at]);
        let (state, memory) = self.executor.current();
        let qmp_ops = reachable_ops(state, memory, &ops, &self.held.ops(), &outcome)?;
        if let Outcome::Done { next, .. } = outcome {
            model.advance(&ops, next);
        } else {
            model = self.model.clone();
        }
        let held = self.held.clone();
        Some(Plan { ops: qmp_ops, steps: vec![at], model, rest: held.clone(), held })
    }

    /// What was held back of the same node and the steps from this one on as one turn: as many as can be, of which the model does
    /// all; if there is none, as few as can be, of which it refuses the last.
    fn plan_group(&self, at: usize) -> Option<Plan<N, E>> {
        let (state, memory) = self.executor.current();
        let node = built_node(&self.model.clone().execute_step(self.steps[at]).0);
        let (mut of_node, rest) = self.held.split_by_node(node);
        let mut model = self.model.clone();
        let mut found = None;
        for (number, step) in self.steps.iter().enumerate().skip(at).take(MAX_STEPS_PER_TURN) {
            let before = model.clone();
            let (ops, outcome) = model.execute_step(step);
            // What else is to be done by itself is no part of this.
            if number > at && (node.is_none() || built_node(&ops) != node) {
                break;
            }
            let all = of_node.with_step(number, &ops);
            let qmp_ops = reachable_ops(state, memory, &all.ops(), &rest.ops(), &outcome);
            let Outcome::Done { next, .. } = outcome else {
                let held = rest.merged(&of_node);
                let plan = |ops| Plan { ops, steps: all.steps(), model: before, held, rest: rest.clone() };
                return found.or_else(|| qmp_ops.map(plan));
            };
            model.advance(&ops, next);
            if let Some(ops) = qmp_ops {
                let (model, held) = (model.clone(), rest.clone());
                found = Some(Plan { ops, steps: all.steps(), model, held, rest: rest.clone() });
            }
            of_node = all;
        }
        found
    }

    fn run_plan(&mut self, plan: Plan<N, E>) -> io::Result<StepResult<N, E>> {
        let (state, memory) = self.executor.current();
        let commands = of_operations::commands(state, memory, &plan.ops).unwrap_or_default();
        let commands =
            commands.iter().filter_map(|step| if let Command::Ask(name, _) = step { Some(*name) } else { None });
        let commands = commands.collect();
        let Some(turn) = self.executor.run_turn(&plan.ops)? else {
            self.stopped = true;
            let (state, _) = self.executor.current();
            return Ok(StepResult::Stopped(unreachable::reason(state, &self.model.state, &plan.ops)));
        };
        let differs = matches!(turn.judged.verdict, Verdict::Differs(_));
        let diverged = turn.judged.next.is_some() && !self.continue_from_qemu(plan.clone());
        self.stopped |= turn.judged.next.is_none() || differs;
        let (steps, stops) = (plan.steps, self.stopped);
        Ok(StepResult::Played(Box::new(TurnReport { steps, commands, turn, diverged, stops })))
    }

    /// Goes on from where QEMU is; is that where the model is?
    fn continue_from_qemu(&mut self, plan: Plan<N, E>) -> bool {
        let (state, memory) = self.executor.current();
        let matches_model = state_after(state, &plan.held.ops()) == Some(plan.model.state);
        if matches_model {
            (self.model, self.held) = (plan.model, plan.held);
        } else if let Some(next) = state_after(state, &plan.rest.ops()) {
            // Of a turn that it has not done QEMU has nothing, though the model has done some steps of it.
            (self.model.state, self.held) = (next, plan.rest);
        } else {
            self.stopped = true;
        }
        self.model.memory = memory.clone();
        self.model.memory.after(state, &self.held.ops(), &TurnAnswer::Done);
        matches_model
    }

    /// QMP has no command for this step, not for what was held back and it either.
    fn unreachable_step(&mut self, at: usize) -> StepResult<N, E> {
        let mut model = self.model.clone();
        let step = self.steps[at];
        let (ops, outcome) = model.execute_step(step);
        let (state, _) = self.executor.current();
        let reason = match step.refusals[..] {
            [] => unreachable::reason(state, &self.model.state, &ops),
            _ => Unreachable::InjectedRefusal,
        };
        let Outcome::Done { next, .. } = outcome else { return StepResult::Skipped(reason) };
        if next == self.model.state {
            return StepResult::Skipped(reason);
        }
        if ops.iter().all(|op| only_builds(state, op)) && (Turn { ops: ops.clone(), refusals: Vec::new() }).fits(state)
        {
            self.held = self.held.with_step(at, &ops);
            model.advance(&ops, next);
            self.model = model;
            return StepResult::Held(reason);
        }
        self.stopped = true;
        StepResult::Stopped(reason)
    }
}
