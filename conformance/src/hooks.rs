//! The driver of the crate under test: a preset that refuses when told to, and writes down how it was called.

use blockgraph::{
    ChildContext, Driver, DriverOption, Grant, NodeView, Pair, Policy, Preset, Refusal, Slot, UnsupportedOption,
};
use blockgraph_model::{Hook, NodeId};
use std::cell::RefCell;

/// One call of a hook.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Asked, and agreed.
    Agreed(Hook, NodeId),
    /// Asked, and refused.
    Refused(Hook, NodeId),
    /// What was agreed takes effect.
    Commit(Hook, NodeId),
    /// What was agreed does not happen.
    Abort(Hook, NodeId),
    /// The node is gone.
    Closed(NodeId),
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

/// V6: every agreement is followed by exactly one commit or one abort, newest first, all of one sort, and nothing is
/// closed before the last of them; nothing that was refused gets either.
pub fn paired(calls: &[Call]) -> Result<(), String> {
    let mut open = Vec::new();
    let mut asking = true;
    let mut aborting = None;
    for (place, &call) in calls.iter().enumerate() {
        let wrong = || Err(format!("call {place} of {calls:?} breaks the pairing (V6)"));
        match call {
            Call::Agreed(hook, node) if asking => open.push((hook, node)),
            Call::Refused(..) if asking => {}
            Call::Commit(hook, node) | Call::Abort(hook, node) => {
                asking = false;
                let abort = matches!(call, Call::Abort(..));
                if open.pop() != Some((hook, node)) || *aborting.get_or_insert(abort) != abort {
                    return wrong();
                }
            }
            Call::Closed(_) if open.is_empty() && aborting != Some(true) => asking = false,
            _ => return wrong(),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} got neither commit nor abort in {calls:?} (V6)")) }
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
    fn asked(&self, hook: Hook) -> Result<(), Refusal> {
        if self.refuses == Some(hook) {
            log(Call::Refused(hook, self.id));
            return Err(Refusal::new("injected"));
        }
        log(Call::Agreed(hook, self.id));
        Ok(())
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
    fn prepare(&mut self, _view: &NodeView<'_>, _read_only: bool) -> Result<(), Refusal> {
        self.asked(Hook::Prepare)
    }

    fn commit_prepare(&mut self, _view: &NodeView<'_>, _read_only: bool) {
        log(Call::Commit(Hook::Prepare, self.id));
    }

    fn abort_prepare(&mut self, _view: &NodeView<'_>, _read_only: bool) {
        log(Call::Abort(Hook::Prepare, self.id));
    }

    fn check(&mut self, _view: &NodeView<'_>, _new: Grant) -> Result<(), Refusal> {
        self.asked(Hook::Check)
    }

    fn set(&mut self, _view: &NodeView<'_>, _new: Grant) {
        log(Call::Commit(Hook::Check, self.id));
    }

    fn abort(&mut self, _view: &NodeView<'_>, _new: Grant) {
        log(Call::Abort(Hook::Check, self.id));
    }

    fn close(&mut self, _name: &str) {
        log(Call::Closed(self.id));
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        self.preset.set_option(option)
    }
}

#[cfg(test)]
mod tests {
    use super::{Call, Hook, NodeId, paired};

    #[test]
    fn pairing_is_strict() {
        use Call::{Abort, Agreed, Closed, Commit, Refused};
        let (a, b) = (NodeId(0), NodeId(1));
        let (p, c) = (Hook::Prepare, Hook::Check);
        let good: [&[Call]; 5] = [
            &[],
            &[Agreed(p, a), Agreed(c, a), Refused(c, b), Commit(c, a), Commit(p, a), Closed(b)],
            &[Agreed(p, a), Refused(c, b), Abort(p, a)],
            &[Refused(p, a)],
            &[Closed(a), Closed(b)],
        ];
        let bad: [&[Call]; 7] = [
            &[Agreed(c, a)],
            &[Commit(c, a)],
            &[Agreed(c, a), Agreed(c, b), Commit(c, a), Commit(c, b)],
            &[Agreed(c, a), Agreed(c, b), Commit(c, b), Abort(c, a)],
            &[Agreed(c, a), Abort(c, a), Abort(c, a)],
            &[Agreed(c, a), Closed(b), Commit(c, a)],
            &[Agreed(c, a), Commit(c, a), Agreed(c, b), Commit(c, b)],
        ];
        good.iter().for_each(|calls| assert_eq!(paired(calls), Ok(()), "{calls:?}"));
        bad.iter().for_each(|calls| assert!(paired(calls).is_err(), "{calls:?}"));
    }
}
