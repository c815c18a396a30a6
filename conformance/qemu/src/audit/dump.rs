//! The uninterpreted replies of QEMU, from a socket or from a file (D1, D2).

use crate::daemon::graph_query::{self, GRAPH_QUERY, OTHER_QUERIES};
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// The replies of QEMU under the names of their commands.
#[derive(Clone, PartialEq, Debug)]
pub struct Dump {
    replies: Map<String, Value>,
}

impl Dump {
    /// Queries the QEMU that listens on a socket. `patience` is the time limit for one answer.
    ///
    /// # Errors
    /// Fails if the connection cannot be made or is lost, or if QEMU does not show its graph.
    pub fn query(socket: &Path, patience: Duration) -> io::Result<Dump> {
        let mut client = graph_query::connect(socket, patience)?;
        Ok(Dump { replies: graph_query::query_all(&mut client)? })
    }

    /// Makes a dump of replies that the caller already has.
    pub fn from_replies(replies: Map<String, Value>) -> Dump {
        Dump { replies }
    }

    /// Parses a dump, or the bare reply of `x-debug-query-block-graph`. Each entry may be the returned value or the
    /// whole reply.
    ///
    /// # Errors
    /// Fails if the text is not JSON (the message begins with the position as `line:column: `), or if the JSON is not
    /// an object with the reply of `x-debug-query-block-graph`.
    pub fn parse(text: &str) -> Result<Dump, String> {
        let broken = |error: serde_json::Error| {
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(start, _)| start).to_owned();
            format!("{}:{}: {message}", error.line(), error.column().max(1))
        };
        let whole: Value = serde_json::from_str(text).map_err(broken)?;
        let Value::Object(mut replies) = unwrap_reply(whole) else {
            return Err("expected an object with the replies under the names of their commands".to_owned());
        };
        if replies.contains_key("nodes") && replies.contains_key("edges") {
            replies = [(GRAPH_QUERY.to_owned(), Value::Object(replies))].into_iter().collect();
        }
        for value in replies.values_mut() {
            *value = unwrap_reply(value.take());
        }
        if !replies.contains_key(GRAPH_QUERY) {
            return Err(format!("expected an object with the reply of `{GRAPH_QUERY}` under that name"));
        }
        Ok(Dump { replies })
    }

    /// Writes the dump to a new file, one line for each reply.
    ///
    /// # Errors
    /// Fails if the file already exists, or if it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let line = |(name, value): (&String, &Value)| format!("{}: {value}", Value::from(name.as_str()));
        let lines: Vec<String> = self.replies.iter().map(line).collect();
        file.write_all(format!("{{\n{}\n}}\n", lines.join(",\n")).as_bytes())
    }

    /// Returns the reply of a command; `None` if it is missing or an error.
    pub fn reply(&self, name: &str) -> Option<&Value> {
        self.replies.get(name).filter(|value| value.get("error").is_none())
    }

    /// Returns the version of QEMU if the dump contains it, as a text or as the reply of `query-version`.
    pub fn version(&self) -> Option<String> {
        let version = self.reply("version").or_else(|| self.reply("query-version"))?;
        if let Value::String(version) = version {
            return Some(version.clone());
        }
        let number = |name: &str| version["qemu"][name].as_u64();
        Some(format!("{}.{}.{}", number("major")?, number("minor")?, number("micro").unwrap_or(0)))
    }

    /// Returns the names of the optional commands whose replies are missing.
    pub fn missing_replies(&self) -> Vec<&'static str> {
        OTHER_QUERIES.into_iter().filter(|name| self.reply(name).is_none()).collect()
    }
}

/// Returns the value inside a whole reply, or the value itself if it is not a whole reply.
fn unwrap_reply(mut reply: Value) -> Value {
    match reply.get_mut("return") {
        Some(inner) => inner.take(),
        None => reply,
    }
}
