//! Tests with the real QEMU.

use crate::images::{
    Holder, Image, READ, READER, READER_WITHOUT_WRITERS, WRITE, WRITER, byte_in_use, open_format, saved,
};
use crate::qemu::{self, Daemon};
use blockgraph::{Graph, Hook, NodeSpec, Permissions, UserSpec, common_users};
use serde_json::json;

/// Skips the rest of a test if QEMU is not installed, and prints so.
macro_rules! needs_qemu {
    ($test:literal) => {
        if !qemu::is_installed($test) {
            return;
        }
    };
}

#[test]
fn qemu_is_refused_what_the_crate_holds() {
    needs_qemu!("qemu_is_refused_what_the_crate_holds");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    let (mut graph, node) = image.graph();
    let guest = graph.attach_user("guest", node, common_users::GUEST, false).unwrap();
    assert_eq!(image.held(), [100, 101, 201, 203]);

    let info = qemu::img(&["info", image.text()]);
    let output = String::from_utf8(info.stderr).unwrap();
    assert!(!info.status.success());
    assert!(output.contains("Failed to get shared \"write\" lock") && output.contains(&image.hint()), "{output}");
    // Force-share needs less and succeeds.
    let info = qemu::img(&["info", "-U", image.text()]);
    assert!(info.status.success(), "{info:?}");

    let refused = daemon.add_qcow2("disk", &image.path).unwrap_err();
    assert_eq!(refused, "Failed to get \"write\" lock");
    assert_eq!(image.held(), [100, 101, 201, 203]);
    graph.detach_user(guest).unwrap();
    daemon.add_qcow2("disk", &image.path).unwrap();
}

#[test]
fn the_crate_is_refused_what_qemu_holds() {
    needs_qemu!("the_crate_is_refused_what_qemu_holds");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_qcow2("disk", &image.path).unwrap();
    let theirs = image.held();
    assert_eq!(theirs, [100, 101, 103, 201, 203]);

    // For an existing node.
    let (mut graph, node) = image.graph();
    let before = saved(&graph);
    let error = graph.attach_user("guest", node, common_users::GUEST, false).unwrap_err();
    assert_eq!(error.to_string(), format!("Failed to get \"write\" lock\n{}", image.hint()));
    assert_eq!(byte_in_use(&error), 101);
    assert!(matches!(error.kind(), blockgraph::ErrorKind::Refused { hook: Hook::Check, .. }));
    assert_eq!(saved(&graph), before);
    let error = graph.attach_user("backup", node, READER_WITHOUT_WRITERS, false).unwrap_err();
    assert_eq!(error.to_string(), format!("Failed to get shared \"write\" lock\n{}", image.hint()));
    assert_eq!((byte_in_use(&error), saved(&graph)), (201, before));

    // For nodes added in the same transaction.
    let mut graph: Graph = Graph::new();
    let before = graph.save_with(|_, driver| driver.name().to_owned());
    let error = open_format(&mut graph, &image.path).unwrap_err();
    assert!(error.to_string().contains(&image.hint()), "{error}");
    assert_eq!(byte_in_use(&error), 101);
    assert_eq!(graph.save_with(|_, driver| driver.name().to_owned()), before);
    assert_eq!(image.held(), theirs);

    daemon.delete("disk");
    open_format(&mut graph, &image.path).unwrap();
    assert_eq!(image.held(), theirs, "what a format needs of its file is the same on both sides");
}

#[test]
fn readers_of_both_sides_are_at_one_image_together() {
    needs_qemu!("readers_of_both_sides_are_at_one_image_together");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_file("file", &image.path, true);
    daemon.add_debug("reader", "file", &["consistent-read"], &["write"]).unwrap();
    let (mut graph, node) = image.graph_as(NodeSpec::new("file").read_only(true));
    graph.attach_user("backup", node, READER_WITHOUT_WRITERS, false).unwrap();
    assert_eq!(image.held(), [100, 201]);
    let info = qemu::img(&["info", image.text()]);
    assert!(info.status.success(), "{info:?}");
    // Neither side shares writing.
    daemon.add_file("writable", &image.path, false);
    let refused = daemon.add_debug("writer", "writable", &["write"], &[]).unwrap_err();
    assert_eq!(refused, "Failed to get \"write\" lock");
}

