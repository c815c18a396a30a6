//! Forecasts what an operation would do to the graph, or why it would be refused, without executing it in QEMU
//! (D25–D27).

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

/// The forecast for the steps of one text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WhatIf {
    /// One forecast for each step, up to the first step that would be refused.
    pub steps: Vec<StepForecast>,
    /// The graph after all steps, if none would be refused.
    pub after: Option<AuditGraph>,
}

/// The forecast for one step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct StepForecast {
    /// The step in canonical form.
    pub step: String,
    /// Whether the step would take effect.
    pub done: bool,
    /// The answer, in the text form of scenarios.
    pub answer: String,
    /// What would change; or why the step would be refused, with both parties of each violation.
    pub lines: Vec<String>,
}

/// Executes a text on a copy of the state.
///
/// # Errors
/// Fails if the text is wrong (the message has the position), or if the graph would get more edges than a state can
/// have.
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
                    .push("the graph already has all these violations, and QEMU may not check there".to_owned());
            }
            None
        }
        Outcome::Refused { by } => {
            forecast.lines.push(format!("the driver of {} refuses", names.node(by.node)));
            None
        }
    };
    Ok((forecast, next))
}

/// Describes both parties of a violation, and the origin of the need and of the missing share.
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
            vec![format!("{} cannot move, because {} is fixed to its context", node(at), names.user(user))]
        }
    }
}

/// Returns a heading and the reasons why parent edges would need the permissions of a node.
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

/// Describes a step's error, with the parties that the error itself does not name.
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
            format!("it cannot be evaluated: the driver of {} is not known", names.node(node))
        }
        _ => "a step of the operation fails before the permissions are judged".to_owned(),
    }]
}
