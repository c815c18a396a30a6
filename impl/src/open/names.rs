//! Node names: which ones can be chosen, which ones are generated, and how a node is looked up (L5.1 to L5.3).

use super::error::{LookUpScope, OpenError, OpenErrorKind};
use crate::driver::Driver;
use crate::graph::{Graph, NodeKey};
use alloc::format;
use alloc::sync::Arc;

/// The longest node name that can be chosen, in characters (L5.1; QEMU: the size of `BlockDriverState.node_name`
/// without its terminator).
pub const NODE_NAME_MAX: usize = 31;

/// Returns whether a name has the form of L5.1. The form allows only ASCII, so bytes are characters.
fn is_well_formed(name: &str) -> bool {
    let rest = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    name.starts_with(|first: char| first.is_ascii_alphabetic()) && name.bytes().all(rest)
}

fn generated(number: usize) -> Arc<str> {
    format!("#block{number:03}").into()
}

impl<D: Driver> Graph<D> {
    /// Checks whether a user may choose this name for a node to be opened (L5.1; QEMU: `bdrv_assign_node_name`). O(1)
    /// expected. [`add`](crate::Transaction::add) does not perform this check.
    ///
    /// # Errors
    /// The first that applies, in this order: `InvalidName`, `NameIsUser`, `NameTaken`, `NameTooLong`.
    pub fn check_node_name(&self, name: &str) -> Result<(), OpenError> {
        let found = || -> Arc<str> { name.into() };
        let kind = if !is_well_formed(name) {
            OpenErrorKind::InvalidName { name: found() }
        } else if self.core.user_named(name).is_some() {
            OpenErrorKind::NameIsUser { name: found() }
        } else if self.core.node_named(name).is_some() {
            OpenErrorKind::NameTaken { name: found() }
        } else if name.len() > NODE_NAME_MAX {
            OpenErrorKind::NameTooLong { name: found() }
        } else {
            return Ok(());
        };
        Err(kind.into())
    }

    /// Returns an unused name for a node that was given none (L5.2): `#block` and a number. The result depends only on
    /// the names in the graph, so equal graphs give equal names. O(log nodes) look-ups.
    #[must_use]
    pub fn generate_node_name(&self) -> Arc<str> {
        self.generate_from(0).1
    }

    /// Returns an unused number from `first` on, and its name.
    pub(crate) fn generate_from(&self, first: usize) -> (usize, Arc<str>) {
        let taken = |number: usize| self.core.node_named(&generated(number)).is_some();
        if !taken(first) {
            return (first, generated(first));
        }
        // With gaps this is not always the smallest unused number, because finding that takes a look-up for each
        // number. The result is an unused number right after a used one. There are more numbers than nodes, so the
        // first loop ends.
        let (mut used, mut free) = (first, first.saturating_add(1));
        while taken(free) {
            let step = free.saturating_sub(first);
            (used, free) = (free, free.saturating_add(step));
        }
        while free - used > 1 {
            let middle = used + (free - used) / 2;
            if taken(middle) { used = middle } else { free = middle }
        }
        (free, generated(free))
    }

    /// Returns the node that a name refers to (L5.3; QEMU: `bdrv_lookup_bs`). O(1) expected.
    ///
    /// # Errors
    /// `NotFound`, also if the node is doomed.
    pub fn look_up(&self, name: &str, scope: LookUpScope) -> Result<NodeKey, OpenError> {
        let device = || self.user(name).and_then(|user| self.user_view(user)).map(|user| user.node());
        let found = match scope {
            LookUpScope::Device => device(),
            LookUpScope::Node => self.node(name),
            LookUpScope::Either => device().or_else(|| self.node(name)),
        };
        found.ok_or_else(|| OpenErrorKind::NotFound { name: name.into(), scope }.into())
    }
}

#[cfg(test)]
mod tests {
    use super::{LookUpScope, is_well_formed};
    use crate::drivers::Protocol;
    use crate::open::OpenError;
    use crate::{Graph, NodeSpec, Pair, Preset};
    use alloc::string::{String, ToString};

    fn text<T: core::fmt::Debug>(result: Result<T, OpenError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn form_of_names() {
        for good in ["a", "Z9", "a-b.c_d", "node0", "a------------------------------------------"] {
            assert!(is_well_formed(good), "{good}");
        }
        for bad in ["", "0a", "#block000", "-a", "a b", "a/b", "ä", "aä", "a\n"] {
            assert!(!is_well_formed(bad), "{bad}");
        }
    }

    #[test]
    fn names_are_tested_in_order() {
        let mut graph: Graph<Preset> = Graph::new();
        let long = "n".repeat(32);
        let node = graph.add(NodeSpec::new("disk"), Protocol.into()).unwrap();
        graph.attach_user("guest", node, Pair::NOTHING, false).unwrap();
        graph.attach_user("disk", node, Pair::NOTHING, false).unwrap();
        assert!(graph.check_node_name("other").is_ok());
        assert!(graph.check_node_name(&"n".repeat(31)).is_ok());
        assert_eq!(text(graph.check_node_name("9")), "Invalid node-name: '9'");
        assert_eq!(text(graph.check_node_name("guest")), "node-name=guest is conflicting with a device id");
        assert_eq!(text(graph.check_node_name("disk")), "node-name=disk is conflicting with a device id");
        assert_eq!(text(graph.check_node_name(&long)), "Node name too long");
        graph.add(NodeSpec::new(&*long), Protocol.into()).unwrap();
        assert_eq!(text(graph.check_node_name(&long)), alloc::format!("Duplicate nodes with node-name='{long}'"));
    }

    #[test]
    fn users_come_first_when_a_node_is_looked_up() {
        let mut graph: Graph<Preset> = Graph::new();
        let [a, b] = ["a", "b"].map(|name| graph.add(NodeSpec::new(name), Protocol.into()).unwrap());
        graph.attach_user("b", a, Pair::NOTHING, false).unwrap();
        let found = |name, scope| graph.look_up(name, scope).ok();
        assert_eq!(found("b", LookUpScope::Either), Some(a));
        assert_eq!(found("b", LookUpScope::Device), Some(a));
        assert_eq!(found("b", LookUpScope::Node), Some(b));
        assert_eq!(found("a", LookUpScope::Either), Some(a));
        assert_eq!(text(graph.look_up("x", LookUpScope::Either)), "Cannot find device='x' nor node-name='x'");
        assert_eq!(text(graph.look_up("a", LookUpScope::Device)), "Cannot find device='a'");
        assert_eq!(text(graph.look_up("x", LookUpScope::Node)), "Cannot find node-name='x'");
    }

    #[test]
    fn generated_names_are_free_and_repeat() {
        let mut graph: Graph<Preset> = Graph::new();
        for number in 0..40 {
            let name = graph.generate_node_name();
            assert_eq!(*name, alloc::format!("#block{number:03}"));
            assert_eq!(graph.generate_node_name(), name);
            graph.add(NodeSpec::new(name), Protocol.into()).unwrap();
        }
        for gap in ["#block000", "#block007", "#block039"] {
            let node = graph.node(gap).unwrap();
            graph.release(node).unwrap();
        }
        for _ in 0..3 {
            let name = graph.generate_node_name();
            assert_eq!(graph.node(&name), None);
            graph.add(NodeSpec::new(name), Protocol.into()).unwrap();
        }
        // A doomed node keeps its name until the commit (L2).
        let mut t = graph.transaction();
        let node = t.node("#block003").unwrap();
        t.release(node).unwrap();
        assert_ne!(&*t.generate_from(3).1, "#block003");
        assert!(t.generate_from(1000).1.starts_with("#block1"));
    }
}
