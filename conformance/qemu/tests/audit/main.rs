//! Tests of the audit: dumps of several versions, a violation of each checked invariant, garbled dumps, and a real
//! daemon.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod broken;
mod dumps;
mod garbled;
mod jobs;
mod live;
mod long;

use blockgraph_qemu::audit::Audit;
use blockgraph_qemu::audit::dump::Dump;
use serde_json::Value;

/// Recorded: a stream job and an export on `cor → top → mid → base`.
const STREAM: &str = include_str!("stream-10.0.2.json");
/// Recorded: mirror, backup, quorum, raw with an offset, blkdebug.
const COPIES: &str = include_str!("copies-10.0.2.json");
/// Written by hand: a guest on a qcow2 image, in a version that has graph-mod.
const GRAPH_MOD: &str = include_str!("by-hand-6.1.json");
/// Written by hand: an unknown driver (luks), and no list of exports.
const UNKNOWN_DRIVER: &str = include_str!("by-hand-7.2.json");
/// The bare reply of `x-debug-query-block-graph`.
const BARE: &str = include_str!("bare.json");

fn audit(text: &str) -> Audit {
    Audit::from_dump(&Dump::parse(text).unwrap()).unwrap()
}

/// Returns the audit of an edited dump.
fn edited(text: &str, edit: impl FnOnce(&mut Value)) -> Audit {
    let mut value: Value = serde_json::from_str(text).unwrap();
    edit(&mut value);
    audit(&value.to_string())
}

fn sentences(audit: &Audit) -> Vec<&'static str> {
    let mut found: Vec<_> = audit.findings.iter().map(|finding| finding.sentence).collect();
    found.sort_unstable();
    found.dedup();
    found
}
