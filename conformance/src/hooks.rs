//! The driver of the crate under test: a preset that refuses when told to, and writes down how it was called.

use crate::translate::node_name;
use blockgraph::{
    ChildContext, Driver, DriverOption, Grant, NodeView, Pair, Policy, Preset, Refusal, Slot, UnsupportedOption,
};
use blockgraph_model::{Hook, NodeId};
use std::cell::RefCell;

/// What a driver is asked, or told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// To become read-only or writable.
    Prepare(bool),
    /// To grant this.
    Check(Grant),
}

impl What {
    /// The hook in which it is asked.
    pub fn hook(self) -> Hook {
        match self {
            What::Prepare(_) => Hook::Prepare,
            What::Check(_) => Hook::Check,
        }
    }
}

/// One call of a hook, with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Asked, and agreed.
    Agreed(What, NodeId),
    /// Asked, and refused.
    Refused(What, NodeId),
    /// What was agreed takes effect.
    Commit(What, NodeId),
    /// What was agreed does not happen.
    Abort(What, NodeId),
    /// The node is gone.
    Closed(NodeId),
    /// The hook was called for another node than the driver's.
    Astray(NodeId),
}

thread_local! {
    static LOG: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

fn log(call: Call) {
    LOG.with_borrow_mut(|log| log.push(call));
}

/// Forgets the calls of this thread so far.
pub fn clear_log() {
    LOG.with_borrow_mut(Vec::clear);
}

/// Looks at the calls of this thread since [`clear_log`].
pub fn with_log<T>(look: impl FnOnce(&[Call]) -> T) -> T {
    LOG.with_borrow(|log| look(log))
}

/// V6: every agreement is followed by exactly one commit or one abort with the same arguments, newest first, all of one
/// sort, and nothing is closed before the last of them; nothing that was refused gets either.
pub fn paired(calls: &[Call]) -> Result<(), String> {
    let mut open = Vec::new();
    let mut asking = true;
    let mut aborting = None;
    for (place, &call) in calls.iter().enumerate() {
        let wrong = || Err(format!("call {place} of {calls:?} breaks the pairing (V6)"));
        match call {
            Call::Agreed(what, node) if asking => open.push((what, node)),
            Call::Refused(..) if asking => {}
            Call::Commit(what, node) | Call::Abort(what, node) => {
                asking = false;
                let abort = matches!(call, Call::Abort(..));
                if open.pop() != Some((what, node)) || *aborting.get_or_insert(abort) != abort {
                    return wrong();
                }
            }
            Call::Closed(_) if open.is_empty() && aborting != Some(true) => asking = false,
            _ => return wrong(),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} got neither commit nor abort in {calls:?} (V6)")) }
}

/// V5.3: what a commit says it asked is what the drivers were asked, in that order and with those arguments, and those
/// it says it closed were closed.
pub fn as_told(calls: &[Call], plan: &[(What, NodeId)], refused: &[NodeId], closed: &[NodeId]) -> Result<(), String> {
    let asked = calls.iter().filter_map(|call| match call {
        Call::Agreed(what, node) | Call::Refused(what, node) => Some((*what, *node)),
        _ => None,
    });
    let tolerated = calls.iter().filter_map(|call| if let Call::Refused(_, node) = call { Some(*node) } else { None });
    let gone = calls.iter().filter_map(|call| if let Call::Closed(node) = call { Some(*node) } else { None });
    if asked.eq(plan.iter().copied()) && tolerated.eq(refused.iter().copied()) && gone.eq(closed.iter().copied()) {
        return Ok(());
    }
    Err(format!("the commit says {plan:?}, refused {refused:?}, closed {closed:?}, but the hooks were {calls:?}"))
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestDriver {
    /// The rule.
    pub preset: Preset,
    /// The node's name in the log.
    pub id: NodeId,
    /// Refuses in this hook.
    pub refuses: Option<Hook>,
}

impl TestDriver {
    fn asked(&self, view: &NodeView<'_>, what: What) -> Result<(), Refusal> {
        let refuses = self.refuses == Some(what.hook());
        self.told(view, if refuses { Call::Refused } else { Call::Agreed }, what);
        if refuses { Err(Refusal::new("injected")) } else { Ok(()) }
    }

    fn told(&self, view: &NodeView<'_>, call: impl FnOnce(What, NodeId) -> Call, what: What) {
        let mine = **view.name() == *node_name(self.id);
        log(if mine { call(what, self.id) } else { Call::Astray(self.id) });
    }
}

impl Policy for TestDriver {
    fn name(&self) -> &str {
        self.preset.name()
    }

    fn slot(&self) -> Option<Slot> {
        self.preset.slot()
    }

    fn supports_backing(&self) -> bool {
        self.preset.supports_backing()
    }

    fn takes_children(&self) -> bool {
        self.preset.takes_children()
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.preset.child_pair(context)
    }
}

impl Driver for TestDriver {
    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        self.asked(view, What::Prepare(read_only))
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.told(view, Call::Commit, What::Prepare(read_only));
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.told(view, Call::Abort, What::Prepare(read_only));
    }

    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        self.asked(view, What::Check(new))
    }

    fn set(&mut self, view: &NodeView<'_>, new: Grant) {
        self.told(view, Call::Commit, What::Check(new));
    }

    fn abort(&mut self, view: &NodeView<'_>, new: Grant) {
        self.told(view, Call::Abort, What::Check(new));
    }

    fn close(&mut self, name: &str) {
        log(if *name == *node_name(self.id) { Call::Closed(self.id) } else { Call::Astray(self.id) });
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        self.preset.set_option(option)
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, NodeId, What, as_told, paired};
    use Call::{Abort, Agreed, Astray, Closed, Commit, Refused};
    use blockgraph::{Grant, Pair};

    const A: NodeId = NodeId(0);
    const B: NodeId = NodeId(1);
    const P: What = What::Prepare(true);
    const C: What = What::Check(Grant { pair: Pair::NOTHING, writable: true });
    const D: What = What::Check(Grant { pair: Pair::NOTHING, writable: false });

    #[test]
    fn pairing_is_strict() {
        let good: [&[Call]; 5] = [
            &[],
            &[Agreed(P, A), Agreed(C, A), Refused(C, B), Commit(C, A), Commit(P, A), Closed(B)],
            &[Agreed(P, A), Refused(C, B), Abort(P, A)],
            &[Refused(P, A)],
            &[Closed(A), Closed(B)],
        ];
        let bad: [&[Call]; 10] = [
            &[Agreed(C, A)],
            &[Commit(C, A)],
            &[Agreed(C, A), Agreed(C, B), Commit(C, A), Commit(C, B)],
            &[Agreed(C, A), Agreed(C, B), Commit(C, B), Abort(C, A)],
            &[Agreed(C, A), Abort(C, A), Abort(C, A)],
            &[Agreed(C, A), Closed(B), Commit(C, A)],
            &[Agreed(C, A), Commit(C, A), Agreed(C, B), Commit(C, B)],
            &[Agreed(C, A), Commit(D, A)],
            &[Agreed(P, A), Abort(What::Prepare(false), A)],
            &[Astray(A)],
        ];
        good.iter().for_each(|calls| assert_eq!(paired(calls), Ok(()), "{calls:?}"));
        bad.iter().for_each(|calls| assert!(paired(calls).is_err(), "{calls:?}"));
    }

    #[test]
    fn a_commit_must_tell_what_happened() {
        let calls = [Agreed(P, A), Refused(C, B), Agreed(D, A), Commit(D, A), Commit(P, A), Closed(B)];
        let plan = [(P, A), (C, B), (D, A)];
        assert_eq!(as_told(&calls, &plan, &[B], &[B]), Ok(()));
        assert!(as_told(&calls, &plan[..2], &[B], &[B]).is_err());
        assert!(as_told(&calls, &[(P, A), (D, B), (D, A)], &[B], &[B]).is_err());
        assert!(as_told(&calls, &plan, &[], &[B]).is_err());
        assert!(as_told(&calls, &plan, &[B], &[]).is_err());
    }
}
