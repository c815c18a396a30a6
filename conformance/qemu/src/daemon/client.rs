//! QMP over a socket: one command, one answer, and the events between them.

use crate::daemon::process::{IdleDetector, Process};
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
pub enum ConnectionLost {
    /// The other side has closed the connection: it has died, or ended.
    Closed,
    /// It has said nothing for too long.
    TimedOut,
    /// It said something that is no answer to what was asked: what.
    InvalidReply(String),
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionLost::Closed => f.write_str("QEMU has closed the connection"),
            ConnectionLost::TimedOut => f.write_str("QEMU does not answer"),
            ConnectionLost::InvalidReply(line) => write!(f, "QEMU said something that is no answer: {line}"),
        }
    }
}

impl std::error::Error for ConnectionLost {}

/// So long is waited before it is looked whether the other side does anything.
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// A connection on which commands are understood.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    last_id: u64,
    events: VecDeque<Event>,
    timeout: Duration,
    /// What was read of a line that is not at its end.
    partial_line: Vec<u8>,
    /// Who is at the other end, if it can be seen whether it does anything.
    process: Option<Process>,
    /// The version that it greeted with, as `10.0.2`.
    version: String,
}

impl Client {
    /// Greets; `patience` is how long an answer may take.
    ///
    /// # Errors
    /// If the other side does not greet as QEMU does.
    pub fn handshake(stream: UnixStream, timeout: Duration) -> Result<Client, ConnectionLost> {
        let interval = Some(timeout.min(POLL_INTERVAL));
        let prepared = stream.set_read_timeout(interval).and_then(|()| stream.set_write_timeout(Some(timeout)));
        let writer = prepared.and_then(|()| stream.try_clone()).map_err(|error| connection_lost(&error))?;
        let mut client = Client {
            reader: BufReader::new(stream),
            writer,
            last_id: 0,
            events: VecDeque::new(),
            timeout,
            partial_line: Vec::new(),
            process: None,
            version: String::new(),
        };
        let greeting = client.read_line()?;
        let part = |name: &str| greeting["QMP"]["version"]["qemu"][name].as_u64();
        match (part("major"), part("minor"), part("micro")) {
            (Some(major), Some(minor), Some(micro)) => client.version = format!("{major}.{minor}.{micro}"),
            _ => return Err(ConnectionLost::InvalidReply(greeting.to_string())),
        }
        client.execute("qmp_capabilities", &json!({}))?;
        Ok(client)
    }

    /// Whoever does nothing at all while it is waited for is said to hang without waiting longer.
    pub(super) fn watch(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// Does the other side sleep? No, too, where that cannot be seen.
    pub fn is_asleep(&self) -> bool {
        self.process.is_some_and(Process::is_asleep)
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
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Reply, ConnectionLost> {
        self.last_id += 1;
        let mut request = json!({"execute": command, "id": self.last_id});
        if arguments.as_object().is_none_or(|all| !all.is_empty()) {
            request["arguments"] = arguments.clone();
        }
        self.writer.write_all(format!("{request}\n").as_bytes()).map_err(|error| connection_lost(&error))?;
        loop {
            let message = self.read_line()?;
            if let Some(event) = parse_event(&message) {
                self.events.push_back(event);
                continue;
            }
            if message["id"] != self.last_id {
                return Err(ConnectionLost::InvalidReply(message.to_string()));
            }
            let text = |name: &str| message["error"][name].as_str().map(str::to_owned);
            return match (message.get("return"), text("class"), text("desc")) {
                (Some(value), None, _) => Ok(Reply::Done(value.clone())),
                (None, Some(class), Some(text)) => Ok(Reply::Error { class, text }),
                _ => Err(ConnectionLost::InvalidReply(message.to_string())),
            };
        }
    }

    /// The next event of one of these names, waiting for it if need be; others are kept.
    ///
    /// # Errors
    /// If it does not come.
    pub fn wait_for(
        &mut self,
        names: &[&str],
        mut condition: impl FnMut(&Event) -> bool,
    ) -> Result<Event, ConnectionLost> {
        let mut matches = |event: &Event| names.contains(&event.name.as_str()) && condition(event);
        if let Some(place) = self.events.iter().position(&mut matches)
            && let Some(event) = self.events.remove(place)
        {
            return Ok(event);
        }
        loop {
            let message = self.read_line()?;
            let event = parse_event(&message).ok_or_else(|| ConnectionLost::InvalidReply(message.to_string()))?;
            if matches(&event) {
                return Ok(event);
            }
            self.events.push_back(event);
        }
    }

    /// The events that have come with answers so far, oldest first; they are forgotten.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    fn read_line(&mut self) -> Result<Value, ConnectionLost> {
        let (start, mut detector) = (Instant::now(), IdleDetector::default());
        loop {
            match self.reader.read_until(b'\n', &mut self.partial_line) {
                Ok(0) => return Err(ConnectionLost::Closed),
                Ok(_) if self.partial_line.ends_with(b"\n") => break,
                // The last it said was no whole line.
                Ok(_) => return Err(ConnectionLost::Closed),
                Err(error) if connection_lost(&error) == ConnectionLost::TimedOut => {
                    let idle = self.process.is_some_and(|process| detector.is_idle(process));
                    if idle || start.elapsed() >= self.timeout {
                        return Err(ConnectionLost::TimedOut);
                    }
                }
                Err(error) => return Err(connection_lost(&error)),
            }
        }
        let line = std::mem::take(&mut self.partial_line);
        serde_json::from_slice(&line)
            .map_err(|_| ConnectionLost::InvalidReply(String::from_utf8_lossy(&line).into_owned()))
    }
}

fn parse_event(message: &Value) -> Option<Event> {
    let name = message.get("event")?.as_str()?.to_owned();
    Some(Event { name, data: message["data"].clone() })
}

fn connection_lost(error: &io::Error) -> ConnectionLost {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => ConnectionLost::TimedOut,
        _ => ConnectionLost::Closed,
    }
}