#[test]
fn a_reader_of_ours_becomes_a_writer_and_a_reader_again_while_qemu_reads() {
    needs_qemu!("a_reader_of_ours_becomes_a_writer_and_a_reader_again_while_qemu_reads");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_file("file", &image.path, true);
    daemon.add_debug("reader", "file", &["consistent-read"], &[]).unwrap();
    let (mut graph, node) = image.graph();
    let user = graph.attach_user("user", node, READER, false).unwrap();
    graph.set_user(user, WRITER).unwrap();
    assert_eq!(image.held(), [100, 101]);
    graph.set_user(user, READER).unwrap();
    assert_eq!(image.held(), [100]);

    // Now QEMU does not share writing.
    daemon.delete("reader");
    daemon.add_debug("reader", "file", &["consistent-read"], &["write"]).unwrap();
    let before = saved(&graph);
    let error = graph.set_user(user, WRITER).unwrap_err();
    assert_eq!((byte_in_use(&error), saved(&graph)), (101, before));
    assert_eq!(image.held(), [100, 201]);
    daemon.delete("reader");
    graph.set_user(user, WRITER).unwrap();
}

#[test]
fn a_node_of_ours_is_reopened_while_qemu_reads() {
    needs_qemu!("a_node_of_ours_is_reopened_while_qemu_reads");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_file("file", &image.path, true);
    daemon.add_debug("reader", "file", &["consistent-read"], &[]).unwrap();
    let (mut graph, node) = image.graph_as(NodeSpec::new("file").read_only(true));
    let user = graph.attach_user("user", node, READER, false).unwrap();
    for _ in 0..2 {
        let mut t = graph.transaction();
        t.set_read_only(node, false).unwrap();
        t.set_user(user, WRITER).unwrap();
        t.commit().unwrap();
        assert_eq!(graph.driver(node).unwrap().held().pair(), WRITER);
        std::os::unix::fs::FileExt::write_all_at(graph.driver(node).unwrap().file(), b"x", 4_000).unwrap();
        let mut t = graph.transaction();
        t.set_user(user, READER).unwrap();
        t.set_read_only(node, true).unwrap();
        t.commit().unwrap();
        assert_eq!(graph.driver(node).unwrap().held().pair(), READER);
        std::os::unix::fs::FileExt::write_all_at(graph.driver(node).unwrap().file(), b"x", 4_000).unwrap_err();
    }
    // After the refusal the node, its locks and its descriptor are unchanged.
    daemon.delete("reader");
    daemon.add_debug("reader", "file", &["consistent-read"], &["write"]).unwrap();
    let before = saved(&graph);
    let mut t = graph.transaction();
    t.set_read_only(node, false).unwrap();
    t.set_user(user, WRITER).unwrap();
    assert_eq!(byte_in_use(&t.commit().unwrap_err()), 101);
    assert_eq!((saved(&graph), image.held()), (before, vec![100, 201]));
}

#[test]
fn a_crash_of_either_side_frees_the_image_for_the_other() {
    needs_qemu!("a_crash_of_either_side_frees_the_image_for_the_other");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_qcow2("disk", &image.path).unwrap();
    let (mut graph, node) = image.graph();
    graph.attach_user("guest", node, common_users::GUEST, false).unwrap_err();
    daemon.kill();
    let guest = graph.attach_user("guest", node, common_users::GUEST, false).unwrap();
    graph.detach_user(guest).unwrap();

    let holder = Holder::start(&image.path);
    let mut daemon = Daemon::start(image.dir.path());
    assert_eq!(daemon.add_qcow2("disk", &image.path).unwrap_err(), "Failed to get \"write\" lock");
    holder.kill();
    daemon.add_qcow2("disk", &image.path).unwrap();
}

