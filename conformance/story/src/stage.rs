//! Plays a scenario on the model, which is the reference (V4), and on another subject such as the crate.

use crate::panics::catch_panic;
use crate::subject::{Answer, Observation, ObservedNode, Subject};
use crate::text::names::Names;
use crate::text::results::{answer_holds, answer_line, differences, observation_records, record_fault};
use crate::text::scenario::{MOST_EDGES, MOST_HOLDERS, Step};
use blockgraph_model::{Context, NodeId, Op};

/// A kind of count, and the operations that increase it.
type Counted = (&'static str, fn(&Op) -> bool);

/// The counts that have no edge for each unit, and the operations that increase them.
const COUNTED: [Counted; 3] = [
    ("callers hold a node", |op| matches!(op, Op::Hold { .. })),
    ("sections are open on a node", |op| matches!(op, Op::DrainBegin { .. })),
    ("drain-alls are open", |op| matches!(op, Op::DrainAllBegin {})),
];

/// An observer that receives each step and can report something about it.
pub trait StepObserver {
    /// Receives a step before the subjects execute it. Returns what it finds wrong, in one line.
    ///
    /// # Errors
    /// If the step exceeds the observer's bounds.
    fn observe_step(&mut self, step: &Step) -> Result<Option<String>, String>;
}

/// The subjects that play a scenario.
pub struct Stage {
    reference: Box<dyn Subject>,
    /// A subject that plays together with the model, or in its place.
    other: Option<Box<dyn Subject>>,
    /// An observer that receives every step first.
    observer: Option<Box<dyn StepObserver>>,
    /// Whether expectations are checked on the model, too.
    model_too: bool,
    nodes: usize,
    edges: usize,
    /// The highest counts of callers that hold one node, of open sections of one node, and of drain-alls.
    counts: [u32; 3],
}

/// The result of one step.
#[derive(Clone, Debug)]
pub struct Report {
    /// The answer of the subject that the report shows.
    pub answer: Answer,
    /// The graph of the subject that the report shows, after the step.
    pub graph: Observation,
    /// The failed expectations, the observer's report, and how the subjects diverged; one line each.
    pub faults: Vec<String>,
    /// Whether model and crate differ, or the crate panicked or found a fault in itself. Then later steps have no
    /// meaning.
    pub diverged: bool,
}

impl Stage {
    /// Makes a stage with one subject, which is its own reference.
    pub fn single(reference: Box<dyn Subject>) -> Stage {
        Stage { reference, other: None, observer: None, model_too: true, nodes: 0, edges: 0, counts: [0; 3] }
    }

    /// Makes a stage with another subject and the model as the reference. If `both`, expectations are checked on the
    /// model, too, the two are compared, and reports show the model. Otherwise reports show the other subject.
    pub fn with_reference(reference: Box<dyn Subject>, other: Box<dyn Subject>, both: bool) -> Stage {
        Stage { reference, other: Some(other), observer: None, model_too: both, nodes: 0, edges: 0, counts: [0; 3] }
    }

    /// Adds an observer.
    pub fn with(self, observer: impl StepObserver + 'static) -> Stage {
        Stage { observer: Some(Box::new(observer)), ..self }
    }

    /// Plays one step.
    ///
    /// # Errors
    /// If the step may exceed the bounds of the model, which is not an outcome, or the bounds of the observer.
    pub fn play(&mut self, step: &Step, names: &Names) -> Result<Report, String> {
        let ops = step.body.ops();
        let nodes = self.nodes + ops.iter().map(|op| op.makes().len()).sum::<usize>();
        if self.edges + ops.iter().map(|op| op.most_edges_added(nodes)).sum::<usize>() > MOST_EDGES {
            return Err(format!("more than {MOST_EDGES} edges"));
        }
        for ((what, increases), present) in COUNTED.into_iter().zip(self.counts) {
            if present as usize + ops.iter().filter(|op| increases(op)).count() > MOST_HOLDERS as usize {
                return Err(format!("more than {MOST_HOLDERS} {what}"));
            }
        }
        let observed_fault = self.observer.as_mut().map_or(Ok(None), |observer| observer.observe_step(step))?;
        let answer = self.reference.apply(ops, &step.refusals);
        let graph = self.reference.observe();
        self.nodes = graph.nodes.len();
        self.edges = graph.users.len() + graph.nodes.iter().map(|node| node.children.len()).sum::<usize>();
        let most = |of: fn(&ObservedNode) -> u32| graph.nodes.iter().map(of).max().unwrap_or(0);
        self.counts = [most(|node| node.holders), most(|node| node.sections), graph.drain_alls];
        let mut report = Report { answer, graph, faults: Vec::new(), diverged: false };
        if self.model_too {
            report.faults = faults(self.reference.name(), step, &report.answer, &report.answer, &report.graph, names);
        }
        report.faults.extend(observed_fault);
        if let Some(other) = &mut self.other {
            let result = catch_panic(|| (other.apply(ops, &step.refusals), other.observe()));
            let (other_answer, other_graph) = match result {
                Ok(observed) => observed,
                Err(panic) => {
                    report.diverged = true;
                    report.faults.push(format!("{}: panicked: {panic}", other.name()));
                    return Ok(report);
                }
            };
            report.faults.extend(faults(other.name(), step, &other_answer, &report.answer, &other_graph, names));
            let diverged = if self.model_too { divergence(&report, &other_answer, &other_graph, names) } else { None };
            let own_fault = other.fault().map(|fault| format!("{}: {fault}", other.name()));
            report.diverged = diverged.is_some() || own_fault.is_some();
            report.faults.extend(diverged.into_iter().chain(own_fault));
            if !self.model_too {
                (report.answer, report.graph) = (other_answer, other_graph);
            }
        }
        Ok(report)
    }
}

/// Returns the expectations of the step that a subject does not meet.
fn faults(name: &str, step: &Step, answer: &Answer, model: &Answer, graph: &Observation, names: &Names) -> Vec<String> {
    let mut found = Vec::new();
    if let Some(expected) = &step.expect
        && !answer_holds(expected, answer, model)
    {
        let expected = crate::text::printer::print_answer(expected, names);
        found.push(format!("{name}: expected {expected}, found {}", answer_line(answer, names)));
    }
    if !step.graph.is_empty() {
        let actual = observation_records(graph);
        let lines = step.graph.iter().filter_map(|line| record_fault(line, &actual, names));
        found.extend(lines.map(|fault| format!("{name}: {fault}")));
    }
    found
}

/// Returns how model and crate differ.
fn divergence(model: &Report, answer: &Answer, graph: &Observation, names: &Names) -> Option<String> {
    if !same_answer(&model.answer, answer, &model.graph) {
        let (left, right) = (answer_line(&model.answer, names), answer_line(answer, names));
        return Some(format!("model and crate differ: {left} against {right}"));
    }
    let lines = differences(&model.graph, graph, names);
    (!lines.is_empty()).then(|| format!("model and crate differ: {}", lines.join("; ")))
}

/// Returns the context of a node after the step.
fn context_of(graph: &Observation, id: NodeId) -> Option<Context> {
    graph.nodes.iter().find(|node| node.id == id).map(|node| node.context)
}

/// Returns whether two answers are equivalent. The crate names one violation and asks drivers in its own order (V4,
/// V5.2). `graph` is the model's graph after the step.
fn same_answer(model: &Answer, other: &Answer, graph: &Observation) -> bool {
    match (model, other) {
        (Answer::Violates(all), Answer::Violates(named)) => {
            !named.is_empty() && named.iter().all(|violation| all.contains(violation))
        }
        (Answer::Done(effects), Answer::Done(found)) => effects.agree_with(found, |id| context_of(graph, id)),
        _ => model == other,
    }
}
