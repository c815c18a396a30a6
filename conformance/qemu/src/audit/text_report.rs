//! The audit as text of at most 120 columns.

use crate::audit::Audit;
use crate::audit::explain::{Origin, Reason, cannot_text, format_pair, need_reasons, reason_text, refusal_reasons};
use crate::audit::graph::{AuditGraph, EdgeParent, permission_list};
use crate::audit::state::observation;
use crate::audit::what_if::WhatIf;
use blockgraph_model::perm::{ALL, G, R, U, W, Z};
use blockgraph_model::{Perms, rules};
use blockgraph_story::drawing::draw_as;
use std::fmt::Write;

/// The largest width of a line.
const MAX_COLUMNS: usize = 120;
/// The largest number of reasons in a node's short explanation.
const MAX_REASONS: usize = 3;

/// Returns the whole audit with short explanations, or with `node` the full explanation of that node.
pub fn text_report(audit: &Audit, node: Option<usize>) -> String {
    let mut text = String::new();
    let Audit { graph, findings, notes, .. } = audit;
    let version = audit.version.as_ref().map_or("QEMU of an unknown version".to_owned(), |v| format!("QEMU {v}"));
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "{version}: {}, {}, {}",
        count_text(graph.nodes.len(), "node"),
        count_text(graph.users.len(), "user"),
        count_text(graph.edges.len(), "edge")
    );
    if let Some(node) = node {
        push_section(&mut text, &format!("node {}", graph.nodes[node].name), node_lines(graph, node));
    } else {
        text.push_str("\ngraph\n");
        text.push_str(&draw(audit));
        let short = (0..graph.nodes.len()).flat_map(|node| short_lines(graph, node)).collect();
        push_section(&mut text, "blockers", short);
    }
    for WhatIf { steps, .. } in &audit.forecasts {
        for step in steps {
            let verdict = if step.done { "would be done" } else { "would be refused" };
            let head = format!("what if: {}", step.step);
            let mut lines = vec![format!("{verdict}: {}", step.answer)];
            lines.extend(step.lines.iter().map(|line| format!("  {line}")));
            push_section(&mut text, &head, lines);
        }
    }
    if let (false, Ok(staged)) = (audit.forecasts.is_empty(), &audit.what_if_state) {
        push_section(&mut text, "assumed by what-if", staged.assumed.clone());
    }
    push_section(&mut text, "assumed, and not checked", notes.clone());
    let wrong = findings.iter().map(|finding| format!("{}  {}", finding.sentence, finding.message)).collect();
    push_section(&mut text, "wrong", wrong);
    if findings.is_empty() {
        text.push_str("\nnothing wrong\n");
    } else {
        let _ = writeln!(text, "\n{}", count_text(findings.len(), "finding"));
    }
    text
}

