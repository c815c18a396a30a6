//! Shortens a long story that shows a difference.

/// Removes every turn that is not needed to show a difference, which need not be the same difference. The result is
/// minimal: if any one turn is removed, there is no difference. `differs` returns the first turn of a story after
/// which a difference shows, and the difference. A story without a difference is returned unchanged.
pub fn shrink<T: Clone>(
    story: &[T],
    mut differs: impl FnMut(&[T]) -> Option<(usize, String)>,
) -> (Vec<T>, Option<String>) {
    let Some((place, what)) = differs(story) else { return (story.to_vec(), None) };
    let mut best: Vec<T> = story[..=place].to_vec();
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

#[cfg(test)]
mod tests {
    use super::shrink;
    use crate::turn::Turn;
    use blockgraph_model::{Kind, NodeId, Op, Spec};

    fn add(node: u8) -> Turn {
        Turn::single(Op::Add { node: NodeId(node), spec: Spec::plain(Kind::Protocol) })
    }

    fn release(node: u8) -> Turn {
        Turn::single(Op::Release { node: NodeId(node) })
    }

    /// Returns a predicate that finds a difference after the last of `needed_turns` if they all occur in this order.
    fn in_order(needed_turns: &[Turn]) -> impl FnMut(&[Turn]) -> Option<(usize, String)> {
        let needed_turns = needed_turns.to_vec();
        move |story| {
            let mut left = needed_turns.iter();
            let mut next = left.next()?;
            for (place, action) in story.iter().enumerate() {
                if action == next {
                    match left.next() {
                        Some(following) => next = following,
                        None => return Some((place, format!("after {place}"))),
                    }
                }
            }
            None
        }
    }

    #[test]
    fn only_what_is_needed_remains() {
        let long: Vec<Turn> = (0..97).map(|i| if i % 7 == 3 { release(i) } else { add(i) }).collect();
        let needed = [&[5][..], &[0, 96], &[1, 2, 3], &[10, 40, 41, 95], &[0, 1, 93, 94, 95, 96]];
        for places in needed {
            let needed_turns: Vec<Turn> = places.iter().map(|&place: &usize| long[place].clone()).collect();
            let (short, what) = shrink(&long, in_order(&needed_turns));
            assert_eq!(short, needed_turns);
            assert_eq!(what, Some(format!("after {}", needed_turns.len() - 1)), "the text is that of the short story");
        }
    }

    /// If one turn can be removed only after another, or only together with another, one pass is not enough.
    #[test]
    fn the_result_is_minimal() {
        let story: Vec<Turn> = (0..40).map(add).collect();
        // Any even number of actions, at least six, shows the difference, so no single one can be removed.
        let even = |story: &[Turn]| {
            (story.len() >= 6 && story.len().is_multiple_of(2)).then(|| (story.len() - 1, String::new()))
        };
        // Each action needs the one before it, so only the last one can be removed.
        let chained = |story: &[Turn]| {
            let has = |node: u8| story.contains(&add(node));
            let ok = |node: u8| !has(node) || has(node - 1);
            (has(0) && (1..40).all(ok)).then(|| (story.len() - 1, String::new()))
        };
        type Rule = fn(&[Turn]) -> Option<(usize, String)>;
        let rules: [Rule; 2] = [even, chained];
        for rule in rules {
            let (short, _) = shrink(&story, rule);
            assert!(short.len() < story.len() && rule(&short).is_some());
            for at in 0..short.len() {
                let mut less = short.clone();
                less.remove(at);
                assert_eq!(rule(&less), None, "{at} of {short:?} is not needed");
            }
        }
    }
}
