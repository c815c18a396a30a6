//! Anything in any order, stale names included, on model and crate.
#![no_main]

use blockgraph_story::counterexample;
use blockgraph_check::fuzz::byte_story::Told;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|told: Told<true>| {
    if let Some(found) = told.0.play() {
        // A scenario that `blockgraph replay` plays; it says itself what differs.
        panic!("model and crate differ:\n{}", counterexample::text(&found.story, &found.what));
    }
});
