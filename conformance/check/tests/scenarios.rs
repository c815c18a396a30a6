//! Every story in `specs/scenarios` comes out as written: on the model, and on model and crate side by side.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

use blockgraph_check::stages::{Side, stage};
use blockgraph_story::text::{Item, json, parse};
use std::fs;
use std::path::PathBuf;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../specs/scenarios")
}

/// Plays a file and returns what did not come out, one line each.
fn faults(story: &str, side: Option<Side>) -> Vec<String> {
    let file = format!("{story}.scenario");
    let text = fs::read_to_string(folder().join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (scenario, lines) = parse(&text).unwrap_or_else(|problem| panic!("{file}:{problem}"));
    let mut stage = stage(side);
    let mut found = Vec::new();
    for (item, line) in scenario.items.iter().zip(lines) {
        if let Item::Step(step) = item {
            let report = stage.play(step, &scenario.names).unwrap();
            found.extend(report.faults.into_iter().map(|fault| format!("{file}:{line}: {fault}")));
        }
    }
    found
}

fn story(name: &str) {
    let name = name.replace('_', "-");
    for on in [Some(Side::Model), Some(Side::Impl), None] {
        let found = faults(&name, on);
        assert!(found.is_empty(), "on {on:?}:\n{}", found.join("\n"));
    }
}

/// One test for each file, and the list of them.
macro_rules! stories {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            story(stringify!($name));
        })*

        const STORIES: &[&str] = &[$(stringify!($name)),*];
    };
}

stories! {
    a3_wanted
    a4_jobs
    c2_settling
    c3_orphans
    h01_option_flip
    h01_short_cut
    h02_from_is_refreshed
    h02_parallel_exclusive_write
    h02_two_ways_down
    h03_append_greedy_filter
    h04_diamond
    h04_update_perm_tree
    h07_set_backing
    h08_drop_filter
    h08b_childless_filter
    h09_a_direct
    h09_b_indirect
    h10_cycles
    h14_replace_node
    h15_drop_intermediate
    h16_new_flag
    h17_after_the_change
    h24_inactive_writers
    h30_reopen_order
    h33_freeze
    h34_attach_contexts
    h35_other_parents
    h37_moved_in_quiet
    h40_drain_once
    h42_attach_to_drained
    h44_drain_all
    h47_stream_base
    h61_on_qemu
    h61_reopen_twice
    h62_list_order
    h62_on_qemu
    h63_on_qemu
    h63_snapshot_inactive
    l1_holders
    l2_doomed_nodes
    l3_no_driver
    l4_blockers
    n1_mirror
    n2_quorum
    n3_snapshot
    o01_add
    o02_release
    o03_attach_user
    o04_detach_user
    o05_set_user
    o06_attach
    o07_detach
    o08_set_backing
    o09_set_file
    o10_replace_node
    o11_replace_child
    o12_append
    o13_insert
    o14_drop_filter
    o15_freeze
    o16_thaw
    o17_set_option
    o18_set_read_only
    o19_transaction
    o20_hold
    o21_delete
    o22_eject
    o23_open_child
    o24_drop_intermediate
    o25_reopen
    o26_snapshot
    o27_block
    o28_unblock
    o29_check_op
    o30_check_replace
    o31_drain
    o33_drain_all
    o35_move_context
    o36_inactivate
    o37_activate
    o38_truncate
    o39_quorum_children
    o41_open
    o42_stream
    o43_commit
    o44_commit_active
    o45_mirror
    o46_backup
    p6_filters
    p6_formats
    p6_jobs
    p9_alignment
    q1_quiesce_counts
    r1_reopen_queue
    r3_implicit
    r4_order
    s1_list_orders
    s5_auto_skip
    s6_stored_name
    s8_inherits
    v7_hooks
}

#[test]
fn every_file_has_its_test() {
    let mut files: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .map(|name| name.strip_suffix(".scenario").unwrap_or(&name).replace('-', "_"))
        .collect();
    files.sort_unstable();
    assert_eq!(files, STORIES);
}

/// The examples in the specification can be played.
#[test]
fn the_examples_of_the_document_hold() {
    let document = include_str!("../../../specs/scenarios.md");
    let blocks = |kind: &str| {
        let start = format!("```{kind}\n");
        let blocks = document.split(&start).skip(1);
        blocks.filter_map(|rest| rest.split("```").next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let stories = blocks("text").into_iter().map(|text| parse(&text).unwrap().0);
    let objects = blocks("json").into_iter().map(|text| json::parse(&text).unwrap());
    let all: Vec<_> = stories.chain(objects).collect();
    assert_eq!(all.len(), 3);
    for scenario in all {
        let mut stage = stage(None);
        for step in scenario.steps() {
            assert_eq!(stage.play(step, &scenario.names).unwrap().faults, Vec::<String>::new());
        }
    }
}
