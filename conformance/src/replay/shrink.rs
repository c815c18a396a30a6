//! From a long story that shows a difference to a short one.

use super::guarded;
use crate::compare::check_step;
use crate::impl_subject::ImplSubject;
use blockgraph_model::menu::{Action, Small};
use blockgraph_model::{Op, Outcome, execute};

/// Runs a story from the empty graph on both sides; the place of the first action after which they differ, and how.
pub fn differs(story: &[Action]) -> Option<(usize, String)> {
    let mut state = Small::default();
    let mut subject = ImplSubject::new();
    for (place, action) in story.iter().enumerate() {
        let added: usize = action.ops.iter().map(Op::edges_added).sum();
        if state.free_edges() < added {
            continue;
        }
        let outcome = execute(&state, &action.ops, action.refusals());
        if let Outcome::Done { next, .. } = &outcome {
            state = *next;
        }
        let wrong = guarded(&mut subject, action, |subject, answer| check_step(&outcome, answer, subject, &state));
        if let Some(what) = wrong {
            return Some((place, what));
        }
    }
    None
}

/// The story without everything that is not needed to see a difference (not necessarily the same one): one action less
/// and there is none. A story that shows nothing from an empty graph is returned as it is.
pub fn shrink(story: &[Action]) -> (Vec<Action>, Option<String>) {
    shrink_by(story, differs)
}

/// [`shrink`] for any sort of difference: `differs` says after which action of a story it shows first, and how.
pub fn shrink_by(
    story: &[Action],
    mut differs: impl FnMut(&[Action]) -> Option<(usize, String)>,
) -> (Vec<Action>, Option<String>) {
    let Some((place, what)) = differs(story) else { return (story.to_vec(), None) };
    let mut best: Vec<Action> = story[..=place].to_vec();
    let mut what = what;
    let mut size = best.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        let mut shorter = false;
        while at < best.len() {
            let mut without = best.clone();
            without.drain(at..(at + size).min(best.len()));
            if let Some((place, new)) = differs(&without) {
                without.truncate(place + 1);
                (best, what, shorter) = (without, new, true);
            } else {
                at += size;
            }
        }
        if !(shorter && size == 1) {
            size /= 2;
        }
    }
    (best, Some(what))
}
