//! The ends of jobs, tried on a copy of what a real daemon shows and then really done.

use super::live::{PATIENCE, chain, job_ends, job_is, look, must, shape};
use blockgraph_qemu::{Daemon, find};
use serde_json::{Value, json};

/// A job on `top → mid → base`.
struct Job {
    /// Its start.
    command: &'static str,
    arguments: Value,
    /// What to try: without its act.
    operation: &'static str,
    /// Does it go on copying until it is told to complete?
    copies: bool,
}

fn jobs() -> [Job; 4] {
    [
        Job {
            command: "block-commit",
            arguments: json!({"device": "top", "top-node": "mid", "base-node": "base"}),
            operation: "commit job=job top=mid base=base filter=flt",
            copies: false,
        },
        Job {
            command: "block-commit",
            arguments: json!({"device": "top", "base-node": "base"}),
            operation: "commit-active job=job top=top base=base filter=flt",
            copies: true,
        },
        Job {
            command: "blockdev-mirror",
            arguments: json!({"device": "top", "target": "ov", "sync": "full"}),
            operation: "mirror job=job source=top target=ov filter=flt",
            copies: true,
        },
        Job {
            command: "blockdev-backup",
            arguments: json!({"device": "top", "target": "ov", "sync": "full"}),
            operation: "backup job=job source=top target=ov filter=flt",
            copies: false,
        },
    ]
}

/// Starts the job, tries its end, ends it: what was said must be what is there then.
fn end(job: &Job, finish: bool) {
    let mut daemon = Daemon::start(&find().unwrap(), PATIENCE).unwrap();
    let folder = daemon.folder().to_owned();
    let client = &mut daemon.client;
    chain(client, &folder, false);
    let before = shape(&look(client).web);
    let mut arguments = job.arguments.clone();
    for (key, value) in [("job-id", json!("job")), ("filter-node-name", json!("flt")), ("auto-finalize", json!(false))]
    {
        arguments[key] = value;
    }
    must(client, job.command, arguments);
    job_is(client, if job.copies { "ready" } else { "pending" });
    let mut audit = look(client);
    assert_eq!(audit.findings, [], "{}", job.operation);
    let (verb, rest) = job.operation.split_once(' ').unwrap();
    let operation = format!("{verb} act={} {rest}", if finish { "finish" } else { "cancel" });
    audit.try_out(&operation).unwrap();
    let said = audit.tried[0].after.as_ref().unwrap_or_else(|| panic!("{operation}: {:?}", audit.tried));
    if finish {
        if job.copies {
            must(client, "job-complete", json!({"id": "job"}));
            job_is(client, "pending");
        }
        must(client, "job-finalize", json!({"id": "job"}));
    } else {
        must(client, "block-job-cancel", json!({"device": "job", "force": true}));
    }
    job_ends(client);
    let after = look(client);
    assert_eq!(after.findings, [], "{operation}");
    assert_eq!(shape(said), shape(&after.web), "{operation}");
    let is_as_before = shape(&after.web) == before;
    // A backup leaves nothing behind in the graph, however it ends.
    assert_eq!(is_as_before, !finish || verb == "backup", "{operation}");
}

#[test]
fn the_ends_of_jobs_come_true() {
    if find().is_none() {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    }
    for job in jobs() {
        end(&job, true);
        end(&job, false);
    }
}
