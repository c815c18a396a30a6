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
pub mod read;
pub mod state;
pub mod text_report;
mod unnamed_users;
pub mod what_if;

use dump::Dump;
use graph::AuditGraph;
use invariants::{Finding, check, unsure};
use state::{Staged, stage};
use what_if::WhatIf;

/// Everything that an audit has found.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The version of QEMU, if it is told.
    pub version: Option<String>,
    /// The graph.
    pub web: AuditGraph,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// What was assumed, and what was not checked.
    pub notes: Vec<String>,
    /// The graph as a state of the model, or why there is none.
    pub staged: Result<Staged, String>,
    /// What was tried, and what would come of it.
    pub tried: Vec<WhatIf>,
}

impl Audit {
    /// Reads and checks a dump.
    ///
    /// # Errors
    /// If it is no dump: one line with the path of what is wrong.
    pub fn of(dump: &Dump) -> Result<Audit, String> {
        let read::Reading { web, mut notes } = read::read(dump)?;
        notes.extend(unsure(&web));
        let findings = check(&web);
        let staged = stage(&web);
        Ok(Audit { version: dump.version(), web, findings, notes, staged, tried: Vec::new() })
    }

    /// Tries operations, given as a text; what comes of them is kept.
    ///
    /// # Errors
    /// If the text is wrong, or there is nothing to try it on: one line.
    pub fn try_out(&mut self, text: &str) -> Result<(), String> {
        let staged = self.staged.as_ref().map_err(|why| format!("nothing can be tried: {why}"))?;
        self.tried.push(what_if::what_if(text, staged)?);
        Ok(())
    }
}
