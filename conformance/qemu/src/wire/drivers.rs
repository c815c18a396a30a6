//! Maps QEMU's drivers to kinds of the model, and the names of their children to roles (D4).

use crate::wire::names;
use blockgraph_model::{Kind, Role, Slot};

/// The role of a filter's filtered child.
pub const FILTERED_CHILD: Role = Role(Role::FILTERED.0 | Role::PRIMARY.0);
/// The role of an image's file that holds both data and metadata.
pub const IMAGE_FILE: Role = Role(Role::DATA.0 | Role::METADATA.0 | Role::PRIMARY.0);
/// The role of an image's file if the data is in another file.
const METADATA_FILE: Role = Role(Role::METADATA.0 | Role::PRIMARY.0);
/// The role of a child that holds data and is not the primary child.
const DATA_CHILD: Role = Role::DATA;
/// The role of a primary child that holds data.
pub const PRIMARY_DATA: Role = Role(Role::DATA.0 | Role::PRIMARY.0);

/// The drivers of protocols, apart from those that [`names::kind`] knows.
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

/// Returns the kind of a driver; `None` if the driver is not known, so that its pairs cannot be derived.
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

/// Returns whether images of a format can have a backing image in QEMU. In the model those of all formats can.
pub fn supports_backing(driver: &str) -> bool {
    matches!(driver, "qcow2" | "qcow" | "qed" | "parallels")
}

/// Returns the role of a child with that name; `None` if such a child is not known. `has_data_file` is whether the node
/// keeps its data in a file of its own.
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

/// Returns the other role that such a child may have: that of `raw` with an offset or a size. Only the pair shows which
/// of the two it is.
pub fn alternative_role(kind: Kind, role: Role) -> Option<Role> {
    (kind == Kind::Raw && role == FILTERED_CHILD).then_some(PRIMARY_DATA)
}
