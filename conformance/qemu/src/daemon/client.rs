//! QMP over a socket: one command, one answer, and the events between them.

use crate::daemon::process::{Process, Still};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// What QEMU says to a command.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// It was done; what it returns.
    Done(Value),
    /// It was refused.
    Error {
        /// `GenericError`, `DeviceNotFound`, …
        class: String,
        /// The sentence for people.
        text: String,
    },
}

/// What QEMU says unasked.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// `BLOCK_EXPORT_DELETED`, …
    pub name: String,
    /// What it is about.
    pub data: Value,
}

/// There will be no answer; nothing more can be asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Lost {
    /// The other side has closed the connection: it has died, or ended.
    Died,
    /// It has said nothing for too long.
    TimedOut,
    /// It said something that is no answer to what was asked: what.
    Confused(String),
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lost::Died => f.write_str("QEMU has closed the connection"),
            Lost::TimedOut => f.write_str("QEMU does not answer"),
            Lost::Confused(line) => write!(f, "QEMU said something that is no answer: {line}"),
        }
    }
}

impl std::error::Error for Lost {}

/// So long is waited before it is looked whether the other side does anything.
const SLICE: Duration = Duration::from_millis(30);

/// A connection on which commands are understood.
#[derive(Debug)]
pub struct Client {
    lines: BufReader<UnixStream>,
    out: UnixStream,
    asked: u64,
    events: VecDeque<Event>,
    patience: Duration,
    /// What was read of a line that is not at its end.
    begun: Vec<u8>,
    /// Who is at the other end, if it can be seen whether it does anything.
    watched: Option<Process>,
    /// The version that it greeted with, as `10.0.2`.
    version: String,
}

impl Client {
    /// Greets; `patience` is how long an answer may take.
    ///
    /// # Errors
    /// If the other side does not greet as QEMU does.
    pub fn greet(stream: UnixStream, patience: Duration) -> Result<Client, Lost> {
        let slice = Some(patience.min(SLICE));
        let prepared = stream.set_read_timeout(slice).and_then(|()| stream.set_write_timeout(Some(patience)));
        let out = prepared.and_then(|()| stream.try_clone()).map_err(|error| lost(&error))?;
        let mut client = Client {
            lines: BufReader::new(stream),
            out,
            asked: 0,
            events: VecDeque::new(),
            patience,
            begun: Vec::new(),
            watched: None,
            version: String::new(),
        };
        let greeting = client.line()?;
        let part = |name: &str| greeting["QMP"]["version"]["qemu"][name].as_u64();
        match (part("major"), part("minor"), part("micro")) {
            (Some(major), Some(minor), Some(micro)) => client.version = format!("{major}.{minor}.{micro}"),
            _ => return Err(Lost::Confused(greeting.to_string())),
        }
        client.execute("qmp_capabilities", &json!({}))?;
        Ok(client)
    }

    /// Whoever does nothing at all while it is waited for is said to hang without waiting longer.
    pub(super) fn watch(&mut self, process: Process) {
        self.watched = Some(process);
    }

    /// Does the other side sleep? No, too, where that cannot be seen.
    pub fn is_asleep(&self) -> bool {
        self.watched.is_some_and(Process::is_asleep)
    }

    /// The version that it greeted with.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Asks for a command and waits for its answer. Costs one round trip, about half a millisecond; QEMU reads byte by byte
    /// (3 µs each on 10.0.2), so short words are worth it.
    ///
    /// # Errors
    /// If there is none; then the connection is of no more use.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Reply, Lost> {
        self.asked += 1;
        let mut asked = json!({"execute": command, "id": self.asked});
        if arguments.as_object().is_none_or(|all| !all.is_empty()) {
            asked["arguments"] = arguments.clone();
        }
        self.out.write_all(format!("{asked}\n").as_bytes()).map_err(|error| lost(&error))?;
        loop {
            let said = self.line()?;
            if let Some(event) = event(&said) {
                self.events.push_back(event);
                continue;
            }
            if said["id"] != self.asked {
                return Err(Lost::Confused(said.to_string()));
            }
            let text = |name: &str| said["error"][name].as_str().map(str::to_owned);
            return match (said.get("return"), text("class"), text("desc")) {
                (Some(value), None, _) => Ok(Reply::Done(value.clone())),
                (None, Some(class), Some(text)) => Ok(Reply::Error { class, text }),
                _ => Err(Lost::Confused(said.to_string())),
            };
        }
    }

    /// The next event of one of these names, waiting for it if need be; others are kept.
    ///
    /// # Errors
    /// If it does not come.
    pub fn wait_for(&mut self, names: &[&str], mut wanted: impl FnMut(&Event) -> bool) -> Result<Event, Lost> {
        let mut is_it = |event: &Event| names.contains(&event.name.as_str()) && wanted(event);
        if let Some(place) = self.events.iter().position(&mut is_it)
            && let Some(event) = self.events.remove(place)
        {
            return Ok(event);
        }
        loop {
            let said = self.line()?;
            let event = event(&said).ok_or_else(|| Lost::Confused(said.to_string()))?;
            if is_it(&event) {
                return Ok(event);
            }
            self.events.push_back(event);
        }
    }

    /// The events that have come with answers so far, oldest first; they are forgotten.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    fn line(&mut self) -> Result<Value, Lost> {
        let (start, mut still) = (Instant::now(), Still::default());
        loop {
            match self.lines.read_until(b'\n', &mut self.begun) {
                Ok(0) => return Err(Lost::Died),
                Ok(_) if self.begun.ends_with(b"\n") => break,
                // The last it said was no whole line.
                Ok(_) => return Err(Lost::Died),
                Err(error) if lost(&error) == Lost::TimedOut => {
                    let idle = self.watched.is_some_and(|process| still.is_idle(process));
                    if idle || start.elapsed() >= self.patience {
                        return Err(Lost::TimedOut);
                    }
                }
                Err(error) => return Err(lost(&error)),
            }
        }
        let line = std::mem::take(&mut self.begun);
        serde_json::from_slice(&line).map_err(|_| Lost::Confused(String::from_utf8_lossy(&line).into_owned()))
    }
}

fn event(said: &Value) -> Option<Event> {
    let name = said.get("event")?.as_str()?.to_owned();
    Some(Event { name, data: said["data"].clone() })
}

fn lost(error: &io::Error) -> Lost {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Lost::TimedOut,
        _ => Lost::Died,
    }
}
