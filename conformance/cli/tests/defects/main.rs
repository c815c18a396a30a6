//! `blockgraph defects` and `blockgraph replay --with` as a process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../museum/tests/quick_rooms/mod.rs"]
mod quick_rooms;

mod command;
mod pages;
mod replay_with;
