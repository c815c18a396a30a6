//! The audit: what is wrong with the block graph of a running QEMU, who blocks what and why, and what an operation would do
//! (`specs/audit.md`).
//!
//! ```text
//! socket or file → dump → read (users, roles, infer) → web ─┬→ check, explain ─┐
//!                                                           └→ state → what_if ┴→ show, told
//! ```

pub mod changes;
pub mod dump;
pub mod explain;
pub mod graph;
mod infer;
pub mod invariants;
pub mod json_report;
pub mod parse;
pub mod state;
pub mod text_report;
mod unnamed_users;
pub mod what_if;

use dump::Dump;
use graph::AuditGraph;
use invariants::{Finding, backing_notes, check};
use state::{WhatIfState, build_state};
use what_if::WhatIf;

/// Everything that an audit has found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The version of QEMU, if it is told.
    pub version: Option<String>,
    /// The graph.
    pub graph: AuditGraph,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was assumed, and what was not checked.
    pub notes: Vec<String>,
    /// The graph as a state of the model, or why there is none.
    pub what_if_state: Result<WhatIfState, String>,
    /// What was tried, and what would come of it.
    pub forecasts: Vec<WhatIf>,
}

impl Audit {
    /// Reads and checks a dump.
    ///
    /// # Errors
    /// If it is no dump: one line with the path of what is wrong.
    pub fn from_dump(dump: &Dump) -> Result<Audit, String> {
        let parse::ParsedDump { graph, mut notes } = parse::parse(dump)?;
        notes.extend(backing_notes(&graph));
        let findings = check(&graph);
        let what_if_state = build_state(&graph);
        Ok(Audit { version: dump.version(), graph, findings, notes, what_if_state, forecasts: Vec::new() })
    }

    /// Tries operations, given as a text; what comes of them is kept.
    ///
    /// # Errors
    /// If the text is wrong, or there is nothing to try it on: one line.
    pub fn try_operations(&mut self, text: &str) -> Result<(), String> {
        let what_if_state = self.what_if_state.as_ref().map_err(|why| format!("nothing can be tried: {why}"))?;
        self.forecasts.push(what_if::what_if(text, what_if_state)?);
        Ok(())
    }
}
