//! A daemon that executes turns, with the model's state beside it.

use crate::commands::command::Command;
use crate::commands::of_operations;
use crate::compare::answer::{DIED, HANGS, TurnAnswer, TurnResult};
use crate::compare::shown_graph;
use crate::compare::verdict::{ComparedTurn, Verdict, compare_turn};
use crate::daemon::schema::Schema;
use crate::daemon::{Client, ConnectionLost, Daemon, Event, IMAGE_TOOL, Reply};
use crate::state::jobs;
use crate::state::memory::Memory;
use crate::wire::{names, node_options};
use blockgraph_model::{Act, Context, Op, State, UserId};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The contexts besides the main one for which the daemon has iothreads.
pub const THREADS: [Context; 2] = [Context(1), Context(2)];
/// Driver and flags are queried once in this many turns if nothing else requires it.
const ALL_SEEN: u64 = 8;

/// How often a job without progress is queried in quick succession.
const SOON: u32 = 50;
/// After this many further queries, ten milliseconds apart, the job is given up if QEMU sleeps in between, because then
/// no I/O is under way.
const STILL: u32 = SOON + 15;
/// After this many further queries the job is given up in any case.
const ENOUGH: u32 = SOON + 500;

/// Returns the commands that prepare a daemon for its first operation. `threads` are the contexts besides the main one.
pub fn preparations(threads: &[Context]) -> Vec<(&'static str, Value)> {
    let group = json!({"qom-type": "throttle-group", "id": node_options::THROTTLE_GROUP});
    let thread = |context: &Context| ("object-add", json!({"qom-type": "iothread", "id": names::thread(*context)}));
    let server = json!({"addr": {"type": "unix", "data": {"path": "nbd"}}});
    let mut all = vec![("object-add", group), ("nbd-server-start", server)];
    all.extend(threads.iter().map(thread));
    all
}

/// The content of a new image, which is made once.
#[derive(Clone, Debug)]
pub struct Image(Vec<u8>);

impl Image {
    /// Makes it with `qemu-img`: an empty qcow2 image, in a file of the image's size.
    ///
    /// # Errors
    /// If `qemu-img` is missing or fails.
    pub fn make() -> io::Result<Image> {
        // Several may be made at once in one process.
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("blockgraph-image-{}-{number}", std::process::id()));
        let size = node_options::IMAGE_SIZE.to_string();
        let made = std::process::Command::new(IMAGE_TOOL)
            .args(["create", "-q", "-f", "qcow2"])
            .arg(&path)
            .arg(size)
            .output()?;
        let bytes = std::fs::read(&path);
        // Only the content is needed.
        let _ = std::fs::remove_file(&path);
        if !made.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&made.stderr).into_owned()));
        }
        Ok(Image(bytes?))
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        std::fs::write(path, &self.0)?;
        std::fs::File::options().write(true).open(path)?.set_len(node_options::IMAGE_SIZE)
    }
}

/// What all daemons of a run have in common. It is made and queried once.
#[derive(Clone, Debug)]
pub struct DaemonSetup {
    program: PathBuf,
    patience: Duration,
    image: Image,
    /// The commands and arguments that this QEMU knows.
    pub schema: Schema,
    /// Its version.
    pub version: String,
}

impl DaemonSetup {
    /// Starts a daemon to query it. `patience` is how long an answer may take. Costs about 30 ms.
    ///
    /// # Errors
    /// If the image cannot be made, or the daemon does not start or does not report its schema.
    pub fn make(program: &Path, patience: Duration) -> io::Result<DaemonSetup> {
        let image = Image::make()?;
        let mut daemon = Daemon::start(program, patience)?;
        let answer = done(&mut daemon.client, "query-qmp-schema", &json!({})).map_err(io::Error::other)?;
        let schema = Schema::parse(&answer).ok_or_else(|| io::Error::other("query-qmp-schema returns no schema"))?;
        let version = daemon.client.version().to_owned();
        Ok(DaemonSetup { program: program.to_owned(), patience, image, schema, version })
    }
}

/// A daemon, with the state that it should have.
#[derive(Debug)]
pub struct Session<'a, const N: usize, const E: usize> {
    daemon: Daemon,
    setup: &'a DaemonSetup,
    /// The model's state.
    pub state: State<N, E>,
    /// What QEMU keeps and the model does not.
    pub memory: Memory,
    turns: u64,
    /// How many turns were not played because this version of QEMU lacks something, by what it lacks.
    pub lacking: BTreeMap<String, u64>,
    /// Whether driver and flags are queried after every turn.
    pub thorough: bool,
}

