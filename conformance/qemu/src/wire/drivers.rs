//! Which of our kinds a driver of QEMU is, and the roles of its children by their names (D4).

use crate::wire::names;
use blockgraph_model::{Kind, Role, Slot};

/// What a filter filters.
pub const FILTERED_CHILD: Role = Role(Role::FILTERED.0 | Role::PRIMARY.0);
/// An image's only file.
pub const IMAGE_FILE: Role = Role(Role::DATA.0 | Role::METADATA.0 | Role::PRIMARY.0);
/// An image's file, its data being elsewhere.
const METADATA_FILE: Role = Role(Role::METADATA.0 | Role::PRIMARY.0);
/// Data that is nobody's main child.
const DATA_CHILD: Role = Role::DATA;
/// Data and main child.
pub const PRIMARY_DATA: Role = Role(Role::DATA.0 | Role::PRIMARY.0);

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
pub fn supports_backing(driver: &str) -> bool {
    matches!(driver, "qcow2" | "qcow" | "qed" | "parallels")
}

/// The role of a child of that name; `split`: does the node keep its data in a file of its own? `None`: such a child is not
/// known.
pub fn role(kind: Kind, name: &str, has_data_file: bool) -> Option<Role> {
    Some(match (kind, name) {
        (Kind::Format, "file") => {
            if has_data_file {
                METADATA_FILE
            } else {
                IMAGE_FILE
            }
        }
        (Kind::Format, "data-file") => DATA_CHILD,
        (Kind::Format, "backing") => Role::COW,
        (Kind::Raw, "file") => FILTERED_CHILD,
        (Kind::SnapshotAccess, "file") => PRIMARY_DATA,
        (Kind::CopyBeforeWrite, "target") => DATA_CHILD,
        (Kind::Quorum, name) if name.starts_with("children.") => DATA_CHILD,
        (Kind::Blkverify, "test") => DATA_CHILD,
        (Kind::Blkverify, "raw") | (Kind::Blkdebug, "image") => FILTERED_CHILD,
        (kind, "file") if kind.filter_slot().is_some() => FILTERED_CHILD,
        (kind, "backing") if kind.filter_slot() == Some(Slot::Backing) => FILTERED_CHILD,
        _ => return None,
    })
}

/// The other role that a child may have, which only its pair shows: that of `raw` with an offset or a size.
pub fn alternative_role(kind: Kind, role: Role) -> Option<Role> {
    (kind == Kind::Raw && role == FILTERED_CHILD).then_some(PRIMARY_DATA)
}
