//! A graph of storage nodes with permissions and transactions, as in QEMU's block layer.
//!
//! Nodes are images, filters and protocols. Root users are devices, exports and jobs. Every edge states which
//! permissions its parent *needs* on the child and which it *shares* with the other parents. A change of the graph is a
//! transaction: it is checked as a whole, and it either takes effect completely or leaves the graph and all drivers as
//! they were.
//!
//! The crate is for programs that keep disk images in use while they change the graph: storage daemons, virtual machine
//! monitors, backup and migration tools. It does no I/O. Drivers learn of changes through hooks, or the caller
//! executes the steps of a plan itself. The crate is `no_std` with `alloc`, and contains no unsafe code.
//!
//! The semantics are QEMU's, made atomic and total. Numbered sentences specify them: P5, V7 and similar references in
//! this documentation point into `specs/` of the repository. The crate is checked against a formal model of the
//! specification.
//!
//! # Example
//!
//! ```
//! use blockgraph::drivers::{Filter, Format, Protocol};
//! use blockgraph::{ErrorKind, Graph, NodeSpec, Pair, Permissions, Preset, Role};
//!
//! let mut graph: Graph<Preset> = Graph::new();
//!
//! // An image over a file, in one transaction.
//! let mut t = graph.transaction();
//! let file = t.add(NodeSpec::new("file"), Protocol.into())?;
//! let disk = t.add(NodeSpec::new("disk"), Format.into())?;
//! t.attach(disk, file, "file", Role::DATA | Role::METADATA | Role::PRIMARY)?;
//! t.commit()?;
//!
//! // A guest that writes and lets others only read. A second writer is refused.
//! let exclusive = Pair::new(Permissions::READ | Permissions::WRITE, Permissions::READ);
//! let guest = graph.attach_user("guest", disk, exclusive, false)?;
//! let error = graph.attach_user("backup", disk, exclusive, false).unwrap_err();
//! assert!(matches!(error.kind(), ErrorKind::Conflict { .. }));
//! assert_eq!(
//!     error.to_string(),
//!     "Permission conflict on node 'disk': permissions 'write' are both required by block device 'backup' \
//!      (uses node 'disk' as 'root' child) and unshared by block device 'guest' (uses node 'disk' as 'root' child)."
//! );
//!
//! // A throttle filter is inserted below the running guest.
//! let throttle = graph.insert(NodeSpec::new("throttle"), Filter.into(), disk)?;
//! assert_eq!(graph.user_view(guest).map(|user| user.node()), Some(throttle));
//! assert!(graph.inconsistencies().is_empty());
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! # Chains, jobs, reopening
//!
//! The crate has the operations of a storage daemon: overlays are added and removed; images store the name of their
//! backing file; blockers refuse operations that would disturb a job; nodes are reopened with other flags, options and
//! children, together with the nodes that were opened for them.
//!
//! ```
//! use blockgraph::drivers::{Format, Protocol};
//! use blockgraph::{ErrorKind, Graph, NodeSpec, OpKind, OpKinds, Pair, Preset, Reopen, Role};
//!
//! let mut graph: Graph<Preset> = Graph::new();
//! let base = graph.add(NodeSpec::new("base"), Format.into())?;
//! let guest = graph.attach_user("guest", base, Pair::NOTHING, false)?;
//!
//! // Two overlays, one above the other. Each time the guest moves to the new top.
//! let [middle, top] = ["middle", "top"].map(|name| graph.add(NodeSpec::new(name), Format.into()));
//! let (middle, top) = (middle?, top?);
//! graph.snapshot_node(base, middle)?;
//! graph.snapshot_node(middle, top)?;
//! let file = graph.open_child(top, NodeSpec::new("file"), Protocol.into(), "file", Role::DATA | Role::PRIMARY)?;
//!
//! // A job that streams into the top blocks resizing while it runs.
//! graph.block(guest, OpKinds::RESIZE, "block device is in use by block job: stream")?;
//! let error = graph.ensure_not_blocked(top, OpKind::Resize).unwrap_err();
//! assert_eq!(error.to_string(), "Node 'top' is busy: block device is in use by block job: stream");
//! graph.unblock(guest, OpKinds::RESIZE)?;
//!
//! // The middle is removed. The top stores the name of its new backing file.
//! graph.drop_intermediate(middle, base)?;
//! graph.delete(middle)?;
//! assert_eq!(graph.get(top).and_then(|top| top.stored_backing()).map(|name| &**name), Some("base"));
//!
//! // The top becomes read-only, and so does its file, which was opened for it.
//! graph.reopen(&[Reopen::new(top).keep(true).read_only(true)])?;
//! assert!(graph.get(file).is_some_and(|file| file.read_only()));
//! assert!(matches!(graph.delete(top).unwrap_err().kind(), ErrorKind::HasUser { .. }));
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! The module [`jobs`] starts and ends a whole job, for example a mirror that replaces the disk of a running guest, in
//! one operation each. The module [`common_users`] has the pairs that guests and exports usually have.
//!
//! # A custom driver
//!
//! A driver implements [`Policy`], its rule for the permissions of its children, and [`Driver`], its hooks. Every hook
//! has a default. If a hook refuses, the transaction is rolled back.
//!
//! ```
//! use blockgraph::{
//!     ChildContext, Driver, Graph, Grant, NodeSpec, NodeView, Pair, Permissions, Policy, Refusal,
//!     default_child_pair, drivers::Protocol,
//! };
//!
//! /// A cache: a filter on `file` that lets no other parent write to its child, and that cannot be resized.
//! #[derive(Default)]
//! struct Cache { dirty: bool }
//!
//! impl Policy for Cache {
//!     fn name(&self) -> &str { "cache" }
//!     fn filter_slot(&self) -> Option<blockgraph::Slot> { Some(blockgraph::Slot::File) }
//!     fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
//!         let pair = default_child_pair(context);
//!         Pair { share: pair.share - Permissions::WRITE, ..pair }
//!     }
//! }
//!
//! impl Driver for Cache {
//!     fn check_permissions(&mut self, _: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
//!         if new.pair.need.contains(Permissions::RESIZE) {
//!             return Err(Refusal::new("the cache cannot change size"));
//!         }
//!         Ok(())
//!     }
//!     fn set_permissions(&mut self, _: &NodeView<'_>, new: Grant) {
//!         self.dirty |= new.pair.need.contains(Permissions::WRITE);
//!     }
//! }
//!
//! let mut graph: Graph = Graph::new();
//! let file = graph.add(NodeSpec::new("file"), Box::new(Protocol))?;
//! let cache = graph.insert(NodeSpec::new("cache"), Box::new(Cache::default()), file)?;
//! let resizing = Pair::new(Permissions::RESIZE, Permissions::ALL);
//! let error = graph.attach_user("guest", cache, resizing, false).unwrap_err();
//! assert_eq!(error.to_string(), "the cache cannot change size");
//! assert_eq!(graph.user("guest"), None);
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! # Opening images
//!
//! The module [`open`] adds a node, its file and the nodes it refers to in one step, with drivers that are already
//! open. With the feature `open`, images are opened and created from file names and options, by a catalogue of drivers
//! that the caller provides.
//!
//! # Locks on image files
//!
//! A graph knows only its own parents, not those in other processes. QEMU shows permissions to other processes by
//! locking single bytes of an image file; [`qemu::locks`] computes the bytes of a pair. With the feature `posix-locks`,
//! on 64-bit Linux, `posix::PosixFile` is a driver that opens an image file and takes these locks. The second opener of
//! conflicting permissions is refused, whether it is QEMU or this crate.
//!
#![cfg_attr(
    all(feature = "posix-locks", target_os = "linux", target_pointer_width = "64"),
    doc = include_str!("posix/example.md")
)]
//! # Costs
//!
//! In this table *parents* is the number of parent edges of the node concerned, and *children* the number of its child
//! edges. The cost of the check at commit is added to every operation. It is proportional to the nodes with a changed
//! cumulative pair and their children. The check visits no other node, however large the graph is.
//!
//! | operation | time |
//! |---|---|
//! | look up a node or user by name; attach, detach or change a user; hold, release; attach or detach a child, set backing, set file, add and remove a child in use; replace one edge; block, unblock; eject a driver | O(1), expected |
//! | add a node | O(1), expected |
//! | replace a node, drop a filter, append | O(parents + children), plus a walk that ends at the parents' level |
//! | freeze, thaw | O(chain) |
//! | drop intermediate; start, finish, cancel a [job](jobs) | O(chain + parents) |
//! | delete, test whether an operation is blocked | O(parents) |
//! | open an image with drivers that are already open | the cost of adding and attaching its layers; if an existing node is probed, plus O(its parents) |
//! | limits, displayed file name | O(nodes and edges below) |
//! | inactivate | O(nodes that become inactive, their children, and the parents of these) |
//! | activate | O(nodes and edges below) |
//! | truncate | O(filters below + steps of the transaction) |
//! | reopen | O(reopened nodes and their children), plus a sort of these |
//! | detach, set backing, set file, reopen, if nodes inherit from the parent and are not its children | a walk below the child |
//! | decide whether permissions conflict | O(1) for any number of parents; O(parents) to name the two in conflict |
//! | keep the graph free of cycles | O(1) for an edge that fits the present order, otherwise a search from both ends |
//! | attach, detach or move an edge to a quiesced node; begin, end a section | a walk to the nodes that become quiesced or stop being quiesced |
//! | begin, end a drain-all | O(1), plus one hook call for each driver |
//! | contexts | one comparison for an edge within a context, and for a node that is added to one; a walk over the component for an edge that joins two contexts, and for a move; a search for the nearest user for a node outside the main context that loses a parent |
//! | rollback, savepoint | O(steps undone), O(1) |
//! | `save`, `restore`, `clone_from`, `recompute`, `inconsistencies` | O(nodes + edges) |
//!
//! Measured on a virtual machine with 2 cores: attaching and detaching a user takes 0.2 µs for both, on a node with one
//! or 10,000 parents and on a chain of any length. A permission that changes down a chain takes 40–50 ns per node.
//! Inserting and dropping a filter takes 0.6 µs. A refusal takes 0.3 µs, or 0.5 µs with its text.
//! `specs/performance.md`
//! of the repository lists all cases beside QEMU's figures.
//!
//! A node takes less than 180 bytes and an edge less than 100, besides names (shared `Arc<str>`) and drivers. An
//! accepted
//! attach or detach allocates only when the arena grows. A refusal allocates one box.
//!
//! # Why not `petgraph` and a check?
//!
//! A check over a general graph would be correct but slow: every attach would recompute the cumulative permissions of
//! all nodes and compare every pair of parents. The check is also the smaller half of the problem. An operation that is
//! refused half way, by a rule or by a driver at the other end of a socket, must be undone exactly. This covers the
//! order of both lists of every edge, keys, names, permissions, and each driver that had already accepted.
//!
//! # What is not covered
//!
//! * Threads and requests: the graph determines in which context a node lives and when it must be quiet. The driver
//!   does
//!   its I/O in that context, and waits until no request is in flight.
//! * The migration protocol: the graph only knows which nodes are inactive.
//! * Sizes: the graph knows no sizes. A driver that must resize because of its alignment refuses in its permission
//!   check (P9).
//! * Rules that are not monotone (P10) are accepted, but then removing a parent can be refused.
//! * A leaked transaction (`mem::forget`) leaves the graph in an intermediate state until the next call that changes
//!   the graph undoes it.
//! * Running out of memory aborts the program, as everywhere in `alloc`.
//!
//! # Features
//!
//! * `serde` (default): saved graphs can be serialised.
//! * `open`: opening and creating images from trees of options, `json:` names, catalogues of drivers.
//! * `posix-locks`: the driver `posix::PosixFile`, on 64-bit Linux; elsewhere the feature adds nothing.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(all(feature = "posix-locks", target_os = "linux", target_pointer_width = "64"))]
extern crate std;

