//! Audits the block graph of a running QEMU: which invariants it breaks, which parents block what and why, and what an
//! operation would do (`specs/audit.md`).
//!
//! ```text
//! socket or file → dump → parse (users, roles, infer) → graph ─┬→ check, explain ─┐
//!                                                              └→ state → what_if ┴→ text_report, json_report
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

/// The result of an audit.
#[derive(Clone, Debug)]
pub struct Audit {
    /// The version of QEMU, if the dump contains it.
    pub version: Option<String>,
    /// The graph.
    pub graph: AuditGraph,
    /// The violated invariants.
    pub findings: Vec<Finding>,
    /// What was assumed, and what was not checked.
    pub notes: Vec<String>,
    /// The graph as a state of the model, or the reason why there is none.
    pub what_if_state: Result<WhatIfState, String>,
    /// The forecasts for the operations that were tried.
    pub forecasts: Vec<WhatIf>,
}

impl Audit {
    /// Parses and checks a dump.
    ///
    /// # Errors
    /// Fails if a reply of the dump is malformed. The message is one line with the path of what is wrong.
    pub fn from_dump(dump: &Dump) -> Result<Audit, String> {
        let parse::ParsedDump { graph, mut notes } = parse::parse(dump)?;
        notes.extend(backing_notes(&graph));
        let findings = check(&graph);
        let what_if_state = build_state(&graph);
        Ok(Audit { version: dump.version(), graph, findings, notes, what_if_state, forecasts: Vec::new() })
    }

    /// Tries operations, given in the text form of scenarios, and stores the forecast.
    ///
    /// # Errors
    /// Fails with one line if the text is wrong, or if the graph could not be made a state of the model.
    pub fn try_operations(&mut self, text: &str) -> Result<(), String> {
        let what_if_state = self.what_if_state.as_ref().map_err(|why| format!("nothing can be tried: {why}"))?;
        self.forecasts.push(what_if::what_if(text, what_if_state)?);
        Ok(())
    }
}
