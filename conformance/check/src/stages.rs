//! The subjects that there are, and the stages on which they play scenarios.

use crate::impl_subject::ImplSubject;
use blockgraph_story::model_subject::ModelSubject;
use blockgraph_story::stage::Stage;
use blockgraph_story::subject::Subject;
use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};

/// One of the two implementations of the specification.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Side {
    /// The formal model.
    Model,
    /// The crate.
    Impl,
}

/// Makes a subject with an empty graph.
pub fn subject(side: Side) -> Box<dyn Subject> {
    match side {
        Side::Model => Box::new(ModelSubject::<MOST_NODES, MOST_EDGES>::default()),
        Side::Impl => Box::new(ImplSubject::new()),
    }
}

/// Makes a stage on which scenarios are played. `None` compares model and crate in every step. With [`Side::Impl`] the
/// model only decides which refusals are genuine.
pub fn stage(side: Option<Side>) -> Stage {
    let model = subject(Side::Model);
    match side {
        Some(Side::Model) => Stage::single(model),
        Some(Side::Impl) => Stage::with_reference(model, subject(Side::Impl), false),
        None => Stage::with_reference(model, subject(Side::Impl), true),
    }
}
