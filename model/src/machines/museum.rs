//! What the museum explores: the facets of the machines on trial.

use super::{Recursive, Reopening, Repairs, Transactional, Trial};
use crate::menu::Facet;
use crate::op::{Context, Entry, Kind, NodeId, Opt, Queue, Role, Spec, Ways};
use crate::perm::{ALL, NONE, Pair, R, W, Z};
use crate::scopes::{
    BACKING, BACKING_FILTER, BLANK, EXCLUSIVE, FILE, FILTER, FILTERED, FORMAT, NO_PERMISSION, OTHER, PROTOCOL, STORAGE,
    but,
};

/// Permissions flow down and meet: the walk of seed 0, the topological list of seed 1.
fn walks(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "walks",
        about: "users' wishes and options over filters and formats: the order of the walk",
        nodes,
        edges,
        users,
        verbs: &["add", "release", "attach-user", "detach-user", "set-user", "attach", "detach", "set-option"],
        specs: const { &[PROTOCOL, FILTER, Spec::plain(Kind::WriteToSelected), PROTOCOL.read_only()] },
        pairs: const { &[Pair::new(R, ALL), Pair::new(W, but(W))] },
        roles: &[(FILE, FILTERED), (FILE, Role::DATA), (OTHER, Role::DATA)],
        opts: const { &[Opt::Select(Some(FILE)), Opt::Select(Some(OTHER)), Opt::Select(None)] },
        ..BLANK
    }
}

/// What changes the shape.
fn shapes(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "shapes",
        about: "set backing, replace, append, drop filter, drop intermediate",
        nodes,
        edges,
        users,
        verbs: &[
            "add",
            "release",
            "attach-user",
            "detach-user",
            "attach",
            "detach",
            "set-backing",
            "replace-node",
            "append",
            "drop-filter",
            "drop-intermediate",
        ],
        specs: &[BACKING_FILTER, NO_PERMISSION, EXCLUSIVE],
        pairs: const { &[Pair::new(W, ALL), Pair::new(NONE, but(W))] },
        ways: &[Ways::NONE],
        roles: &[(FILE, Role::DATA), (BACKING, Role::COW)],
        ..BLANK
    }
}

/// TEMP
pub fn temp(name: &str, n: u8, e: usize, u: u8) -> Facet {
    match name {
        "walks" => walks(n, e, u),
        _ => shapes(n, e, u),
    }
}
