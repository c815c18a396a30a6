//! Runs a story on model and crate, for shrinking.

use crate::compare::compare_step;
use crate::impl_subject::ImplSubject;
use crate::replay::guarded;
use blockgraph_model::{Outcome, State, execute};
use blockgraph_story::turn::Turn;

/// Runs a story from the empty graph on both sides. Returns the index of the first turn after which they differ, and
/// how. Turns for which the model has no room are left out.
pub fn differs<const N: usize, const E: usize>(story: &[Turn]) -> Option<(usize, String)> {
    let mut state = State::<N, E>::default();
    let mut subject = ImplSubject::new();
    for (place, turn) in story.iter().enumerate() {
        if !turn.fits(&state) {
            continue;
        }
        let mut outcome = execute(&state, &turn.ops, &[]);
        if !turn.has_one_answer(&state, &outcome) {
            continue;
        }
        if !turn.refusals.is_empty() {
            outcome = execute(&state, &turn.ops, &turn.refusals);
        }
        if let Outcome::Done { next, .. } = &outcome {
            state = *next;
        }
        let wrong = guarded(&mut subject, &turn.ops, &turn.refusals, |subject, answer| {
            compare_step(&outcome, answer, subject, &state)
        });
        if let Some(what) = wrong {
            return Some((place, what));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::differs;
    use blockgraph_model::{Kind, NodeId, Op, Spec};
    use blockgraph_story::shrink::shrink;
    use blockgraph_story::turn::Turn;

    #[test]
    fn a_story_without_a_difference_stays() {
        let add = |node| Turn::single(Op::Add { node: NodeId(node), spec: Spec::plain(Kind::Protocol) });
        let release = Turn::single(Op::Release { node: NodeId(0) });
        let story = [add(0), release.clone(), release, add(1)];
        assert_eq!(differs::<6, 10>(&story), None);
        assert_eq!(shrink(&story, differs::<6, 10>), (story.to_vec(), None));
    }
}