#[test]
fn force_share_reads_beside_a_writer_on_either_side() {
    needs_qemu!("force_share_reads_beside_a_writer_on_either_side");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_qcow2("disk", &image.path).unwrap();
    // A format above a read-only file does not share writing, unless the file is force-share (P8).
    for force_share in [false, true] {
        let mut graph: Graph = Graph::new();
        let file = blockgraph::posix::PosixFile::open(&image.path, true).unwrap();
        let spec = NodeSpec::new("file").read_only(true).force_share(force_share);
        let file = graph.add(spec, Box::new(file)).unwrap();
        let disk = graph.add(NodeSpec::new("disk").read_only(true), Box::new(blockgraph::drivers::Format)).unwrap();
        let role = blockgraph::Role::DATA | blockgraph::Role::METADATA | blockgraph::Role::PRIMARY;
        let attached = graph.attach(disk, file, "file", role);
        assert_eq!(attached.is_ok(), force_share);
        if let Err(error) = attached {
            assert_eq!(byte_in_use(&error), 201);
        }
    }
    daemon.kill();

    // A user's own share counts on both sides, force-share or not.
    let mut daemon = Daemon::start(image.dir.path());
    let force = json!({ "driver": "file", "node-name": "file", "filename": image.path, "read-only": true, "force-share": true });
    daemon.done("blockdev-add", force);
    let socket = json!({ "type": "unix", "data": { "path": image.dir.path().join("nbd") } });
    daemon.done("nbd-server-start", json!({ "addr": socket }));
    daemon.done("block-export-add", json!({ "type": "nbd", "id": "export", "node-name": "file" }));
    let theirs = image.held();
    daemon.kill();
    let (mut graph, node) = image.graph_as(NodeSpec::new("file").read_only(true).force_share(true));
    graph.attach_user("export", node, common_users::NBD_READER, false).unwrap();
    assert_eq!((image.held(), theirs), (vec![100, 203], vec![100, 203]));
}

#[test]
fn an_inactive_node_leaves_the_image_to_qemu() {
    needs_qemu!("an_inactive_node_leaves_the_image_to_qemu");
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    let (mut graph, node) = image.graph();
    graph.attach_user_as(UserSpec::new("guest", common_users::GUEST).may_inactivate(true), node).unwrap();
    graph.inactivate(node).unwrap();
    assert_eq!(image.held(), [0_i64; 0]);
    daemon.add_qcow2("disk", &image.path).unwrap();
    let before = saved(&graph);
    let error = graph.activate(node).unwrap_err();
    assert_eq!((byte_in_use(&error), saved(&graph)), (101, before));
    daemon.delete("disk");
    graph.activate(node).unwrap();
    assert_eq!(image.held(), [100, 101, 201, 203]);
}

/// QEMU is the oracle for all pairs: it takes and unshares the given permissions, and this crate comes second. Exactly
/// the conflicting pairs are refused.
#[test]
fn any_pair_beside_any_pair_of_qemu() {
    needs_qemu!("any_pair_beside_any_pair_of_qemu");
    const WORDS: [(Permissions, &str); 4] = [
        (READ, "consistent-read"),
        (WRITE, "write"),
        (Permissions::WRITE_UNCHANGED, "write-unchanged"),
        (Permissions::RESIZE, "resize"),
    ];
    let image = Image::new();
    let mut daemon = Daemon::start(image.dir.path());
    daemon.add_file("file", &image.path, false);
    let (mut graph, node) = image.graph();
    let set = |bits: u8| Permissions::from_bits_truncate(bits);
    let words = |set: Permissions| -> Vec<_> {
        WORDS.iter().filter(|(bit, _)| set.contains(*bit)).map(|(_, word)| *word).collect()
    };
    let (mut refused, mut accepted) = (0, 0);
    for (need, unshare) in (0..16).flat_map(|need| (0..16).map(move |unshare| (set(need), set(unshare)))) {
        daemon.add_debug("theirs", "file", &words(need), &words(unshare)).unwrap();
        let theirs = blockgraph::Pair::new(need, Permissions::ALL - unshare);
        assert_eq!(image.held(), offsets(theirs));
        for (need, unshare) in (0..16).flat_map(|need| (0..16).map(move |unshare| (set(need), set(unshare)))) {
            let ours = blockgraph::Pair::new(need, Permissions::ALL - unshare);
            match graph.attach_user("ours", node, ours, false) {
                Ok(user) => {
                    assert!(!ours.conflicts_with(theirs), "{ours:?} {theirs:?}");
                    graph.detach_user(user).unwrap();
                    accepted += 1;
                }
                Err(error) => {
                    assert!(ours.conflicts_with(theirs), "{ours:?} {theirs:?}: {error}");
                    byte_in_use(&error);
                    refused += 1;
                }
            }
        }
        daemon.delete("theirs");
    }
    assert_eq!((accepted, refused), (9_u32.pow(4), 16_u32.pow(4) - 9_u32.pow(4)));
}

fn offsets(pair: blockgraph::Pair) -> Vec<i64> {
    let set = blockgraph::qemu::locks::LockSet::of(pair);
    set.bytes().map(|byte| i64::try_from(byte.offset()).unwrap()).collect()
}
