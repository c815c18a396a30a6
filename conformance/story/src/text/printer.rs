//! Writes the canonical text form.

use crate::text::grammar::{Directive, GRAPH_LINES};
use crate::text::names::Names;
use crate::text::scenario::{Body, Item, Scenario, Step};
use crate::text::schema::{Recorded, Schema, find};
use crate::text::value::{Record, print_fields};
use blockgraph_model::Op;

/// Returns the canonical text of a scenario.
pub fn print(scenario: &Scenario) -> String {
    let mut text = String::new();
    for item in &scenario.items {
        let item = match item {
            Item::Name(declared) => line(&Directive::Name { declared: *declared }.to_record(), &scenario.names) + "\n",
            Item::Step(step) => print_step(step, &scenario.names),
        };
        text.push_str(&item);
    }
    text
}

/// Returns a record in one line, without the line end. Lists with several members take several lines (T16).
pub fn line(record: &Record, names: &Names) -> String {
    record.verb.to_owned() + &print_fields(record, names, 0)
}

/// Returns the operations of a step without expectations.
pub fn print_body(body: &Body, names: &Names) -> String {
    let op = |op: &Op, indent: usize| {
        let record = op.to_record();
        format!("{}{}{}", " ".repeat(indent), record.verb, print_fields(&record, names, indent))
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

/// Returns an answer as it is written after the `=>`.
pub fn print_answer(answer: &Record, names: &Names) -> String {
    let prefix = if answer.verb == "ok" { "" } else { "error " };
    prefix.to_owned() + &line(answer, names)
}

/// Returns a line of an `expect graph` block. The first field is written without its key.
pub fn print_graph_line(record: &Record, names: &Names) -> String {
    let full = line(record, names);
    let subject = find(&GRAPH_LINES, record.verb).and_then(Schema::subject);
    subject.map_or_else(|| full.clone(), |key| full.replacen(&format!("{key}="), "", 1))
}

fn print_step(step: &Step, names: &Names) -> String {
    let mut text = String::new();
    for &refusal in &step.refusals {
        text.push_str(&line(&Directive::from(refusal).to_record(), names));
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
            text.push_str(&print_graph_line(record, names));
            text.push('\n');
        }
        text.push_str("}\n");
    }
    text
}
