//! Answers and observations as records. The same tables print, compare and expect them.

use crate::subject::{Answer, Effects, Observation, ObservedNode, ObservedUser};
use crate::text::grammar::{AnswerRecord, GraphLine};
use crate::text::names::Names;
use crate::text::printer::{print_answer, print_graph_line};
use crate::text::schema::Recorded;
use crate::text::value::{Record, Value};
use blockgraph_model::EdgeId;

/// Returns an answer as records: one, or one for each violation.
pub fn answer_records(answer: &Answer) -> Vec<Record> {
    match answer {
        Answer::Done(effects) => {
            let Effects { prepare, rename, inactivate, context, check, activate, quiesce, resume, closed } =
                effects.clone().sorted();
            let check = check.iter().map(|(node, _)| *node).collect();
            let done =
                AnswerRecord::Ok { prepare, rename, inactivate, context, check, activate, quiesce, resume, closed };
            vec![done.to_record()]
        }
        Answer::Failed { index, error } => {
            let mut record = error.to_record();
            record.fields.push(("at", Value::Number(u32::try_from(*index).unwrap_or(u32::MAX))));
            vec![record]
        }
        Answer::Violates(violations) => violations.iter().map(Recorded::to_record).collect(),
        Answer::Refused(by) => vec![AnswerRecord::Refused { node: by.node, hook: by.hook }.to_record()],
    }
}

/// Returns an answer in one line.
pub fn answer_line(answer: &Answer, names: &Names) -> String {
    let mut records = answer_records(answer);
    // The index defaults to the first operation, and an empty list is left out.
    let is_default = |(key, value): &(&str, Value)| (*key, value) == ("at", &Value::Number(0)) || value.is_empty();
    records.iter_mut().for_each(|record| record.fields.retain(|field| !is_default(field)));
    let lines: Vec<_> = records.iter().map(|record| print_answer(record, names)).collect();
    if lines.is_empty() { "no answer".to_owned() } else { lines.join(" | ") }
}

/// Returns an observation as the lines of an `expect graph` block.
pub fn observation_records(observation: &Observation) -> Vec<Record> {
    let mut lines = vec![GraphLine::Graph {
        nodes: observation.nodes.iter().map(|node| node.id).collect(),
        users: observation.users.iter().map(|user| user.id).collect(),
        drain_alls: observation.drain_alls,
    }];
    lines.extend(observation.users.iter().map(user_record));
    for node in &observation.nodes {
        lines.push(node_record(node));
        lines.extend(node.children.iter().map(|child| GraphLine::Edge {
            edge: EdgeId::Child(node.id, child.name),
            to: child.child,
            role: child.role,
            pair: child.pair,
            frozen: child.frozen,
        }));
    }
    lines.iter().map(Recorded::to_record).collect()
}

fn user_record(user: &ObservedUser) -> GraphLine {
    GraphLine::User {
        user: user.id,
        node: user.node,
        pair: user.pair,
        wanted_need: user.wanted.need,
        wanted_share: user.wanted.share,
        stay: user.user_flags.stay,
        may_inactivate: user.user_flags.may_inactivate,
        fixed: user.user_flags.fixed,
        context: user.context,
        quiesced: user.quiesced,
        blocks: user.blocks,
    }
}

fn node_record(node: &ObservedNode) -> GraphLine {
    GraphLine::Node {
        node: node.id,
        kind: node.kind,
        flags: node.flags,
        opt: node.opt,
        monitor: node.monitor,
        context: node.context,
        sections: node.sections,
        quiesce: node.quiesce,
        driver: !node.ejected,
        inherits: node.inherits.map(|inherits| inherits.from),
        own_read_only: node.inherits.is_none_or(|inherits| !inherits.read_only),
        stored: node.stored,
        holders: node.holders,
        pair: node.pair,
        stale: node.is_stale(),
        granted_need: node.granted.pair.need,
        granted_share: node.granted.pair.share,
        granted_writable: node.granted.writable,
        parents: node.parents.clone(),
        children: node.children.iter().map(|child| child.name).collect(),
    }
}

/// T14: returns whether a subject's answer meets the expectation, given the model's answer.
pub fn answer_holds(expected: &Record, actual: &Answer, model: &Answer) -> bool {
    let named = |answer: &Answer| answer_records(answer).iter().any(|record| record.includes(expected));
    match (actual, model) {
        // V4: a subject may name any of the violations, but it must name one.
        (Answer::Violates(named_by_it), Answer::Violates(all)) => {
            named(model) && !named_by_it.is_empty() && named_by_it.iter().all(|violation| all.contains(violation))
        }
        _ => named(actual),
    }
}

/// T15: returns the fault of one line of an `expect graph` block.
pub fn record_fault(expected: &Record, actual: &[Record], names: &Names) -> Option<String> {
    let subject = expected.fields.first().map(|(_, value)| value);
    let same_subject = |record: &&Record| match expected.verb {
        "graph" => record.verb == "graph",
        "absent" => record.verb == "node" && record.fields.first().map(|(_, value)| value) == subject,
        verb => record.verb == verb && record.fields.first().map(|(_, value)| value) == subject,
    };
    let line = print_graph_line(expected, names);
    match (actual.iter().find(same_subject), expected.verb) {
        (Some(_), "absent") => Some(format!("expected {line}, but it is there")),
        (None, "absent") => None,
        (None, _) => Some(format!("expected {line}, but it is not there")),
        (Some(record), _) => {
            let differs = |(key, value): &&(&'static str, Value)| record.get(key) != Some(value);
            let faults: Vec<_> =
                expected.fields.iter().filter(differs).map(|(key, _)| field_text(record, key, names)).collect();
            (!faults.is_empty()).then(|| format!("expected {line}, found {}", faults.join(" ")))
        }
    }
}

fn field_text(record: &Record, key: &str, names: &Names) -> String {
    record.get(key).map_or_else(|| format!("no {key}"), |value| format!("{key}={}", value.print(names)))
}

/// Returns the differences between two observations: a line for each node, each user, each edge and the graph, with the
/// fields that differ.
pub fn differences(left: &Observation, right: &Observation, names: &Names) -> Vec<String> {
    let (left, right) = (observation_records(left), observation_records(right));
    let counterpart = |of: &Record, among: &[Record]| {
        let named = |other: &Record| of.verb == "graph" || other.fields.first() == of.fields.first();
        among.iter().position(|other| other.verb == of.verb && named(other))
    };
    let mut lines = Vec::new();
    for record in &left {
        let Some(other) = counterpart(record, &right).map(|place| &right[place]) else {
            lines.push(format!("{} against nothing", print_graph_line(record, names)));
            continue;
        };
        // The other lines show which nodes and users exist.
        let is_graph = record.verb == "graph";
        let keys =
            record.fields.iter().map(|(key, _)| *key).filter(|key| !(is_graph && ["nodes", "users"].contains(key)));
        let differing = keys.filter(|key| record.get(key) != other.get(key));
        let faults: Vec<_> = differing
            .map(|key| format!("{} against {}", field_text(record, key, names), field_text(other, key, names)))
            .collect();
        if !faults.is_empty() {
            let named = usize::from(!is_graph);
            let subject = Record { verb: record.verb, fields: record.fields.iter().take(named).cloned().collect() };
            lines.push(format!("{}: {}", print_graph_line(&subject, names), faults.join(", ")));
        }
    }
    let extra = right.iter().filter(|record| counterpart(record, &left).is_none());
    lines.extend(extra.map(|record| format!("nothing against {}", print_graph_line(record, names))));
    lines
}
