//! What an operation would do to the graph, or why it would be refused, before anybody does it (D25–D27).

use crate::audit::changes::changes;
use crate::audit::explain::{Side, edge_reasons, format_pair, reason_text};
use crate::audit::graph::{AuditGraph, permission_list};
use crate::audit::state::{self, State, WhatIfState};
use blockgraph_model::perm::{ALL, R, U, W};
use blockgraph_model::{EdgeId, NodeId, OpKind, Outcome, StepError, Violation, execute};
use blockgraph_story::model_subject::answer;
use blockgraph_story::subject::Answer;
use blockgraph_story::text::names::LIMIT;
use blockgraph_story::text::printer::print_body;
use blockgraph_story::text::results::answer_line;
use blockgraph_story::text::scenario::MOST_EDGES;
use blockgraph_story::text::value::print_edge;
use blockgraph_story::text::{Names, Step, parse_with};

/// What would come of the steps of one text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhatIf {
    /// One for each step, up to the first that would be refused.
    pub steps: Vec<StepForecast>,
    /// The graph in the end, if nothing would be refused.
    pub after: Option<AuditGraph>,
}

/// What would come of one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepForecast {
    /// The step in canonical form.
    pub step: String,
    /// Would it take effect?
    pub done: bool,
    /// The answer, in the words of scenarios.
    pub answer: String,
    /// What would change; or why it would be refused, and who is against it.
    pub lines: Vec<String>,
}

/// Tries a text on the graph; nothing but a copy changes.
///
/// # Errors
/// If the text is wrong, with its place in it, or if there is no room.
pub fn what_if(text: &str, what_if_state: &WhatIfState) -> Result<WhatIf, String> {
    let (scenario, _) = parse_with(text, what_if_state.names.clone()).map_err(|problem| problem.to_string())?;
    let mut state = what_if_state.state.clone();
    let mut steps = Vec::new();
    for step in scenario.steps() {
        let (forecast, next) = try_step(step, &state, what_if_state, &scenario.names)?;
        steps.push(forecast);
        match next {
            Some(next) => state = next,
            None => return Ok(WhatIf { steps, after: None }),
        }
    }
    let after = Some(state::to_graph(&state, what_if_state, &scenario.names));
    Ok(WhatIf { steps, after })
}

fn try_step(
    step: &Step,
    state: &State,
    what_if_state: &WhatIfState,
    names: &Names,
) -> Result<(StepForecast, Option<Box<State>>), String> {
    let ops = step.body.ops();
    if state.edges().len()
        + ops.iter().map(|op| op.most_edges_added(LIMIT.min(state.names().count() + 3))).sum::<usize>()
        > MOST_EDGES
    {
        return Err(format!("more than {MOST_EDGES} edges"));
    }
    let outcome = execute(state, ops, &step.refusals);
    let result = answer(&outcome);
    let mut forecast = StepForecast {
        step: print_body(&step.body, names),
        done: matches!(result, Answer::Done(_)),
        answer: answer_line(&result, names),
        lines: Vec::new(),
    };
    let next = match outcome {
        Outcome::Done { next, .. } => {
            forecast.lines =
                changes(&state::to_graph(state, what_if_state, names), &state::to_graph(&next, what_if_state, names));
            if forecast.lines.is_empty() {
                forecast.lines.push("no edge, pair, flag or context changes".to_owned());
            }
            Some(Box::new(next))
        }
        Outcome::Failed { error, .. } => {
            let audit_graph = state::to_graph(state, what_if_state, names);
            forecast.lines = error_lines(&error, &audit_graph, what_if_state, names);
            None
        }
        Outcome::Violates { ref graph, .. } => {
            let audit_graph = state::to_graph(graph, what_if_state, names);
            let violations_before = state::violations(state);
            let all = outcome.violations();
            forecast.lines =
                all.iter().flat_map(|violation| violation_lines(violation, graph, &audit_graph, names)).collect();
            if all.iter().all(|violation| violations_before.contains(violation)) {
                forecast
                    .lines
                    .push("all of this is so already: the graph is not sound, and QEMU may not look there".to_owned());
            }
            None
        }
        Outcome::Refused { by } => {
            forecast.lines.push(format!("the driver of {} says no", names.node(by.node)));
            None
        }
    };
    Ok((forecast, next))
}