fn count_text(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Appends a heading and its lines; nothing if there are no lines.
fn push_section(text: &mut String, head: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{head}");
    for line in lines {
        let indent = 2 + line.len() - line.trim_start().len();
        wrap(text, line.trim_start(), indent);
    }
}

/// Appends a sentence in lines of at most [`MAX_COLUMNS`] columns. Continuation lines are indented further.
fn wrap(text: &mut String, text_line: &str, indent: usize) {
    let mut column = indent;
    text.push_str(&" ".repeat(indent));
    for (place, word) in text_line.split(' ').enumerate() {
        let width = word.chars().count();
        if place > 0 && column + 1 + width > MAX_COLUMNS {
            let _ = write!(text, "\n{}", " ".repeat(indent + 4));
            column = indent + 4;
        } else if place > 0 {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += width;
    }
    text.push('\n');
}

/// Returns the graph as a tree, with QEMU's names of the drivers.
pub fn draw(audit: &Audit) -> String {
    match &audit.what_if_state {
        Ok(staged) => {
            let driver =
                |node: &blockgraph_story::subject::ObservedNode| staged.drivers[usize::from(node.id.0)].clone();
            let drawn = draw_as(&observation(&audit.graph, staged), &staged.names, &driver);
            drawn.lines().map(|line| format!("  {line}\n")).collect()
        }
        Err(reason) => format!("  not drawn: {reason}\n"),
    }
}

/// Returns what other parents cannot do to a node, one sentence for each reason.
pub fn short_lines(graph: &AuditGraph, node: usize) -> Vec<String> {
    let info = &graph.nodes[node];
    let mut lines = Vec::new();
    let mut forbidden = Perms(0);
    if info.flags.read_only {
        lines.push(format!("{} {}: it is read-only", info.name, cannot_text(W | U)));
        forbidden = W | U;
    }
    if info.flags.inactive {
        lines.push(format!("{} {}: it is inactive", info.name, cannot_text(W | U | Z)));
        forbidden = W | U | Z;
    }
    // Permissions that the node's own flags forbid need no further reason.
    let mut reasons: Vec<Reason> = Vec::new();
    for reason in refusal_reasons(graph, node, ALL - forbidden) {
        // Of several paths from one user the first is enough.
        let user_label = |reason: &Reason| match reason.origin {
            Origin::User(user) => Some(graph.users[user].label.clone()),
            Origin::Rule(_) | Origin::Observed(_) => None,
        };
        let is_repeated = |other: &Reason| {
            user_label(other).is_some() && user_label(other) == user_label(&reason) && other.bits == reason.bits
        };
        if !reasons.iter().any(is_repeated) {
            reasons.push(reason);
        }
    }
    for reason in reasons.iter().take(MAX_REASONS) {
        lines.push(format!("{} {}, because {}", info.name, cannot_text(reason.bits), reason_text(graph, reason)));
    }
    if reasons.len() > MAX_REASONS {
        lines.push(format!("{}: {} more (--explain {})", info.name, reasons.len() - MAX_REASONS, info.name));
    }
    if lines.is_empty() {
        lines.push(format!("{}: nothing is blocked", info.name));
    }
    lines
}

/// Returns everything about one node: its edges, what is needed of it and what is not shared, each with the reason.
pub fn node_lines(graph: &AuditGraph, node: usize) -> Vec<String> {
    let info = &graph.nodes[node];
    let words = [
        (info.flags.read_only, "read-only"),
        (info.flags.inactive, "inactive"),
        (info.flags.force_share, "force-share"),
    ];
    let flags: String = words.iter().filter(|(on, _)| *on).map(|(_, word)| format!(", {word}")).collect();
    let mut lines =
        vec![format!("driver {}{flags}; all parents together: {}", info.driver, format_pair(graph.cumulative(node)))];
    for &edge in graph.parent_edges(node) {
        lines.push(format!("parent {}: {}", graph.party(edge), edge_text(graph, edge)));
    }
    for &edge in graph.child_edges(node) {
        let child = &graph.nodes[graph.edges[edge].child].name;
        lines.push(format!("child {} → {child}: {}", graph.edges[edge].name, edge_text(graph, edge)));
    }
    for reason in need_reasons(graph, node) {
        lines.push(format!("needed of it: {}, because {}", permission_list(reason.bits), reason_text(graph, &reason)));
    }
    for reason in refusal_reasons(graph, node, ALL) {
        lines.push(format!("it {}, because {}", cannot_text(reason.bits), reason_text(graph, &reason)));
    }
    if rules::writes_read_only(W, info.flags.read_only) {
        lines.push(format!("it {}: it is read-only", cannot_text(W | U)));
    }
    if info.flags.inactive {
        lines.push(format!("it {}: it is inactive", cannot_text(ALL - R - G)));
    }
    lines
}

fn edge_text(graph: &AuditGraph, edge: usize) -> String {
    let pair = graph.edges[edge].pair();
    let rule = match (graph.edges[edge].parent, graph.rule_pair(edge)) {
        (EdgeParent::User(_), _) => String::new(),
        (EdgeParent::Node(_), None) => " (not checked)".to_owned(),
        (EdgeParent::Node(_), Some(ruled)) if ruled == pair => " (as its rule gives)".to_owned(),
        (EdgeParent::Node(_), Some(ruled)) => format!(" (its rule gives {})", format_pair(ruled)),
    };
    format!(
        "needs {}, shares {}{rule}",
        permission_list(pair.need),
        if (ALL - G).within(pair.share) { "all".to_owned() } else { permission_list(pair.share - G) }
    )
}
