//! Plays a scenario on QEMU: finds which steps form a turn together, which steps QMP does not reach, and where the play
//! has to stop (N9 to N13).

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

/// The largest number of steps that one turn may have.
const MAX_STEPS_PER_TURN: usize = 16;

/// Returns the contexts other than main that a scenario mentions.
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

/// Executes turns: a session with a daemon, or a script that records the commands.
pub trait Executor<const N: usize, const E: usize> {
    /// Returns the state from which the next turn starts, and what QEMU keeps besides.
    fn current(&self) -> (&State<N, E>, &Memory);

    /// Executes the turn; `None` if QMP does not reach it, or not in this version of QEMU.
    ///
    /// # Errors
    /// Fails if an image file cannot be created.
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

/// The result of a step on QEMU.
#[derive(Debug)]
pub enum StepResult<const N: usize, const E: usize> {
    /// The step is the last one of a turn that was executed.
    Played(Box<TurnReport<N, E>>),
    /// The step is part of the turn that ends with the step of this number, counted from 0.
    PartOfTurn(usize),
    /// QMP has no command for this step alone. It will be part of a later turn.
    Held(Unreachable),
    /// QMP does not reach the step, and without it QEMU's graph is the model's.
    Skipped(Unreachable),
    /// QMP does not reach the step, and without it QEMU's graph is not the model's: the play on QEMU stops here.
    Stopped(Unreachable),
    /// The play on QEMU stopped at an earlier step.
    AfterStop,
}

/// An executed turn.
#[derive(Debug)]
pub struct TurnReport<const N: usize, const E: usize> {
    /// The steps of the turn, by number from 0. The last one is the present step.
    pub steps: Vec<usize>,
    /// The names of the commands.
    pub commands: Vec<&'static str>,
    /// The answer and the comparison.
    pub turn: PlayedTurn<N, E>,
    /// Whether the play continues from a graph of QEMU's that is not the model's after these steps.
    pub diverged: bool,
    /// Whether the play on QEMU stops after this turn.
    pub stops: bool,
}

/// The model's run of the scenario, including the steps that were not sent to QEMU yet.
#[derive(Clone, Debug)]
struct ModelRun<const N: usize, const E: usize> {
    state: State<N, E>,
    memory: Memory,
    children: QuorumChildNames,
}

impl<const N: usize, const E: usize> ModelRun<N, E> {
    /// Returns the step's operations with QEMU's names, and the model's outcome.
    fn execute_step(&mut self, step: &Step) -> (Vec<Op>, Outcome<N, E>) {
        let ops = self.children.with_qemu_names(&self.state, &self.memory, step.body.ops());
        let outcome = execute(&self.state, &ops, &step.refusals);
        (ops, outcome)
    }

    /// Records that the operations were done.
    fn advance(&mut self, ops: &[Op], next: State<N, E>) {
        self.memory.after(&self.state, ops, &TurnAnswer::Done);
        self.state = next;
    }
}

/// A turn that is to be executed.
#[derive(Clone, Debug)]
struct Plan<const N: usize, const E: usize> {
    /// The operations that QMP reaches.
    ops: Vec<Op>,
    /// The steps of the turn. The turn is executed when the last of them is played.
    steps: Vec<usize>,
    /// The model's run after the turn, if QEMU agrees.
    model: ModelRun<N, E>,
    /// The steps that are held back after the turn, if QEMU agrees.
    held: HeldSteps,
    /// The steps that are held back after the turn in any case.
    rest: HeldSteps,
}

/// The steps that were not sent to QEMU yet, by number, with their operations.
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

    /// Splits off the steps that build this node; all steps if the node is `None`.
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
    /// The executor of the turns.
    pub executor: P,
    steps: Vec<&'a Step>,
    next_step: usize,
    model: ModelRun<N, E>,
    held: HeldSteps,
    plan: Option<Plan<N, E>>,
    stopped: bool,
}

impl<'a, P: Executor<N, E>, const N: usize, const E: usize> Play<'a, P, N, E> {
    /// Starts before the first step, with an empty graph.
    pub fn new(executor: P, steps: Vec<&'a Step>) -> Self {
        let (state, memory) = executor.current();
        let model = ModelRun { state: *state, memory: memory.clone(), children: QuorumChildNames::default() };
        Play { executor, steps, next_step: 0, model, held: HeldSteps::default(), plan: None, stopped: false }
    }

    /// Returns the steps that were not sent to QEMU, by number from 0.
    pub fn held(&self) -> Vec<usize> {
        self.held.steps()
    }

    /// Plays the next step.
    ///
    /// # Errors
    /// Fails if the executor fails.
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

    /// Plans the step as a turn of its own.
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

    /// Plans a turn of the steps that were held back for the same node and the steps from this one on. The turn has as
    /// many steps as possible such that the model accepts all. If there is none, it has as few as possible and the
    /// model refuses the last.
    fn plan_group(&self, at: usize) -> Option<Plan<N, E>> {
        let (state, memory) = self.executor.current();
        let node = built_node(&self.model.clone().execute_step(self.steps[at]).0);
        let (mut of_node, rest) = self.held.split_by_node(node);
        let mut model = self.model.clone();
        let mut found = None;
        for (number, step) in self.steps.iter().enumerate().skip(at).take(MAX_STEPS_PER_TURN) {
            let before = model.clone();
            let (ops, outcome) = model.execute_step(step);
            // A step that builds another node is not part of this turn.
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
        let differs = matches!(turn.comparison.verdict, Verdict::Differs(_));
        let diverged = turn.comparison.next.is_some() && !self.continue_from_qemu(plan.clone());
        self.stopped |= turn.comparison.next.is_none() || differs;
        let (steps, stops) = (plan.steps, self.stopped);
        Ok(StepResult::Played(Box::new(TurnReport { steps, commands, turn, diverged, stops })))
    }

    /// Continues from QEMU's state, and returns whether that is the model's state.
    fn continue_from_qemu(&mut self, plan: Plan<N, E>) -> bool {
        let (state, memory) = self.executor.current();
        let matches_model = state_after(state, &plan.held.ops()) == Some(plan.model.state);
        if matches_model {
            (self.model, self.held) = (plan.model, plan.held);
        } else if let Some(next) = state_after(state, &plan.rest.ops()) {
            // If QEMU has refused the turn it has done no step of it, although the model has done some.
            (self.model.state, self.held) = (next, plan.rest);
        } else {
            self.stopped = true;
        }
        self.model.memory = memory.clone();
        self.model.memory.after(state, &self.held.ops(), &TurnAnswer::Done);
        matches_model
    }

    /// Handles a step that QMP reaches neither alone nor together with the steps that were held back.
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
