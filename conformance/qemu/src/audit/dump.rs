//! What QEMU said, before anybody understood it: from a socket, or from a file (D1, D2).

use crate::daemon::graph_query::{self, GRAPH_QUERY, OTHER_QUERIES};
use serde_json::{Map, Value};
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

/// Replies under the names of their commands.
#[derive(Clone, PartialEq, Debug)]
pub struct Dump {
    replies: Map<String, Value>,
}

impl Dump {
    /// Asks a QEMU that listens on a socket; `patience` is how long an answer may take.
    ///
    /// # Errors
    /// If it cannot be asked.
    pub fn query(socket: &Path, patience: Duration) -> io::Result<Dump> {
        let mut client = graph_query::connect(socket, patience)?;
        Ok(Dump { replies: graph_query::query_all(&mut client)? })
    }

    /// Of replies that are at hand.
    pub fn from_replies(replies: Map<String, Value>) -> Dump {
        Dump { replies }
    }

    /// Reads a dump, or the bare reply of `x-debug-query-block-graph`; each part may be a value or a whole reply.
    ///
    /// # Errors
    /// If it is no JSON, with the place as `line:column: `, or no such object.
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

    /// Writes it to a new file, one line for each part.
    ///
    /// # Errors
    /// If there is such a file already, or it cannot be written.
    pub fn save(&self, path: &Path) -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        let line = |(name, value): (&String, &Value)| format!("{}: {value}", Value::from(name.as_str()));
        let lines: Vec<String> = self.replies.iter().map(line).collect();
        file.write_all(format!("{{\n{}\n}}\n", lines.join(",\n")).as_bytes())
    }

    /// A part, unless QEMU refused it.
    pub fn reply(&self, name: &str) -> Option<&Value> {
        self.replies.get(name).filter(|value| value.get("error").is_none())
    }

    /// The version of QEMU, if it is told: a text, or what `query-version` says.
    pub fn version(&self) -> Option<String> {
        let version = self.reply("version").or_else(|| self.reply("query-version"))?;
        if let Value::String(version) = version {
            return Some(version.clone());
        }
        let number = |name: &str| version["qemu"][name].as_u64();
        Some(format!("{}.{}.{}", number("major")?, number("minor")?, number("micro").unwrap_or(0)))
    }

    /// Which of the parts that would help are not there.
    pub fn missing_replies(&self) -> Vec<&'static str> {
        OTHER_QUERIES.into_iter().filter(|name| self.reply(name).is_none()).collect()
    }
}

/// What a reply returns.
fn unwrap_reply(mut reply: Value) -> Value {
    match reply.get_mut("return") {
        Some(inner) => inner.take(),
        None => reply,
    }
}
