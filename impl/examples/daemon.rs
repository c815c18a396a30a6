//! A small storage daemon's view of `blockgraph`: an image with a guest, a snapshot while the guest runs, a refused
//! export, and a custom driver that models a lock.
//!
//! `cargo run -p blockgraph --example daemon`

use blockgraph::drivers::{Format, Protocol};
use blockgraph::{ChildContext, Driver, Grant, Graph, NodeSpec, NodeView, Pair, Permissions, Policy, Refusal, Role};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A file that another process may have locked.
struct LockedFile {
    locked_elsewhere: Arc<AtomicBool>,
}

impl Policy for LockedFile {
    fn name(&self) -> &str {
        "file"
    }

    fn takes_children(&self) -> bool {
        false
    }

    fn child_pair(&self, _: &ChildContext<'_>) -> Pair {
        Pair::NOTHING
    }
}

impl Driver for LockedFile {
    fn check_permissions(&mut self, _: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        if new.pair.need.contains(Permissions::WRITE) && self.locked_elsewhere.load(Ordering::Relaxed) {
            return Err(Refusal::new("Failed to get \"write\" lock"));
        }
        Ok(())
    }
}

fn main() -> Result<(), blockgraph::Error> {
    let locked_elsewhere = Arc::new(AtomicBool::new(false));
    let mut graph: Graph = Graph::new();

    // An image: a format node over a file, added in one transaction.
    let mut t = graph.transaction();
    let file = t.add(NodeSpec::new("file0"), Box::new(LockedFile { locked_elsewhere: locked_elsewhere.clone() }))?;
    let disk = t.add(NodeSpec::new("disk0"), Box::new(Format))?;
    t.attach(disk, file, "file", Role::DATA | Role::METADATA | Role::PRIMARY)?;
    t.commit()?;

    // The guest writes and shares only reading.
    let guest = Pair::new(Permissions::READ | Permissions::WRITE, Permissions::READ);
    graph.attach_user("guest", disk, guest, false)?;

    // A second writer is refused. The error names both users, and nothing has changed.
    let refused = graph.attach_user("export", disk, guest, false);
    println!("{}", refused.err().map_or_else(String::new, |error| error.to_string()));
    assert_eq!(graph.user("export"), None);

    // A snapshot while the guest runs. Another process has locked the file of the overlay: everything is undone.
    let before = graph.save_with(|_, driver| driver.name().to_owned());
    let snapshot = |graph: &mut Graph| -> Result<(), blockgraph::Error> {
        let mut t = graph.transaction();
        let file =
            t.add(NodeSpec::new("file1"), Box::new(LockedFile { locked_elsewhere: locked_elsewhere.clone() }))?;
        let overlay = t.add(NodeSpec::new("disk1"), Box::new(Format))?;
        t.attach(overlay, file, "file", Role::DATA | Role::METADATA | Role::PRIMARY)?;
        t.append(overlay, disk)?;
        t.commit().map(|_| ())
    };
    locked_elsewhere.store(true, Ordering::Relaxed);
    let refused = snapshot(&mut graph);
    println!("{}", refused.err().map_or_else(String::new, |error| error.to_string()));
    assert_eq!(graph.save_with(|_, driver| driver.name().to_owned()), before);

    // The lock is free now: the snapshot succeeds, and the guest is on the overlay.
    locked_elsewhere.store(false, Ordering::Relaxed);
    snapshot(&mut graph)?;
    let node = graph.user("guest").and_then(|user| graph.user_view(user)).map(|user| user.node());
    println!("the guest is on {}", node.and_then(|node| graph.get(node)).map_or("nothing", |view| view.name()));

    // A node is deleted with its last reference.
    let spare = graph.add(NodeSpec::new("spare"), Box::new(Protocol))?;
    graph.release(spare)?;
    assert_eq!(graph.node("spare"), None);
    Ok(())
}