/// A turn that was executed and compared.
#[derive(Debug)]
pub struct PlayedTurn<const N: usize, const E: usize> {
    /// QEMU's answer and graph.
    pub result: TurnResult,
    /// The result of the comparison.
    pub comparison: ComparedTurn<N, E>,
}

impl<'a, const N: usize, const E: usize> Session<'a, N, E> {
    /// Starts a daemon with an empty graph and [`THREADS`].
    ///
    /// # Errors
    /// If it does not start, or does not answer.
    pub fn start(setup: &'a DaemonSetup) -> io::Result<Self> {
        Self::start_with(setup, &THREADS)
    }

    /// Starts a daemon with an empty graph and iothreads for these contexts.
    ///
    /// # Errors
    /// If it does not start, or does not answer.
    pub fn start_with(setup: &'a DaemonSetup, threads: &[Context]) -> io::Result<Self> {
        let mut daemon = Daemon::start(&setup.program, setup.patience)?;
        for (command, arguments) in preparations(threads) {
            match daemon.client.execute(command, &arguments) {
                Ok(Reply::Done(_)) => {}
                other => return Err(io::Error::other(format!("{command}: {other:?}"))),
            }
        }
        Ok(Session {
            daemon,
            setup,
            state: State::default(),
            memory: Memory::default(),
            turns: 0,
            lacking: BTreeMap::new(),
            thorough: false,
        })
    }

    /// Returns QEMU's version.
    pub fn version(&self) -> &str {
        &self.setup.version
    }

