//! The pairs that exports and guest devices usually have (J8).
//!
//! Each pair is exactly what its user needs and shares; a user with other requirements has another pair. All of them
//! share [`GRAPH_MOD`](crate::Permissions::GRAPH_MOD).
//!
//! | | guest | guest with `share-rw` | NBD | vhost-user-blk |
//! |---|---|---|---|---|
//! | only reads | [`GUEST_READER`] | [`SHARED_GUEST_READER`] | [`NBD_READER`] | [`VHOST_USER_READER`] |
//! | writes | [`GUEST`] | [`SHARED_GUEST`] | [`NBD_WRITER`] | [`VHOST_USER_WRITER`] |
//! | lets others write | no | yes | yes | yes |
//! | lets others resize | no | yes | no | yes |
//!
//! All of them let others read. So two of them conflict on one node exactly if one writes and the other is a guest
//! without `share-rw`.
//!
//! The modules [`spdk`] and [`windows`] express other permission systems as pairs.
//!
//! ```
//! use blockgraph::common_users;
//!
//! // A guest and an export of its disk that only reads; but not one that writes, unless the guest shares its disk.
//! assert!(!common_users::GUEST.conflicts_with(common_users::NBD_READER));
//! assert!(common_users::GUEST.conflicts_with(common_users::NBD_WRITER));
//! assert!(!common_users::SHARED_GUEST.conflicts_with(common_users::NBD_WRITER));
//! ```

pub mod spdk;
pub mod windows;

use crate::permission::{Pair, Permissions};

const READ: Permissions = Permissions::READ;
const READ_WRITE: Permissions = READ.union(Permissions::WRITE);
/// R, U and G.
const NO_WRITING: Permissions = READ.union(Permissions::WRITE_UNCHANGED).union(Permissions::GRAPH_MOD);
/// R, W, U and G.
const NO_RESIZING: Permissions = NO_WRITING.union(Permissions::WRITE);

/// An NBD export that only reads: R; shares all but resizing (QEMU: `nbd_export_create`).
pub const NBD_READER: Pair = Pair::new(READ, NO_RESIZING);
/// A writable NBD export: R and W; shares all but resizing.
pub const NBD_WRITER: Pair = Pair::new(READ_WRITE, NO_RESIZING);
/// A vhost-user-blk export that only reads: R; shares all (QEMU: `vu_blk_exp_create`).
pub const VHOST_USER_READER: Pair = Pair::new(READ, Permissions::ALL);
/// A writable vhost-user-blk export: R and W; shares all.
pub const VHOST_USER_WRITER: Pair = Pair::new(READ_WRITE, Permissions::ALL);
/// A guest device that cannot be written to: R; shares neither writing nor resizing (QEMU:
/// `blkconf_apply_backend_options`).
pub const GUEST_READER: Pair = Pair::new(READ, NO_WRITING);
/// A guest device: R and W; shares neither writing nor resizing.
pub const GUEST: Pair = Pair::new(READ_WRITE, NO_WRITING);
/// A guest device with `share-rw` that cannot be written to: R; shares all.
pub const SHARED_GUEST_READER: Pair = Pair::new(READ, Permissions::ALL);
/// A guest device with `share-rw`, which lets others write to its disk: R and W; shares all.
pub const SHARED_GUEST: Pair = Pair::new(READ_WRITE, Permissions::ALL);
