//! Operations that mostly make sense, on model and crate: answer, plan, whole graph and the crate's own check after each.
#![no_main]

use blockgraph_story::counterexample;
use blockgraph_check::fuzz::byte_story::FuzzInput;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: FuzzInput<false>| {
    if let Some(found) = input.0.play() {
        // A scenario that `blockgraph replay` plays; it says itself what differs.
        panic!("model and crate differ:\n{}", counterexample::text(&found.story, &found.what));
    }
});
