//! Executes opening and jobs (O41 to O46) as steps of the crate's transaction.

use crate::test_driver::{Hooks, TestDriver};
use crate::translate::{self, Keys};
use blockgraph::Transaction;
use blockgraph::jobs::{Job, Work};
use blockgraph::open::OpenSpec;
use blockgraph_model::{Act, Below, Kind, NodeId, Op, Opening, Refusal, Spec, UserId};

type Done = Result<(), blockgraph::Error>;

/// Executes the operation as one step.
pub(crate) fn step(t: &mut Transaction<'_, TestDriver>, keys: &mut Keys, op: Op, refusals: &[Refusal]) -> Done {
    let n = |node| keys.node(node);
    let (act, job, filter, work) = match op {
        Op::Stream { act, job, node, bottom, filter } => {
            (act, job, filter, Work::Stream { node: n(node), bottom: n(bottom) })
        }
        Op::Commit { act, job, top, base, filter, name } => {
            let stored = name.map(translate::node_name);
            (act, job, filter, Work::Commit { top: n(top), base: n(base), stored })
        }
        Op::CommitActive { act, job, top, base, filter } => {
            (act, job, filter, Work::CommitActive { top: n(top), base: n(base) })
        }
        Op::Mirror { act, job, source, target, filter } => {
            (act, job, filter, Work::Mirror { source: n(source), target: n(target) })
        }
        Op::Backup { act, job, source, target, filter } => {
            (act, job, filter, Work::Backup { source: n(source), target: n(target) })
        }
        Op::Open { node, layer, file, backing, overlay, probe } => {
            return open(t, keys, Opening { node, layer, file, backing, overlay, probe }, refusals);
        }
        // The other operations are in `operations`.
        _ => return Ok(()),
    };
    let described = Job::new(translate::user_name(job), translate::node_name(filter), work);
    match act {
        Act::Start => {
            let refuses = Hooks::of(filter, refusals);
            let driver = TestDriver { preset: described.filter_driver(), id: filter, refuses };
            keys.set_node(filter, t.start_job(&described, driver)?);
            find_users(t, keys, job);
            Ok(())
        }
        Act::Finish => t.finish_job(&described),
        Act::Cancel => t.cancel_job(&described),
    }
}

/// Enters the keys of the users that a job has added.
fn find_users(t: &Transaction<'_, TestDriver>, keys: &mut Keys, job: UserId) {
    let users = (0..=u8::MAX).map(|part| job.further(part));
    for (user, key) in users.map_while(|user| Some((user, t.graph().user(&translate::user_name(user))?))) {
        keys.set_user(user, key);
    }
}

/// Executes O41.
fn open(t: &mut Transaction<'_, TestDriver>, keys: &mut Keys, opening: Opening, refusals: &[Refusal]) -> Done {
    let Opening { node, layer, file, backing, overlay, probe } = opening;
    let ready = |id: NodeId, spec: Spec| (translate::node_spec(id, spec), TestDriver::of_spec(id, spec, refusals));
    let (described, above) = ready(node, layer.spec());
    let mut image = OpenSpec::new(described, above).probe(probe);
    image = match file {
        None => image,
        Some(Below { node: there, opened: None }) => image.existing_file(keys.node(there)),
        Some(Below { node: below, opened: Some(layer) }) => {
            let (described, driver) = ready(below, layer.spec());
            image.file(described, driver)
        }
    };
    if let Some(to) = backing {
        image = image.backing(keys.node(to));
    }
    if let Some(overlay) = overlay {
        image = image
            .overlay(translate::node_name(overlay), TestDriver::of_spec(overlay, Spec::plain(Kind::Format), refusals));
    }
    let opened = t.open(image)?;
    keys.set_node(node, opened.node);
    if let (Some(Below { node: below, opened: Some(_) }), Some(key)) = (file, opened.file) {
        keys.set_node(below, key);
    }
    if let (Some(overlay), Some(key)) = (overlay, opened.overlay) {
        keys.set_node(overlay, key);
    }
    Ok(())
}
