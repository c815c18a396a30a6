//! The ends of jobs, forecast from what a real daemon shows and then executed.

use super::live::{PATIENCE, audit_daemon, chain, comparable_lines, execute_ok, wait_for_job_end, wait_for_job_status};
use blockgraph_qemu::{Daemon, find_daemon};
use serde_json::{Value, json};

/// A job on the chain `top → mid → base`.
struct Job {
    /// The command that starts the job.
    command: &'static str,
    arguments: Value,
    /// The operation to try, without its `act`.
    operation: &'static str,
    /// Whether the job keeps copying until `job-complete`.
    waits_for_completion: bool,
}

fn jobs() -> [Job; 4] {
    [
        Job {
            command: "block-commit",
            arguments: json!({"device": "top", "top-node": "mid", "base-node": "base"}),
            operation: "commit job=job top=mid base=base filter=flt",
            waits_for_completion: false,
        },
        Job {
            command: "block-commit",
            arguments: json!({"device": "top", "base-node": "base"}),
            operation: "commit-active job=job top=top base=base filter=flt",
            waits_for_completion: true,
        },
        Job {
            command: "blockdev-mirror",
            arguments: json!({"device": "top", "target": "ov", "sync": "full"}),
            operation: "mirror job=job source=top target=ov filter=flt",
            waits_for_completion: true,
        },
        Job {
            command: "blockdev-backup",
            arguments: json!({"device": "top", "target": "ov", "sync": "full"}),
            operation: "backup job=job source=top target=ov filter=flt",
            waits_for_completion: false,
        },
    ]
}

/// Starts the job, forecasts its end and ends it. The forecast must be the graph that QEMU shows afterwards.
fn check_job_end(job: &Job, finish: bool) {
    let mut daemon = Daemon::start(&find_daemon().unwrap(), PATIENCE).unwrap();
    let folder = daemon.folder().to_owned();
    let client = &mut daemon.client;
    chain(client, &folder, false);
    let before = comparable_lines(&audit_daemon(client).graph);
    let mut arguments = job.arguments.clone();
    for (key, value) in [("job-id", json!("job")), ("filter-node-name", json!("flt")), ("auto-finalize", json!(false))]
    {
        arguments[key] = value;
    }
    execute_ok(client, job.command, arguments);
    wait_for_job_status(client, if job.waits_for_completion { "ready" } else { "pending" });
    let mut audit = audit_daemon(client);
    assert_eq!(audit.findings, [], "{}", job.operation);
    let (verb, rest) = job.operation.split_once(' ').unwrap();
    let operation = format!("{verb} act={} {rest}", if finish { "finish" } else { "cancel" });
    audit.try_operations(&operation).unwrap();
    let forecast = audit.forecasts[0].after.as_ref().unwrap_or_else(|| panic!("{operation}: {:?}", audit.forecasts));
    if finish {
        if job.waits_for_completion {
            execute_ok(client, "job-complete", json!({"id": "job"}));
            wait_for_job_status(client, "pending");
        }
        execute_ok(client, "job-finalize", json!({"id": "job"}));
    } else {
        execute_ok(client, "block-job-cancel", json!({"device": "job", "force": true}));
    }
    wait_for_job_end(client);
    let after = audit_daemon(client);
    assert_eq!(after.findings, [], "{operation}");
    assert_eq!(comparable_lines(forecast), comparable_lines(&after.graph), "{operation}");
    let is_as_before = comparable_lines(&after.graph) == before;
    // A backup leaves the graph as it was, whether it finishes or is cancelled.
    assert_eq!(is_as_before, !finish || verb == "backup", "{operation}");
}

#[test]
fn forecasts_of_job_ends_are_correct() {
    if find_daemon().is_none() {
        println!("qemu-storage-daemon is not installed: nothing was tested");
        return;
    }
    for job in jobs() {
        check_job_end(&job, true);
        check_job_end(&job, false);
    }
}
