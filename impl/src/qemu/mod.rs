//! What QEMU and this crate have to agree on when both are at one image.

pub mod locks;
