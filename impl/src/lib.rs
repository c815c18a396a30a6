//! A graph of storage nodes as QEMU's block layer has it: every edge says what its parent *needs* of the child and
//! what it lets the other parents do, every change of the graph is judged as a whole, and either takes effect or
//! leaves no trace, drivers included.
//!
//! Nodes are images, filters and protocols; root users are devices, exports and jobs. There is no I/O in here:
//! drivers are told about permissions through hooks, or the caller executes the steps of the plan himself. The
//! semantics are QEMU's, made atomic and total, written down in numbered sentences (`specs/` of the repository; P5,
//! V7 and the like in this documentation are these), and checked against a formal model.
//!
//! ```
//! use blockgraph::drivers::{Filter, Format, Protocol};
//! use blockgraph::{ErrorKind, Graph, NodeSpec, Pair, Permissions, Preset, Role};
//!
//! let mut graph: Graph<Preset> = Graph::new();
//!
//! // An image on a file, in one transaction.
//! let mut t = graph.transaction();
//! let file = t.add(NodeSpec::new("file"), Protocol.into())?;
//! let disk = t.add(NodeSpec::new("disk"), Format.into())?;
//! t.attach(disk, file, "file", Role::DATA | Role::METADATA | Role::PRIMARY)?;
//! t.commit()?;
//!
//! // A guest that writes, and wants nobody else to.
//! let alone = Pair::new(Permissions::READ | Permissions::WRITE, Permissions::READ);
//! let guest = graph.attach_user("guest", disk, alone, false)?;
//! let error = graph.attach_user("backup", disk, alone, false).unwrap_err();
//! assert!(matches!(error.kind(), ErrorKind::Conflict { .. }));
//! assert_eq!(
//!     error.to_string(),
//!     "Permission conflict on node 'disk': permissions 'write' are both required by block device 'backup' \
//!      (uses node 'disk' as 'root' child) and unshared by block device 'guest' (uses node 'disk' as 'root' child)."
//! );
//!
//! // A throttle goes in between; the guest is moved on top of it.
//! let throttle = graph.insert(NodeSpec::new("throttle"), Filter.into(), disk)?;
//! assert_eq!(graph.user_view(guest).map(|user| user.node()), Some(throttle));
//! assert!(graph.check().is_empty());
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! # Chains, jobs, reopening
//!
//! What a storage daemon does with images: overlays and snapshots, chains that are shortened and whose images store
//! the name of another backing file, jobs that block what would disturb them, and nodes reopened with other flags,
//! options and children, together with those that were opened for them.
//!
//! ```
//! use blockgraph::drivers::{Format, Protocol};
//! use blockgraph::{ErrorKind, Graph, NodeSpec, OpKind, OpKinds, Pair, Preset, Reopen, Role};
//!
//! let mut graph: Graph<Preset> = Graph::new();
//! let base = graph.add(NodeSpec::new("base"), Format.into())?;
//! let guest = graph.attach_user("guest", base, Pair::NOTHING, false)?;
//!
//! // Two overlays, one on the other; the guest is moved on top.
//! let [middle, top] = ["middle", "top"].map(|name| graph.add(NodeSpec::new(name), Format.into()));
//! let (middle, top) = (middle?, top?);
//! graph.snapshot_node(base, middle)?;
//! graph.snapshot_node(middle, top)?;
//! let file = graph.open_child(top, NodeSpec::new("file"), Protocol.into(), "file", Role::DATA | Role::PRIMARY)?;
//!
//! // A job that streams into the top wants nobody to resize it meanwhile.
//! graph.block(guest, OpKinds::RESIZE, "block device is in use by block job: stream")?;
//! let error = graph.check_op(top, OpKind::Resize).unwrap_err();
//! assert_eq!(error.to_string(), "Node 'top' is busy: block device is in use by block job: stream");
//! graph.unblock(guest, OpKinds::RESIZE)?;
//!
//! // The middle goes; the top stores the name of its new backing file.
//! graph.drop_intermediate(middle, base)?;
//! graph.delete(middle)?;
//! assert_eq!(graph.get(top).and_then(|top| top.stored_backing()).map(|name| &**name), Some("base"));
//!
//! // Read-only, and the file with it, because it was opened for the top.
//! graph.reopen(&[Reopen::new(top).keep(true).read_only(true)])?;
//! assert!(graph.get(file).is_some_and(|file| file.read_only()));
//! assert!(matches!(graph.delete(top).unwrap_err().kind(), ErrorKind::HasUser { .. }));
//! # Ok::<(), blockgraph::Error>(())
//! ```
//!
//! A [job](jobs) as a whole, say a mirror that replaces the disk of a running guest, is started and ended by one
//! operation each. What guests and exports [usually](common_users) ask for is there by name.
//!
//! # A driver of one's own
//!
//! ```
//! use blockgraph::{
//!     ChildContext, Driver, Graph, Grant, NodeSpec, NodeView, Pair, Permissions, Policy, Refusal,
//!     default_child_pair, drivers::Protocol,
//! };
//!
//! /// A cache: a filter on `file` that nobody may write behind, and that cannot change size.
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
//!     fn check(&mut self, _: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
//!         if new.pair.need.contains(Permissions::RESIZE) {
//!             return Err(Refusal::new("the cache cannot change size"));
//!         }
//!         Ok(())
//!     }
//!     fn set(&mut self, _: &NodeView<'_>, new: Grant) {
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
//! [`open`] adds a node, its file and what it refers to in one step, with drivers that are ready; with the feature `open`
//! images are opened and created from file names and options, by a catalogue of drivers that the caller has.
//!
//! # Image files that QEMU may have open as well
//!
//! What a graph knows of its own parents, another process does not. QEMU tells others by locking single bytes of an image file:
//! [`qemu::locks`] says which ones for a pair. With the feature `posix-locks`, on 64-bit Linux, `posix::PosixFile` is a
//! driver that opens an image file and takes these locks: whoever comes second is refused, be it QEMU or this crate.
//!
#![cfg_attr(
    all(feature = "posix-locks", target_os = "linux", target_pointer_width = "64"),
    doc = include_str!("posix/example.md")
)]
//! # What it costs
//!
//! Parents means the number of parent edges of the node concerned, children likewise. To every operation comes its
//! judgement, in proportion to what changes: the nodes whose cumulative pair becomes another one, and their
//! children. All else is not looked at, however large the graph.
//!
//! | operation | time |
//! |---|---|
//! | look up a node or user by name; attach, detach or change a user; hold, release; attach or detach a child, set backing, set file, add and remove a child in use; replace one edge; block, unblock; eject a driver | O(1), expected |
//! | add a node | O(1), expected |
//! | replace a node, drop a filter, append | O(parents + children), and a walk that ends at the parents' level |
//! | freeze, thaw | O(chain) |
//! | drop intermediate; start, finish, cancel a [job](jobs) | O(chain + parents) |
//! | delete, check op | O(parents) |
//! | open an image with drivers that are ready | as to add and attach its layers; if a node that is there is probed, O(its parents) |
//! | limits, displayed file name | O(nodes and edges below) |
//! | inactivate | O(what becomes inactive, its children, and the parents of these) |
//! | activate | O(what is below) |
//! | truncate | O(filters below + what the transaction has done) |
//! | reopen | O(what is reopened and its children), and a sort of these |
//! | detach, set backing, set file, reopen, if nodes inherit from the parent and are not its children | a walk below the child |
//! | the verdict on conflicts | O(1) for any number of parents; O(parents) to name the two in conflict |
//! | keeping the graph free of cycles | O(1) for an edge that fits the present order, else a search from both ends |
//! | attach, detach or move an edge to a quiesced node; begin, end a section | a walk to those who become quiesced, or cease to be |
//! | begin, end a drain-all | O(1), and a word to each driver |
//! | contexts | a comparison for an edge within one, and for a node that is put into one; a walk over the component for an edge that joins two, and for a move; for a node outside the main one that loses a parent a search for the nearest user |
//! | rollback, savepoint | O(what was done), O(1) |
//! | `snapshot`, `restore`, `clone_from`, `recompute`, `check` | O(nodes + edges) |
//!
//! On a 2-core virtual machine: attaching and detaching a user 0.2 µs for the two, on a node with one or 10,000
//! parents and on a chain of any length; a permission that changes down a chain 40–50 ns a node; inserting and
//! dropping a filter 0.6 µs; a refusal 0.3 µs, 0.5 µs with its text. All cases, and QEMU's figures beside them, are in
//! `specs/performance.md` of the repository.
//!
//! A node takes under 180 bytes, an edge under 100, besides names (shared `Arc<str>`) and drivers. An accepted attach
//! or detach allocates nothing but the growth of the arena; a refusal allocates its box.
//!
//! # Why not a `petgraph` and a check
//!
//! The check would be right and slow: cumulative permissions of all nodes for every attach, and every pair of
//! parents compared. And the check is the smaller half. An operation that is refused half way, by a rule or by a
//! driver on the other side of a socket, must be undone exactly: the order of both lists of every edge, keys, names,
//! permissions, and each driver that has agreed by then.
//!
//! # What is not covered
//!
//! Threads and requests: the graph says in which context a node is, and when it is to be quiet; a driver sees to it that
//! its I/O is done there, and waits until nothing is in flight. Of a migration the graph knows that nodes are
//! inactive, and nothing of the protocol. It knows no sizes; a driver that needs to resize for its alignment says so in
//! its `check` (P9). A rule that is not monotone (P10) is accepted, but then taking a parent away can be refused. Reading the graph after a leaked transaction (`mem::forget`) shows it half
//! done, until the next mutating call undoes it. Running out of memory aborts, as everywhere in `alloc`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(all(feature = "posix-locks", target_os = "linux", target_pointer_width = "64"))]
extern crate std;

