//! Writes the canonical text form.

use crate::text::grammar::{Note, SEEN};
use crate::text::names::Names;
use crate::text::record::{Record, Recorded};
use crate::text::scenario::{Body, Item, Scenario, Step};
use crate::text::value::Value;
use blockgraph_model::Op;
use std::fmt::Write;

/// The canonical text of a scenario.
pub fn print(scenario: &Scenario) -> String {
    let mut text = String::new();
    for item in &scenario.items {
        let item = match item {
            Item::Name(declared) => line(&Note::Name { declared: *declared }.to_record(), &scenario.names) + "\n",
            Item::Step(step) => print_step(step, &scenario.names),
        };
        text.push_str(&item);
    }
    text
}

/// A record in one line (but for lists of several members, T16), without the end of the line.
pub fn line(record: &Record, names: &Names) -> String {
    record.verb.to_owned() + &fields(record, names, 0)
}

/// The fields of a record, a blank before each; `indent`: the blanks before the line in which they stand.
pub(super) fn fields(record: &Record, names: &Names, indent: usize) -> String {
    let mut text = String::new();
    for (key, value) in &record.fields {
        // Writing to a string cannot fail.
        let _ = match value {
            // A list needs no key: its braces say what it is.
            Value::Records(members) => write!(text, " {}", list(members, names, indent)),
            value => write!(text, " {key}={}", value.print(names)),
        };
    }
    text
}

/// One member in one line with its braces, several in a line each.
pub(super) fn list(members: &[Record], names: &Names, indent: usize) -> String {
    if let [one] = members {
        return format!("{{{} }}", fields(one, names, indent));
    }
    let blanks = " ".repeat(indent);
    let member = |member: &Record| format!("{blanks} {}\n", fields(member, names, indent + 2));
    format!("{{\n{}{blanks}}}", members.iter().map(member).collect::<String>())
}

/// The operations of a step, without what is said about them.
pub fn print_body(body: &Body, names: &Names) -> String {
    let op = |op: &Op, indent: usize| {
        let record = op.to_record();
        format!("{}{}{}", " ".repeat(indent), record.verb, fields(&record, names, indent))
    };
    match body {
        Body::Single(single) => op(single, 0),
        Body::Transaction(ops) if ops.is_empty() => "transaction { }".to_owned(),
        Body::Transaction(ops) => {
            let lines: String = ops.iter().map(|member| op(member, 2) + "\n").collect();
            format!("transaction {{\n{lines}}}")
        }
    }
}

/// An answer, as it stands after the `=>`.
pub fn print_answer(answer: &Record, names: &Names) -> String {
    let prefix = if answer.verb == "ok" { "" } else { "error " };
    prefix.to_owned() + &line(answer, names)
}

/// A line of an `expect graph` block: what it speaks of stands without its key.
pub fn print_seen(record: &Record, names: &Names) -> String {
    let full = line(record, names);
    let subject = super::record::find(&SEEN, record.verb).and_then(super::record::Schema::subject);
    subject.map_or_else(|| full.clone(), |key| full.replacen(&format!("{key}="), "", 1))
}

fn print_step(step: &Step, names: &Names) -> String {
    let mut text = String::new();
    for &refusal in &step.refusals {
        text.push_str(&line(&Note::from(refusal).to_record(), names));
        text.push('\n');
    }
    text.push_str(&print_body(&step.body, names));
    if let Some(answer) = &step.expect {
        text.push_str(" => ");
        text.push_str(&print_answer(answer, names));
    }
    text.push('\n');
    if !step.graph.is_empty() {
        text.push_str("expect graph {\n");
        for record in &step.graph {
            text.push_str("  ");
            text.push_str(&print_seen(record, names));
            text.push('\n');
        }
        text.push_str("}\n");
    }
    text
}
