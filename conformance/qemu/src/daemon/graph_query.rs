//! Queries the block graph of a running QEMU.

use crate::daemon::{Client, ConnectionLost, Reply};
use serde_json::{Map, Value, json};
use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// The command that shows the graph.
pub const GRAPH_QUERY: &str = "x-debug-query-block-graph";
/// The other commands that are sent, where QEMU knows them.
pub const OTHER_QUERIES: [&str; 4] =
    ["query-named-block-nodes", "query-block-exports", "query-block-jobs", "query-block"];

/// How many times the queries are repeated if the graph changes meanwhile, and how many times a connection is tried.
const MAX_TRIES: usize = 5;

/// Connects to a QEMU or a storage daemon that listens on a socket. Some versions now and then greet twice; then the
/// connection is made again.
///
/// # Errors
/// Fails if there is no such socket, or if the program that listens on it does not speak QMP.
pub fn connect(socket: &Path, timeout: Duration) -> io::Result<Client> {
    let mut tried = 1;
    loop {
        match Client::handshake(UnixStream::connect(socket)?, timeout) {
            Ok(client) => return Ok(client),
            Err(ConnectionLost::InvalidReply(line)) if tried < MAX_TRIES && line.contains("\"QMP\"") => tried += 1,
            Err(ConnectionLost::InvalidReply(line)) => {
                return Err(io::Error::other(format!("this is not QMP: {}", shorten(&line))));
            }
            Err(error) => return Err(io::Error::other(error)),
        }
    }
}

/// Returns the replies under the names of their commands, and the version. A command that QEMU does not know is left
/// out. The graph is queried before and after the other commands, until both replies are the same. If they never are,
/// the result has `"torn": true` as well.
///
/// # Errors
/// Fails if the connection is lost, or if QEMU does not show the graph.
pub fn query_all(client: &mut Client) -> Result<Map<String, Value>, io::Error> {
    let mut replies = Map::new();
    replies.insert("version".to_owned(), Value::from(client.version()));
    let mut graph = query_graph(client)?;
    for tried in 1..=MAX_TRIES {
        for command in OTHER_QUERIES {
            if let Some(value) = query_if_known(client, command)? {
                replies.insert(command.to_owned(), value);
            }
        }
        let turn = query_graph(client)?;
        if turn == graph {
            break;
        }
        graph = turn;
        if tried == MAX_TRIES {
            replies.insert("torn".to_owned(), Value::Bool(true));
        }
    }
    replies.insert(GRAPH_QUERY.to_owned(), graph);
    Ok(replies)
}

fn query_graph(client: &mut Client) -> Result<Value, io::Error> {
    match client.execute(GRAPH_QUERY, &json!({})).map_err(io::Error::other)? {
        Reply::Done(value) => Ok(value),
        Reply::Error { text, .. } => Err(io::Error::other(format!("QEMU {} refuses: {text}", client.version()))),
    }
}

fn query_if_known(client: &mut Client, command: &str) -> Result<Option<Value>, io::Error> {
    // With `flat` the reply leaves out the backing images of each node, which makes it short.
    let arguments = if command == "query-named-block-nodes" { json!({"flat": true}) } else { json!({}) };
    match client.execute(command, &arguments).map_err(io::Error::other)? {
        Reply::Done(value) => Ok(Some(value)),
        Reply::Error { .. } => Ok(None),
    }
}

/// Returns the start of a line, short enough for a message.
fn shorten(line: &str) -> String {
    let line = line.trim_end();
    if line.chars().count() <= 60 {
        format!("{line:?}")
    } else {
        format!("{:?}…", line.chars().take(60).collect::<String>())
    }
}