mod activation;
mod check;
pub mod common_users;
mod context;
mod counters;
mod drain;
mod driver;
pub mod drivers;
mod error;
mod graph;
pub mod jobs;
mod journal;
mod judge;
mod judged;
mod op_kind;
pub mod open;
mod ops;
mod order;
mod permission;
mod plan;
#[cfg(all(feature = "posix-locks", target_os = "linux", target_pointer_width = "64"))]
pub mod posix;
pub mod qemu;
mod refresh;
mod restore;
mod role;
mod rules;
mod settle;
mod snapshot;
mod steps;
mod transaction;

pub use check::{Inconsistency, Recomputed};
pub use context::ContextId;
pub use driver::{Cause, ChildContext, Driver, DriverOption, MirrorPhase, Policy, Refusal, UnsupportedOption};
pub use drivers::Preset;
pub use error::{EdgeRef, Error, ErrorKind, Hook, NodeRef, StepError};
pub use graph::{EdgeIter, EdgeKey, EdgeView, Graph, NodeKey, NodeView, Parent, UserKey, UserView};
pub use judged::{Judged, Refused};
pub use op_kind::{Blocker, OpKind, OpKinds, UnknownOpKind};
pub use ops::{NodeSpec, Reopen, UserSpec};
pub use permission::{Grant, Pair, Permissions};
pub use plan::{Closed, Committed, Ejected, Plan, PlanStep};
pub use restore::RestoreError;
pub use role::{Role, Shape, Slot};
pub use rules::default_child_pair;
pub use snapshot::{DriverSnapshot, EdgeSnapshot, NodeSnapshot, ParentIndex, SNAPSHOT_VERSION, Snapshot, UserSnapshot};
pub use transaction::{Savepoint, Transaction};
