//! The reasons why some operations never have some outcomes.

use Verbs::{In, NotIn};

/// The operations to which a rule applies.
pub(super) enum Verbs {
    /// Those in these lists.
    In(&'static [&'static [&'static str]]),
    /// Those in none of these lists.
    NotIn(&'static [&'static [&'static str]]),
}

impl Verbs {
    /// Returns whether the rule applies to this operation.
    pub(super) fn include(&self, verb: &str) -> bool {
        match self {
            Verbs::In(lists) => lists.iter().any(|list| list.contains(&verb)),
            Verbs::NotIn(lists) => !lists.iter().any(|list| list.contains(&verb)),
        }
    }
}

/// Some outcomes that some operations never have.
pub(super) struct Rule {
    /// The outcomes.
    pub(super) ends: &'static [&'static str],
    /// The operations.
    pub(super) verbs: Verbs,
    /// The reason.
    pub(super) reason: &'static str,
}

/// The reason if a cell is empty in the scopes and can be met in larger graphs.
pub const TOO_LARGE: &str = "needs four nodes: see a4-jobs.scenario and o42-stream.scenario";

/// The operations that at most take references away, or do not concern permissions.
const LOOSENING: [&str; 19] = [
    "release",
    "detach-user",
    "detach",
    "freeze",
    "thaw",
    "hold",
    "delete",
    "eject",
    "block",
    "unblock",
    "check-op",
    "check-replace",
    "drain-begin",
    "drain-end",
    "drain-all-begin",
    "drain-all-end",
    "truncate",
    "remove-child",
    "move-context",
];

/// The operations that make or move no edge, except `inactivate`.
const STILL: [&str; 15] = [
    "add",
    "freeze",
    "thaw",
    "hold",
    "eject",
    "block",
    "unblock",
    "check-op",
    "check-replace",
    "drain-begin",
    "drain-all-begin",
    "drain-all-end",
    "move-context",
    "activate",
    "truncate",
];

/// The operations that can join nodes in different contexts.
const JOINING: [&str; 16] = [
    "attach-user",
    "attach",
    "set-backing",
    "set-file",
    "replace-node",
    "replace-child",
    "replace-user-child",
    "append",
    "reopen",
    "snapshot",
    "add-child",
    "open",
    "mirror",
    "backup",
    "move-context",
    "transaction",
];

const JOBS: [&str; 5] = ["stream", "commit", "commit-active", "mirror", "backup"];

const INACTIVATE: &[&str] = &["inactivate"];

const fn rule(ends: &'static [&'static str], verbs: Verbs, reason: &'static str) -> Rule {
    Rule { ends, verbs, reason }
}

/// The rules. The first one that applies gives the reason.
#[rustfmt::skip]
pub(super) const RULES: &[Rule] = &[
    rule(&["DuplicateChild"], In(&[&["stream"]]), TOO_LARGE),
    rule(&["ok"], In(&[&["delete"]]), "a delete closes the node"),
    rule(&["closes"], In(&[&STILL, INACTIVATE, &["attach-user", "set-user", "attach", "set-option", "set-read-only", "open-child", "add-child"]]), "takes no reference away"),
    rule(&["closes"], In(&[&["append", "insert", "snapshot"]]), "top gains the edge from the new node before it loses others"),
    rule(&["Cycle", "Conflict", "ReadOnly"], In(&[&LOOSENING, INACTIVATE]), "a loosening is never refused (V7, V8)"),
    rule(&["Cycle", "Conflict", "ReadOnly"], In(&[&["add"]]), "a new node has no edges"),
    rule(&["Cycle"], In(&[&["attach-user", "set-user", "replace-user-child"]]), "nothing is above a user"),
    rule(&["Cycle"], In(&[&["replace-node", "insert", "drop-filter", "drop-intermediate"]]), "parents that the target reaches are skipped, or refused (S5, O24)"),
    rule(&["Cycle"], In(&[&JOBS]), "made of insert, replace-node and the like; a base is below the node"),
    rule(&["Cycle"], In(&[&["set-option", "set-read-only", "open-child", "open", "activate"]]), "adds no edge, or those of a node that is new"),
    rule(&["Conflict"], In(&[&["open-child"]]), "the new node has one parent edge"),
    rule(&["InactiveChild", "InactiveNode"], In(&[&STILL, &LOOSENING]), "makes no edge and nothing inactive, and needs no more"),
    rule(&["InactiveChild", "InactiveNode"], In(&[&["attach-user", "set-user", "replace-user-child"]]), "a user of an inactive node has nothing (A3)"),
    rule(&["InactiveChild", "InactiveNode"], In(&[&["drop-filter"]]), "a parent that is allowed above the filter is allowed above its child"),
    rule(&["InactiveChild", "InactiveNode"], In(&[&["set-read-only"]]), "inactive nodes need no more when they are writable (P7)"),
    rule(&["InactiveChild"], In(&[&["inactivate", "set-option"]]), "a node with an active parent is not covered (A1)"),
    rule(&["InactiveNode"], In(&[&["commit", "commit-active", "mirror"]]), TOO_LARGE),
    rule(&["InactiveChild"], In(&[&["drop-intermediate"]]), "a parent that is allowed above the top is allowed above the base"),
    rule(&["ContextFixed"], NotIn(&[&["move-context", "transaction"]]), "requests no move (O35)"),
    rule(&["ContextClash"], In(&[&["move-context"]]), "the users of one component agree already"),
    rule(&["ContextClash"], NotIn(&[&JOINING]), "brings no two components of users together"),
    rule(&["stays in its context"], In(&[&STILL, INACTIVATE, &["set-user", "attach-user", "attach", "set-option", "set-read-only", "open-child", "add-child"]]), "no node loses a parent edge"),
    rule(&["stays in its context"], In(&[&["append", "insert", "snapshot", "drop-intermediate"]]), "a node that loses a parent edge is in a component with a new edge, so C2 looks at it"),
    rule(&["refused flush", "refused prepare"], NotIn(&[&["set-read-only", "reopen", "transaction"]]), "reopens nothing (V5.1)"),
    rule(&["refused rename"], NotIn(&[&["append", "drop-intermediate", "stream", "commit", "transaction"]]), "renames nothing (S6)"),
    rule(&["refused inactivate"], NotIn(&[&["inactivate", "transaction"]]), "makes nothing inactive"),
    rule(&["refused activate"], NotIn(&[&["activate", "transaction"]]), "makes nothing active"),
    rule(&["refused check"], In(&[&LOOSENING, INACTIVATE]), "asks only for a loosening, and a refused one is tolerated (V7)"),
    rule(&["refused check"], In(&[&["add"]]), "a new node has no edges"),
    rule(&["refused context"], NotIn(&[&JOINING, &["insert", "open-child", "stream", "commit", "commit-active"]]), "joins nothing that is elsewhere"),
];
