//! Image files shared with the real QEMU (K1 to K9): the second opener is refused with QEMU's message, in either order,
//! and locks change without a gap while both have the image open.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "locks/images.rs"]
mod images;
#[path = "locks/qemu.rs"]
mod qemu;
#[path = "locks/with_qemu.rs"]
mod with_qemu;
#[path = "locks/without_qemu.rs"]
mod without_qemu;

#[test]
#[ignore = "run by other tests, as a process of its own"]
fn hold_an_image() {
    let path = std::env::var_os(images::HOLDER.1).expect("only other tests run this");
    images::Holder::run(path.as_ref());
}
