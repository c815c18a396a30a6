//! The audit as text, for 120 columns.

use crate::audit::Audit;
use crate::audit::explain::{Origin, Why, cannot, needed, pair, refused, sentence};
use crate::audit::graph::{AuditGraph, Upper, said as spelled};
use crate::audit::state::observed;
use crate::audit::what_if::WhatIf;
use blockgraph_model::perm::{ALL, G, R, U, W, Z};
use blockgraph_model::{Perms, rules};
use blockgraph_story::drawing::draw_as;
use std::fmt::Write;

/// The width of a line.
const WIDTH: usize = 120;
/// The most reasons that a node's short explanation gives for one thing.
const FEW: usize = 3;

/// The whole audit, the explanations short, or that of one node in full.
pub fn show(audit: &Audit, node: Option<usize>) -> String {
    let mut text = String::new();
    let Audit { web, findings, notes, .. } = audit;
    let version = audit.version.as_ref().map_or("QEMU of an unknown version".to_owned(), |v| format!("QEMU {v}"));
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(
        text,
        "{version}: {}, {}, {}",
        many(web.nodes.len(), "node"),
        many(web.users.len(), "user"),
        many(web.edges.len(), "edge")
    );
    if let Some(node) = node {
        section(&mut text, &format!("node {}", web.nodes[node].name), node_lines(web, node));
    } else {
        text.push_str("\ngraph\n");
        text.push_str(&drawing(audit));
        let short = (0..web.nodes.len()).flat_map(|node| short_lines(web, node)).collect();
        section(&mut text, "who blocks what", short);
    }
    for WhatIf { steps, .. } in &audit.tried {
        for step in steps {
            let verdict = if step.done { "would be done" } else { "would be refused" };
            let head = format!("what if: {}", step.step);
            let mut lines = vec![format!("{verdict}: {}", step.answer)];
            lines.extend(step.lines.iter().map(|line| format!("  {line}")));
            section(&mut text, &head, lines);
        }
    }
    if let (false, Ok(staged)) = (audit.tried.is_empty(), &audit.staged) {
        section(&mut text, "assumed by what-if", staged.assumed.clone());
    }
    section(&mut text, "assumed, and not checked", notes.clone());
    let wrong = findings.iter().map(|finding| format!("{}  {}", finding.sentence, finding.what)).collect();
    section(&mut text, "wrong", wrong);
    if findings.is_empty() {
        text.push_str("\nnothing wrong\n");
    } else {
        let _ = writeln!(text, "\n{}", many(findings.len(), "finding"));
    }
    text
}

fn many(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// A heading and its lines; nothing if there are none.
fn section(text: &mut String, head: &str, lines: Vec<String>) {
    if lines.is_empty() {
        return;
    }
    let _ = writeln!(text, "\n{head}");
    for line in lines {
        let indent = 2 + line.len() - line.trim_start().len();
        wrap(text, line.trim_start(), indent);
    }
}

/// Writes a sentence in lines of at most [`WIDTH`] columns, the further ones indented more.
fn wrap(text: &mut String, sentence: &str, indent: usize) {
    let mut column = indent;
    text.push_str(&" ".repeat(indent));
    for (place, word) in sentence.split(' ').enumerate() {
        let width = word.chars().count();
        if place > 0 && column + 1 + width > WIDTH {
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

/// The graph as a tree, with QEMU's names of the drivers.
pub fn drawing(audit: &Audit) -> String {
    match &audit.staged {
        Ok(staged) => {
            let driver = |node: &blockgraph_story::subject::NodeSeen| staged.drivers[usize::from(node.id.0)].clone();
            let drawn = draw_as(&observed(&audit.web, staged), &staged.names, &driver);
            drawn.lines().map(|line| format!("  {line}\n")).collect()
        }
        Err(why) => format!("  not drawn: {why}\n"),
    }
}

/// What nobody else can do to a node, one sentence for each reason.
pub fn short_lines(web: &AuditGraph, node: usize) -> Vec<String> {
    let at = &web.nodes[node];
    let mut lines = Vec::new();
    let mut shut = Perms(0);
    if at.flags.read_only {
        lines.push(format!("{} {}: it is read-only", at.name, cannot(W | U)));
        shut = W | U;
    }
    if at.flags.inactive {
        lines.push(format!("{} {}: it is inactive", at.name, cannot(W | U | Z)));
        shut = W | U | Z;
    }
    // What cannot be had anyway needs no further reason.
    let mut reasons: Vec<Why> = Vec::new();
    for why in refused(web, node, ALL - shut) {
        // Of the ways of one user the first says enough.
        let who = |why: &Why| match why.origin {
            Origin::User(user) => Some(web.users[user].label.clone()),
            Origin::Rule(_) | Origin::Seen(_) => None,
        };
        let said = |other: &Why| who(other).is_some() && who(other) == who(&why) && other.what == why.what;
        if !reasons.iter().any(said) {
            reasons.push(why);
        }
    }
    for why in reasons.iter().take(FEW) {
        lines.push(format!("{} {}, because {}", at.name, cannot(why.what), sentence(web, why)));
    }
    if reasons.len() > FEW {
        lines.push(format!("{}: {} more (--explain {})", at.name, reasons.len() - FEW, at.name));
    }
    if lines.is_empty() {
        lines.push(format!("{}: nothing is blocked", at.name));
    }
    lines
}

/// Everything about one node: its edges, what is needed of it and what is refused, each with the reason.
pub fn node_lines(web: &AuditGraph, node: usize) -> Vec<String> {
    let at = &web.nodes[node];
    let words =
        [(at.flags.read_only, "read-only"), (at.flags.inactive, "inactive"), (at.flags.force_share, "force-share")];
    let flags: String = words.iter().filter(|(on, _)| *on).map(|(_, word)| format!(", {word}")).collect();
    let mut lines = vec![format!("driver {}{flags}; all parents together: {}", at.driver, pair(web.cumulative(node)))];
    for &edge in web.above(node) {
        lines.push(format!("parent {}: {}", web.party(edge), edge_words(web, edge)));
    }
    for &edge in web.below(node) {
        let child = &web.nodes[web.edges[edge].child].name;
        lines.push(format!("child {} → {child}: {}", web.edges[edge].name, edge_words(web, edge)));
    }
    for why in needed(web, node) {
        lines.push(format!("needed of it: {}, because {}", spelled(why.what), sentence(web, &why)));
    }
    for why in refused(web, node, ALL) {
        lines.push(format!("it {}, because {}", cannot(why.what), sentence(web, &why)));
    }
    if rules::writes_read_only(W, at.flags.read_only) {
        lines.push(format!("it {}: it is read-only", cannot(W | U)));
    }
    if at.flags.inactive {
        lines.push(format!("it {}: it is inactive", cannot(ALL - R - G)));
    }
    lines
}

fn edge_words(web: &AuditGraph, edge: usize) -> String {
    let seen = web.edges[edge].pair();
    let rule = match (web.edges[edge].upper, web.ruled(edge)) {
        (Upper::User(_), _) => String::new(),
        (Upper::Node(_), None) => " (not checked)".to_owned(),
        (Upper::Node(_), Some(ruled)) if ruled == seen => " (as its rule gives)".to_owned(),
        (Upper::Node(_), Some(ruled)) => format!(" (its rule gives {})", pair(ruled)),
    };
    format!(
        "needs {}, shares {}{rule}",
        spelled(seen.need),
        if (ALL - G).within(seen.share) { "all".to_owned() } else { spelled(seen.share - G) }
    )
}
