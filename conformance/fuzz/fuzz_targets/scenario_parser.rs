//! Any text: it is refused with a place, or prints and parses back to the same, and plays on model and crate alike.
#![no_main]

use blockgraph_check::fuzz::byte_story;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Err(wrong) = byte_story::check_scenario(text) {
        panic!("{wrong}");
    }
});
