//! Image files shared with the real QEMU (K1 to K9): who comes second is refused, in the words of QEMU, whichever of the two that
//! is; and what changes while both are there changes without a gap.
#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[path = "locks/alone.rs"]
mod alone;
#[path = "locks/ours.rs"]
mod ours;
#[path = "locks/qemu.rs"]
mod qemu;
#[path = "locks/together.rs"]
mod together;

#[test]
#[ignore = "run by other tests, as a process of its own"]
fn hold_an_image() {
    let path = std::env::var_os(ours::HOLDER.1).expect("only other tests run this");
    ours::Holder::be(path.as_ref());
}
