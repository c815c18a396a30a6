//! Prints a scenario as QMP commands that can be pasted into another QEMU and that `tests/qemu/findings.rs` runs (N12).

use crate::commands::command::Command;
use crate::commands::of_operations;
use crate::compare::answer::{TurnAnswer, TurnResult};
use crate::compare::shown_graph;
use crate::compare::verdict::{ComparedTurn, Verdict};
use crate::scenario::play::Executor;
use crate::scenario::scenario_names::ScenarioNames;
use crate::session::{PlayedTurn, preparations};
use crate::state::memory::Memory;
use crate::wire::{names, node_options};
use blockgraph_model::op::Act;
use blockgraph_model::{Context, Op, Outcome, Perms, State, execute};
use serde_json::Value;
use std::io;

/// Records the commands for QEMU, and takes the model's outcomes as QEMU's answers.
#[derive(Debug)]
pub struct Script<'a, const N: usize, const E: usize> {
    names_in_script: ScenarioNames<'a>,
    state: State<N, E>,
    memory: Memory,
    /// The lines so far, without the preparations.
    lines: Vec<String>,
}

impl<'a, const N: usize, const E: usize> Script<'a, N, E> {
    /// Starts with an empty graph and no lines.
    pub fn new(names_in_script: ScenarioNames<'a>) -> Self {
        Script { names_in_script, state: State::default(), memory: Memory::default(), lines: Vec::new() }
    }

    /// Adds a comment; each line of the text becomes one line.
    pub fn comment(&mut self, text: &str) {
        self.lines.extend(text.lines().map(|line| format!("# {line}")));
    }

    /// Returns the required preparations that the commands use, then all lines, then the expected edges.
    pub fn lines(&self) -> Vec<String> {
        let threads: Vec<Context> = (1..=u8::MAX).map(Context).collect();
        let uses = |what: &str| self.lines.iter().any(|line| line.contains(what));
        let mut all = Vec::new();
        for (command, mut arguments) in preparations(&threads) {
            let id = arguments["id"].as_str().unwrap_or_default().to_owned();
            let used = match command {
                "nbd-server-start" => uses("\"type\":\"nbd\""),
                _ if id == node_options::THROTTLE_GROUP => uses("\"throttle-group\":"),
                _ => uses(&format!("\"iothread\":\"{id}\"")),
            };
            if used {
                if let Some(path) = arguments.pointer_mut("/addr/data/path") {
                    *path = Value::from("DIR/nbd");
                }
                all.push(line(command, &arguments));
            }
        }
        all.extend(self.lines.iter().cloned());
        all.extend(self.edges());
        all
    }

    /// Returns the expected edges between nodes.
    fn edges(&self) -> Vec<String> {
        let shown = shown_graph::expected(&self.state);
        let letters = |bits: u8| format!("{:?}", Perms(bits & names::QEMU_BITS.0));
        let mut all = Vec::new();
        for (id, node) in &shown.nodes {
            let from = self.names_in_script.node(blockgraph_model::NodeId(*id));
            all.extend(node.edges.values().map(|(to, need, share)| {
                let to = self.names_in_script.node(blockgraph_model::NodeId(*to));
                format!("# => edge {from} {to} need={} share={}", letters(*need), letters(*share))
            }));
        }
        all
    }

    fn write(&mut self, command: &Command) {
        let lines = match command {
            Command::Ask(name, arguments) => vec![line(name, &self.names_in_script.arguments(arguments))],
            Command::Image(id) if self.state.node(*id).is_some() => vec![],
            Command::Image(id) => {
                let (image, size) = (self.names_in_script.image(*id), node_options::IMAGE_SIZE);
                vec![
                    format!("# $ qemu-img create -q -f qcow2 DIR/{image} {size}"),
                    format!("# $ truncate -s {size} DIR/{image}"),
                ]
            }
            Command::ExportGone(user) => vec![format!("# wait export {} gone", self.names_in_script.user(*user))],
            Command::JobIs(job, status) => vec![format!("# wait job {} {status}", self.names_in_script.user(*job))],
            Command::JobEnds(job) => vec![format!("# wait job {} gone", self.names_in_script.user(*job))],
        };
        self.lines.extend(lines);
    }
}

/// Formats a command as one line.
fn line(command: &str, arguments: &Value) -> String {
    format!("{{\"execute\": {}, \"arguments\": {arguments}}}", Value::from(command))
}

/// Returns whether the operation ends a job. If it does, a refusal comes from the job, at its end.
fn ends_job(op: &Op) -> bool {
    use Op::{Backup, Commit, CommitActive, Mirror, Stream};
    match op {
        Stream { act, .. }
        | Commit { act, .. }
        | CommitActive { act, .. }
        | Mirror { act, .. }
        | Backup { act, .. } => *act != Act::Start,
        _ => false,
    }
}

impl<const N: usize, const E: usize> Executor<N, E> for Script<'_, N, E> {
    fn current(&self) -> (&State<N, E>, &Memory) {
        (&self.state, &self.memory)
    }

    fn run_turn(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<N, E>>> {
        let Some(commands) = of_operations::commands(&self.state, &self.memory, ops) else { return Ok(None) };
        let outcome = execute(&self.state, ops, &[]);
        let (answer, next) = match outcome {
            Outcome::Done { next, .. } => (TurnAnswer::Done, next),
            _ => (TurnAnswer::Refused(String::new(), crate::compare::difference::summary(&outcome)), self.state),
        };
        let to_the_end = answer == TurnAnswer::Done || ops.iter().any(ends_job);
        let asked = commands.iter().position(|command| matches!(command, Command::Ask(..))).map_or(0, |at| at + 1);
        let count = if to_the_end { commands.len() } else { asked };
        commands.iter().take(count).for_each(|command| self.write(command));
        if answer != TurnAnswer::Done {
            self.lines.push("# => error".to_owned());
        }
        self.memory.after(&self.state, ops, &answer);
        self.state = next;
        let comparison = ComparedTurn { verdict: Verdict::Same, next: Some(next), class: None };
        Ok(Some(PlayedTurn { result: TurnResult { answer, shown: None }, comparison }))
    }
}
