//! Anything in any order, stale names included, on model and crate.
#![no_main]

use blockgraph_story::counterexample;
use blockgraph_check::fuzz::byte_story::FuzzInput;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: FuzzInput<true>| {
    if let Some(found) = input.0.play() {
        // A scenario that `blockgraph replay` plays; it says itself what differs.
        panic!("model and crate differ:\n{}", counterexample::text(&found.story, &found.what));
    }
});