    /// Executes a turn and compares. Returns `None` if QMP cannot express it, or not in this version. If the turn ends
    /// the episode, no other turn may follow.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn take(&mut self, ops: &[Op]) -> io::Result<Option<PlayedTurn<N, E>>> {
        let Some(steps) = of_operations::commands(&self.state, &self.memory, ops) else { return Ok(None) };
        // QEMU keeps a commit's main user on the image where it was at the start, which the graph does not show
        // afterwards.
        if jobs::changes_device(&self.state, ops) {
            return Ok(None);
        }
        let lacks = |step: &Command| match step {
            Command::Ask(command, arguments) => self.setup.schema.first_missing(command, arguments),
            _ => None,
        };
        if let Some(what) = steps.iter().find_map(lacks) {
            *self.lacking.entry(what).or_default() += 1;
            return Ok(None);
        }
        let mut result = self.run_commands(ops, &steps)?;
        let mut comparison = compare_turn(&self.state, &self.memory, ops, &result);
        // A graph that differs is queried again in full.
        let seen = result.shown.as_ref().is_none_or(shown_graph::ShownGraph::has_flags);
        if comparison.verdict != Verdict::Same && !seen {
            match self.look(true) {
                Ok(shown) => result.shown = Some(shown),
                Err(lost) => result = TurnResult { answer: self.what_became(&lost), shown: None },
            }
            comparison = compare_turn(&self.state, &self.memory, ops, &result);
        }
        self.memory.after(&self.state, ops, &result.answer);
        if let Some(next) = comparison.next {
            self.state = next;
        }
        Ok(Some(PlayedTurn { result, comparison }))
    }

    fn run_commands(&mut self, ops: &[Op], steps: &[Command]) -> io::Result<TurnResult> {
        self.turns += 1;
        let answer = match self.do_steps(steps)? {
            Ok(answer) => answer,
            Err(lost) => return Ok(TurnResult { answer: self.what_became(&lost), shown: None }),
        };
        let flags = self.thorough || self.turns.is_multiple_of(ALL_SEEN) || ops.iter().any(changes_flags);
        let shown = match self.look(flags) {
            Ok(shown) => shown,
            Err(lost) => return Ok(TurnResult { answer: self.what_became(&lost), shown: None }),
        };
        Ok(TurnResult { answer, shown: Some(shown) })
    }

    fn look(&mut self, flags: bool) -> Result<shown_graph::ShownGraph, ConnectionLost> {
        let client = &mut self.daemon.client;
        let graph = done(client, "x-debug-query-block-graph", &json!({}))?;
        let named = if flags { Some(done(client, "query-named-block-nodes", &json!({"flat": true}))?) } else { None };
        shown_graph::shown(&graph, named.as_ref()).ok_or_else(|| ConnectionLost::InvalidReply(graph.to_string()))
    }

    fn do_steps(&mut self, steps: &[Command]) -> io::Result<Result<TurnAnswer, ConnectionLost>> {
        for step in steps {
            if let Command::Image(node) = step {
                if self.state.node(*node).is_none() {
                    self.setup.image.write(&self.path(*node))?;
                }
                continue;
            }
            match self.do_step(step) {
                Ok(None) => {}
                Ok(Some(refused)) => return Ok(Ok(refused)),
                Err(lost) => return Ok(Err(lost)),
            }
        }
        Ok(Ok(TurnAnswer::Done))
    }

    fn path(&self, node: blockgraph_model::NodeId) -> PathBuf {
        self.daemon.folder().join(node_options::image_file(node))
    }

    fn do_step(&mut self, step: &Command) -> Result<Option<TurnAnswer>, ConnectionLost> {
        match step {
            Command::Ask(command, arguments) => {
                // Earlier events belong to earlier commands.
                self.daemon.client.take_events();
                match self.daemon.client.execute(command, arguments)? {
                    Reply::Done(_) => Ok(None),
                    Reply::Error { class, text } => Ok(Some(TurnAnswer::Refused(class, text))),
                }
            }
            Command::ExportGone(user) => {
                let name = names::user(*user);
                self.daemon.client.wait_for(&["BLOCK_EXPORT_DELETED"], |event| event.data["id"] == name)?;
                Ok(None)
            }
            Command::JobIs(job, status) => self.wait_for_job(*job, status),
            Command::JobEnds(job) => self.job_ends(*job),
            Command::Image(_) => Ok(None),
        }
    }

    /// Queries the job until it has this status. If the job is gone it has failed; if it makes no progress it hangs.
    fn wait_for_job(&mut self, job: UserId, status: &str) -> Result<Option<TurnAnswer>, ConnectionLost> {
        let name = names::user(job);
        let (mut last, mut still) = (Value::Null, 0);
        while still < STILL || still < ENOUGH && !self.daemon.client.is_asleep() {
            let jobs = done(&mut self.daemon.client, "query-jobs", &json!({}))?;
            let there = jobs.as_array().into_iter().flatten().find(|there| there["id"] == name);
            match there.and_then(|there| there["status"].as_str()) {
                Some(now) if now == status => return Ok(None),
                Some("aborting" | "concluded" | "null") | None => return Ok(Some(self.how_it_ended(&name)?)),
                Some(_) => {}
            }
            still = if jobs == last { still + 1 } else { 0 };
            last = jobs;
            std::thread::sleep(if still < SOON { Duration::from_micros(200) } else { Duration::from_millis(10) });
        }
        Err(ConnectionLost::TimedOut)
    }

    /// Waits for the event with which a job ends.
    fn end_of(&mut self, job: &str) -> Result<Event, ConnectionLost> {
        let ends = ["BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED"];
        self.daemon.client.wait_for(&ends, |event| event.data["device"] == job)
    }

    fn how_it_ended(&mut self, name: &str) -> Result<TurnAnswer, ConnectionLost> {
        let event = self.end_of(name)?;
        let text = event.data["error"].as_str().unwrap_or("the job has ended by itself");
        Ok(TurnAnswer::Refused("JobError".to_owned(), text.to_owned()))
    }

    fn job_ends(&mut self, job: UserId) -> Result<Option<TurnAnswer>, ConnectionLost> {
        let name = names::user(job);
        let event = self.end_of(&name)?;
        let gone = |event: &Event| event.data["id"] == name && event.data["status"] == "null";
        self.daemon.client.wait_for(&["JOB_STATUS_CHANGE"], gone)?;
        Ok(event.data["error"].as_str().map(|text| TurnAnswer::Refused("JobError".to_owned(), text.to_owned())))
    }

    fn what_became(&mut self, lost: &ConnectionLost) -> TurnAnswer {
        use std::os::unix::process::ExitStatusExt;
        let status: Option<ExitStatus> = self.daemon.exit_status(lost);
        TurnAnswer::Lost(match (lost, status.and_then(|status| status.signal())) {
            (ConnectionLost::InvalidReply(line), _) => format!("says what is no answer: {line}"),
            (_, Some(signal)) => format!("{DIED} {signal}"),
            (ConnectionLost::TimedOut, None) => HANGS.to_owned(),
            (ConnectionLost::Closed, None) => "has ended".to_owned(),
        })
    }
}

/// Executes a query, which always has an answer.
fn done(client: &mut Client, command: &str, arguments: &Value) -> Result<Value, ConnectionLost> {
    match client.execute(command, arguments)? {
        Reply::Done(value) => Ok(value),
        Reply::Error { text, .. } => Err(ConnectionLost::InvalidReply(text)),
    }
}

/// Returns whether the operation can change what only `query-named-block-nodes` shows of existing nodes.
fn changes_flags(op: &Op) -> bool {
    matches!(op, Op::Activate { .. } | Op::Inactivate { .. } | Op::Reopen { .. } | Op::Snapshot { .. })
        || jobs::job_operation(op).is_some_and(|doing| doing.act != Act::Start)
}
