//! `blockgraph audit`: what is wrong with the block graph of a running QEMU, and why.

use crate::ending::{Ending, Stop};
use crate::files::{display_path, read_text};
use blockgraph_qemu::audit::Audit;
use blockgraph_qemu::audit::dump::Dump;
use blockgraph_qemu::audit::json_report::json_report;
use blockgraph_qemu::audit::text_report::text_report;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long an answer of QEMU may take. It needs seconds to describe a chain of two hundred nodes.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A dump: the replies of QEMU as `--save` writes them, or `-` for standard input.
    #[arg(required_unless_present = "qmp", conflicts_with = "qmp")]
    dump: Option<String>,
    /// Read the graph of the QEMU or storage daemon whose monitor listens on this socket.
    #[arg(long, value_name = "SOCKET")]
    qmp: Option<PathBuf>,
    /// Write what was read to a new file.
    #[arg(long, value_name = "FILE", requires = "qmp")]
    save: Option<PathBuf>,
    /// Explain one node in full, instead of all nodes in short.
    #[arg(long, value_name = "NODE")]
    explain: Option<String>,
    /// Show what an operation would do to the graph, in the words of scenarios (`append new=o top=a`). The lines of one
    /// option follow each other; each option starts from the graph as it was read.
    #[arg(long, value_name = "OPERATION")]
    what_if: Vec<String>,
    /// Write one JSON object.
    #[arg(long)]
    json: bool,
}

/// Reads the graph, checks it and explains it.
pub(super) fn run(arguments: &Arguments) -> Ending {
    let (dump, from) = dump(arguments)?;
    if let Some(path) = &arguments.save {
        dump.save(path).map_err(|error| Stop::Input(format!("{}: {error}", path_shown(path))))?;
    }
    let mut audit = Audit::from_dump(&dump).map_err(|message| Stop::Input(format!("{from}: {message}")))?;
    let node = match &arguments.explain {
        None => None,
        Some(name) => {
            let found = audit.graph.node(name);
            Some(found.ok_or_else(|| Stop::Input(format!("{from}: there is no node {name:?}")))?)
        }
    };
    for text in &arguments.what_if {
        audit.try_operations(text).map_err(|message| Stop::Input(format!("--what-if {text:?}: {message}")))?;
    }
    let mut out = io::stdout().lock();
    if arguments.json {
        writeln!(out, "{}", json_report(&audit, node))?;
    } else {
        out.write_all(text_report(&audit, node).as_bytes())?;
    }
    out.flush()?;
    Ok(audit.findings.is_empty())
}

/// Returns the dump, and the name of its source for messages.
fn dump(arguments: &Arguments) -> Result<(Dump, String), Stop> {
    if let Some(socket) = &arguments.qmp {
        let from = path_shown(socket);
        let asked = Dump::query(socket, PATIENCE).map_err(|error| Stop::Input(format!("{from}: {error}")))?;
        return Ok((asked, from));
    }
    let path = arguments.dump.as_deref().unwrap_or("-");
    let from = display_path(path);
    // The line and column stand right behind the file name.
    let read = Dump::parse(&read_text(path)?).map_err(|message| {
        let colon = if message.starts_with(|c: char| c.is_ascii_digit()) { ":" } else { ": " };
        Stop::Input(format!("{from}{colon}{message}"))
    })?;
    Ok((read, from))
}

fn path_shown(path: &Path) -> String {
    display_path(&path.to_string_lossy())
}
