//! The pages of `specs/theorems/`: every claim and every figure on them is computed here.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "tests, and what their helpers cannot do fails them"
)]

mod loosening;
mod page;
mod reopen_order;
mod rollback;
mod story;
mod topological;

use std::path::{Path, PathBuf};

/// A page of the folder.
fn theorem(page: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/theorems").join(page)
}
