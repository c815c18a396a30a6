//! Turns that need a command, key or driver which a QEMU does not have are not played.

use blockgraph_qemu::daemon::schema::Schema;
use blockgraph_qemu::episodes::run::{Options, Report, run_with};
use blockgraph_qemu::session::DaemonSetup;
use blockgraph_qemu::{Daemon, Reply, find_daemon};
use serde_json::json;
use std::time::Duration;

fn options(ops: u64) -> Option<Options> {
    let Some(program) = find_daemon() else {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return None;
    };
    let patience = Duration::from_secs(5);
    // Differences are the subject of other tests; here all turns must be played, so the run does not stop at one.
    Some(Options { seed: 1, ops, threads: 2, program, patience, keep: 0, survey: true })
}

fn play(options: &Options, setup: &DaemonSetup) -> Report {
    run_with(options, setup, &|_| {}).unwrap()
}

/// Returns how many turns of this verb were played.
fn played(report: &Report, verb: &str) -> u64 {
    report.counts.matrix.iter().filter(|((row, _), _)| *row == verb).map(|(_, count)| count).sum()
}

/// The schema of the reference version contains everything that the turns need.
#[test]
fn the_reference_version_knows_all_turns() {
    let Some(options) = options(1_500) else { return };
    let setup = DaemonSetup::make(&options.program, options.patience).unwrap();
    if setup.version != blockgraph_qemu::REFERENCE_VERSION {
        println!("this is QEMU {}: nothing was tested", setup.version);
        return;
    }
    assert_eq!(setup.schema.first_missing("blockdev-set-active", &json!({"active": true})), None);
    let report = play(&options, &setup);
    assert!(report.counts.lacking.is_empty(), "{:?}", report.counts.lacking);
    assert!(report.counts.ops >= 1_500);
    assert!(played(&report, "inactivate") > 0);
}

/// Returns the schema of this QEMU without some commands, keys and drivers that older versions lack.
fn older_schema(options: &Options) -> Schema {
    let mut daemon = Daemon::start(&options.program, options.patience).unwrap();
    let Ok(Reply::Done(mut schema)) = daemon.client.execute("query-qmp-schema", &json!({})) else {
        panic!("no schema")
    };
    let entries = schema.as_array_mut().unwrap();
    entries
        .retain(|entry| !["blockdev-set-active", "x-blockdev-set-iothread"].contains(&entry["name"].as_str().unwrap()));
    for list in entries.iter_mut().filter_map(|entry| entry.get_mut("members")?.as_array_mut()) {
        list.retain(|member| !["active", "allow-inactive", "snapshot-access"].iter().any(|new| member["name"] == *new));
    }
    for list in entries.iter_mut().filter_map(|entry| entry.get_mut("values")?.as_array_mut()) {
        list.retain(|word| word != "snapshot-access");
    }
    Schema::parse(&schema).unwrap()
}

/// None of that is sent, and the report counts what was lacking.
#[test]
fn turns_unknown_to_an_older_version_are_not_played() {
    let Some(options) = options(1_000) else { return };
    let mut setup = DaemonSetup::make(&options.program, options.patience).unwrap();
    setup.schema = older_schema(&options);
    let report = play(&options, &setup);
    let lacking = &report.counts.lacking;
    for what in [
        "blockdev-set-active",
        "x-blockdev-set-iothread",
        "blockdev-add: active",
        "blockdev-add: driver=snapshot-access",
        "block-export-add: allow-inactive",
    ] {
        assert!(lacking.get(what).is_some_and(|count| *count > 0), "{what}: {lacking:?}");
    }
    for verb in ["inactivate", "activate", "move-context"] {
        assert_eq!(played(&report, verb), 0, "{verb}");
    }
    assert!(played(&report, "add") > 0 && played(&report, "attach-user") > 0);
    assert!(report.counts.ops >= 1_000);
}
