//! Which of our kinds a driver of QEMU is, and the roles of its children by their names (D4).

use crate::wire::names;
use blockgraph_model::{Kind, Role, Slot};

/// What a filter filters.
pub const FILTERED: Role = Role(Role::FILTERED.0 | Role::PRIMARY.0);
/// An image's only file.
pub const IMAGE: Role = Role(Role::DATA.0 | Role::METADATA.0 | Role::PRIMARY.0);
/// An image's file, its data being elsewhere.
const METADATA: Role = Role(Role::METADATA.0 | Role::PRIMARY.0);
/// Data that is nobody's main child.
const DATA: Role = Role::DATA;
/// Data and main child.
pub const DISK: Role = Role(Role::DATA.0 | Role::PRIMARY.0);

/// Bottoms of chains, besides the one that [`words`] knows.
const PROTOCOLS: [&str; 22] = [
    "blkio",
    "ftp",
    "ftps",
    "gluster",
    "host_cdrom",
    "host_device",
    "http",
    "https",
    "io_uring",
    "iscsi",
    "nbd",
    "nfs",
    "null-aio",
    "nvme",
    "nvme-io_uring",
    "rbd",
    "sheepdog",
    "ssh",
    "virtio-blk-vfio-pci",
    "virtio-blk-vhost-user",
    "virtio-blk-vhost-vdpa",
    "vxhs",
];

/// The kind of a driver; `None`: it is not known, and its pairs are taken as they are seen.
pub fn kind(driver: &str) -> Option<Kind> {
    names::kind(driver).or_else(|| {
        Some(match driver {
            "compress" | "blkreplay" => Kind::Filter,
            "qcow" | "qed" | "parallels" | "vdi" | "vhdx" | "vpc" | "bochs" | "cloop" | "dmg" => Kind::Format,
            other if PROTOCOLS.contains(&other) => Kind::Protocol,
            _ => return None,
        })
    })
}

/// Of a format: can it have a backing image in QEMU? All formats of the model can.
pub fn has_backing(driver: &str) -> bool {
    matches!(driver, "qcow2" | "qcow" | "qed" | "parallels")
}

/// The role of a child of that name; `split`: does the node keep its data in a file of its own? `None`: such a child is not
/// known.
pub fn role(kind: Kind, name: &str, split: bool) -> Option<Role> {
    Some(match (kind, name) {
        (Kind::Format, "file") => {
            if split {
                METADATA
            } else {
                IMAGE
            }
        }
        (Kind::Format, "data-file") => DATA,
        (Kind::Format, "backing") => Role::COW,
        (Kind::Raw, "file") => FILTERED,
        (Kind::SnapshotAccess, "file") => DISK,
        (Kind::CopyBeforeWrite, "target") => DATA,
        (Kind::Quorum, name) if name.starts_with("children.") => DATA,
        (Kind::Blkverify, "test") => DATA,
        (Kind::Blkverify, "raw") | (Kind::Blkdebug, "image") => FILTERED,
        (kind, "file") if kind.filter_slot().is_some() => FILTERED,
        (kind, "backing") if kind.filter_slot() == Some(Slot::Backing) => FILTERED,
        _ => return None,
    })
}

/// The other role that a child may have, which only its pair shows: that of `raw` with an offset or a size.
pub fn other_role(kind: Kind, role: Role) -> Option<Role> {
    (kind == Kind::Raw && role == FILTERED).then_some(DISK)
}
