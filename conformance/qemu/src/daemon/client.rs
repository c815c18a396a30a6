//! A QMP client over a socket: one command, one answer, and the events between them.

use crate::daemon::process::{IdleDetector, Process};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

/// QEMU's answer to a command.
#[derive(Clone, PartialEq, Debug)]
pub enum Reply {
    /// The command was done. The value is what it returns.
    Done(Value),
    /// The command was refused.
    Error {
        /// The class of the error: `GenericError`, `DeviceNotFound`, …
        class: String,
        /// The text of the error.
        text: String,
    },
}

/// An event that QEMU sent.
#[derive(Clone, PartialEq, Debug)]
pub struct Event {
    /// The event's name: `BLOCK_EXPORT_DELETED`, …
    pub name: String,
    /// The event's data.
    pub data: Value,
}

/// The reason why there will be no answer. The connection cannot be used any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ConnectionLost {
    /// QEMU has closed the connection, because it has crashed or ended.
    Closed,
    /// QEMU has not answered within the time limit, or none of its threads has run for a while.
    TimedOut,
    /// QEMU sent this line, which is not an answer to the command.
    InvalidReply(String),
}

impl fmt::Display for ConnectionLost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ConnectionLost::Closed => f.write_str("QEMU has closed the connection"),
            ConnectionLost::TimedOut => f.write_str("QEMU does not answer"),
            ConnectionLost::InvalidReply(line) => write!(f, "QEMU sent an invalid reply: {line}"),
        }
    }
}

impl std::error::Error for ConnectionLost {}

/// The time to wait for input before the client checks whether the process does anything.
const POLL_INTERVAL: Duration = Duration::from_millis(30);

/// A QMP connection after the handshake.
#[derive(Debug)]
pub struct Client {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    last_id: u64,
    events: VecDeque<Event>,
    timeout: Duration,
    /// The part of a line that was read so far.
    partial_line: Vec<u8>,
    /// The process at the other end, if the client may observe it.
    process: Option<Process>,
    /// The version in QEMU's greeting, as `10.0.2`.
    version: String,
}

impl Client {
    /// Does the QMP handshake. `timeout` is the time limit for an answer.
    ///
    /// # Errors
    /// Fails if the other side does not greet as QEMU does.
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

    /// Observes the process at the other end. If it does nothing while the client waits, the client reports
    /// [`ConnectionLost::TimedOut`] without waiting for the time limit.
    pub(super) fn watch(&mut self, process: Process) {
        self.process = Some(process);
    }

    /// Returns whether all threads of the process sleep; `false` if that cannot be observed.
    pub fn is_asleep(&self) -> bool {
        self.process.is_some_and(Process::is_asleep)
    }

    /// Returns the version in QEMU's greeting.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// Sends a command and waits for its answer. Costs one round trip, about half a millisecond. QEMU reads byte by
    /// byte (3 µs each on 10.0.2), so short names save time.
    ///
    /// # Errors
    /// Fails if no answer comes. The connection cannot be used after that.
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

    /// Returns the next event of one of these names that the condition accepts, and waits for it if necessary. Other
    /// events are kept.
    ///
    /// # Errors
    /// Fails if the event does not come.
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

    /// Removes and returns the events that have arrived with answers so far, oldest first.
    pub fn take_events(&mut self) -> Vec<Event> {
        self.events.drain(..).collect()
    }

    fn read_line(&mut self) -> Result<Value, ConnectionLost> {
        let (start, mut detector) = (Instant::now(), IdleDetector::default());
        loop {
            match self.reader.read_until(b'\n', &mut self.partial_line) {
                Ok(0) => return Err(ConnectionLost::Closed),
                Ok(_) if self.partial_line.ends_with(b"\n") => break,
                // The connection ended within a line.
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