// The README's example is compiled and run as a doctest.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeDoctests;

mod activation;
mod commit_check;
pub mod common_users;
mod consistency;
mod context;
mod counters;
mod drain;
mod driver;
pub mod drivers;
mod error;
mod graph;
pub mod jobs;
mod journal;
mod op_kind;
pub mod open;
mod ops;
mod order;
mod pending_commit;
mod permission;
mod plan;
#[cfg(all(feature = "posix-locks", target_os = "linux", target_pointer_width = "64"))]
pub mod posix;
pub mod qemu;
mod refresh;
mod restore;
mod role;
mod rollback_guard;
mod rules;
mod save;
mod settle;
mod steps;
mod transaction;

pub use consistency::{Inconsistency, Recomputed};
pub use context::ContextId;
pub use driver::{Cause, ChildContext, Driver, DriverOption, MirrorPhase, Policy, Refusal, UnsupportedOption};
pub use drivers::Preset;
pub use error::{EdgeRef, Error, ErrorKind, Hook, NodeRef, StepError};
pub use graph::{EdgeIter, EdgeKey, EdgeView, Graph, NodeKey, NodeView, Parent, UserKey, UserView};
pub use op_kind::{Blocker, OpKind, OpKinds, UnknownOpKind};
pub use ops::{NodeSpec, Reopen, UserSpec};
pub use pending_commit::{PendingCommit, Refused};
pub use permission::{Grant, Pair, Permissions};
pub use plan::{Closed, Committed, Ejected, Plan, PlanStep};
pub use restore::RestoreError;
pub use role::{Role, Shape, Slot};
pub use rules::default_child_pair;
pub use save::{ParentIndex, SAVE_VERSION, SavedDriver, SavedEdge, SavedGraph, SavedNode, SavedUser};
pub use transaction::{Savepoint, Transaction};