/// Both parties of a violation, each with where its need or its refusal comes from.
fn violation_lines(violation: &Violation, graph: &State, audit_graph: &AuditGraph, names: &Names) -> Vec<String> {
    let node = |id: NodeId| names.node(id).to_owned();
    let reasons = |edge: EdgeId, side: Side, perms| {
        let place = state::edge_index(graph, edge);
        place
            .map_or(Vec::new(), |place| edge_reasons(audit_graph, place, side, perms))
            .into_iter()
            .map(|reason| reason_text(audit_graph, &reason))
    };
    let pair_of = |edge: EdgeId| state::edge_index(graph, edge).map(|place| audit_graph.edges[place].pair());
    match *violation {
        Violation::Conflict { node: at, needs, denies } => {
            let (Some(a), Some(b)) = (pair_of(needs), pair_of(denies)) else { return Vec::new() };
            let perms = a.need - b.share;
            let mut lines = vec![format!(
                "on {}, {} ({}) would need {}, which {} ({}) does not share:",
                node(at),
                print_edge(needs, names),
                format_pair(a),
                permission_list(perms),
                print_edge(denies, names),
                format_pair(b)
            )];
            lines.extend(reasons(needs, Side::Needs, perms).map(|line| format!("  {line}")));
            lines.extend(reasons(denies, Side::Refuses, perms).map(|line| format!("  {line}")));
            lines
        }
        Violation::ReadOnly { node: at } => {
            need_lines(graph, audit_graph, at, W | U, &format!("{} is read-only:", node(at)))
        }
        Violation::InactiveNode { node: at } => need_lines(
            graph,
            audit_graph,
            at,
            ALL - R,
            &format!("{} is inactive, and only reading is left of it:", node(at)),
        ),
        Violation::InactiveChild { edge } => {
            vec![format!("{} would lead from an active node to an inactive one", print_edge(edge, names))]
        }
        Violation::Cycle { edge } => vec![format!("{} would close a cycle", print_edge(edge, names))],
        Violation::ContextClash { user, other } => {
            vec![format!("{} and {} are fixed to different contexts", names.user(user), names.user(other))]
        }
        Violation::ContextFixed { node: at, user } => {
            vec![format!("{} cannot move, for {} is fixed to its context", node(at), names.user(user))]
        }
    }
}

/// Who would need that of a node.
fn need_lines(
    graph: &State,
    audit_graph: &AuditGraph,
    at: NodeId,
    perms: blockgraph_model::Perms,
    head: &str,
) -> Vec<String> {
    let edges = (0..graph.edges().len()).filter(|place| graph.edges()[*place].child == at);
    let reasons = edges.flat_map(|place| edge_reasons(audit_graph, place, Side::Needs, perms));
    let lines = reasons.map(|reason| format!("  {}", reason_text(audit_graph, &reason)));
    std::iter::once(head.to_owned()).chain(lines).collect()
}

/// A step's error in words, with the parties that it does not name itself.
fn error_lines(error: &StepError, audit_graph: &AuditGraph, what_if_state: &WhatIfState, names: &Names) -> Vec<String> {
    let place = |id: NodeId| audit_graph.node(names.node(id));
    let parents = |id: NodeId| {
        let edges = place(id).map_or(&[][..], |node| audit_graph.parent_edges(node));
        edges.iter().map(|edge| audit_graph.party(*edge)).collect::<Vec<_>>().join(", ")
    };
    let label = |edge: EdgeId| match edge {
        EdgeId::User(id) => {
            let known = what_if_state.labels.iter().find(|(known, _)| *known == id.main());
            known.map_or_else(|| names.user(id), |(_, label)| label.clone())
        }
        EdgeId::Child(parent, name) => format!("{} (as its {})", names.node(parent), names.child(name)),
    };
    vec![match *error {
        StepError::Blocked { node, kind, by } => {
            let kind = OpKind::NAMES.get(usize::from(kind.0)).copied().unwrap_or("?");
            format!("{} is busy: {} blocks {kind}", names.node(node), label(by))
        }
        StepError::InUse { node } => format!("{} is in use by {}", names.node(node), parents(node)),
        StepError::HasUser { node, user } => format!("{} is used by {}", names.node(node), label(EdgeId::User(user))),
        StepError::NotMonitorOwned { node } => {
            format!("{} does not belong to the monitor; its parents: {}", names.node(node), parents(node))
        }
        StepError::Frozen { edge } => format!("the edge {} is frozen by a job", print_edge(edge, names)),
        StepError::HasParent { node, edge } => format!("{} has the parent {} already", names.node(node), label(edge)),
        StepError::NodeCorrupted { node } if what_if_state.drivers.get(usize::from(node.0)).is_some() => {
            format!("nothing can be said about it: the driver of {} is not known", names.node(node))
        }
        _ => "a step of the operation fails before anything is judged".to_owned(),
    }]
}
