//! Conventions that QEMU and this crate must share if both open the same image.

pub mod locks;
