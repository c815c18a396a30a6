//! A driver that does something in its hooks.

use blockgraph::{ChildContext, Driver, Grant, NodeView, Pair, Policy, Refusal, Slot, default_child_pair};

/// A filter or a protocol behind a trait object that writes down what it is told, as a real one at least does.
#[derive(Debug)]
pub struct Listener {
    slot: Option<Slot>,
    asked: Option<Grant>,
    granted: Option<Grant>,
    /// How often it was told something.
    grants_set: u64,
}

impl Listener {
    /// A filter on `file`.
    #[must_use]
    pub const fn filter() -> Self {
        Self { slot: Some(Slot::File), asked: None, granted: None, grants_set: 0 }
    }

    /// What is at the bottom.
    #[must_use]
    pub const fn protocol() -> Self {
        Self { slot: None, asked: None, granted: None, grants_set: 0 }
    }

    /// How often it was told something.
    #[must_use]
    pub const fn grants_set(&self) -> u64 {
        self.grants_set
    }
}

impl Policy for Listener {
    fn name(&self) -> &str {
        "listener"
    }

    fn filter_slot(&self) -> Option<Slot> {
        self.slot
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        default_child_pair(context)
    }
}

impl Driver for Listener {
    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        if view.read_only() && new.writable {
            return Err(Refusal::new("read-only and writable"));
        }
        self.asked = Some(new);
        Ok(())
    }

    fn set_permissions(&mut self, _: &NodeView<'_>, new: Grant) {
        self.granted = Some(new);
        self.asked = None;
        self.grants_set += 1;
    }

    fn abort_permissions(&mut self, _: &NodeView<'_>, _: Grant) {
        self.asked = None;
    }
}
