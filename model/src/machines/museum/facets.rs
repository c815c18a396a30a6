//! The bounds of the machines on trial.

use super::{Defect, Recursive, Reopening, Repairs, Transactional, Trial};
use crate::menu::Facet;
use crate::op::{Kind, Opt, Role, Spec, Ways};
use crate::perm::{ALL, NONE, Pair, R, W};
use crate::scopes::{
    BACKING, BACKING_FILTER, BLANK, EXCLUSIVE, FILE, FILTER, FILTERED, NO_PERMISSION, OTHER, PROTOCOL, but,
};

/// Each with what must be met.
pub(super) fn trials() -> Vec<(Trial, Facet, Vec<Defect>)> {
    use Defect::*;
    let recursive = Trial::Recursive(Recursive { reopening: Reopening::None });
    let transactional = Trial::Transactional(Transactional { repaired: Repairs::NONE });
    let repaired = Trial::Transactional(Transactional { repaired: Repairs::ALL });
    vec![
        (recursive, walks(3, 3, 1), vec![H01, H04, H10, H11]),
        (recursive, shapes(3, 3, 1), vec![H02, H02b, H03, H07, H08, H09, H10, H11, H15]),
        (transactional, walks(3, 2, 1), vec![H10, H11]),
        (transactional, shapes(3, 3, 1), vec![H08b, H10, H11]),
        (transactional, filters(3, 3, 1), vec![H08b, H10, H11]),
        (repaired, walks(3, 2, 1), vec![]),
        (repaired, shapes(3, 3, 1), vec![]),
        (repaired, filters(3, 3, 1), vec![]),
    ]
}

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
        pairs: const { &[Pair::new(R, ALL), Pair::new(W, but(W)), Pair::new(NONE, ALL)] },
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

/// Filters that somebody else holds too.
fn filters(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "filters",
        about: "append and drop filters that outlive their dropping, stay-at-node users",
        nodes,
        edges,
        users,
        verbs: &["add", "release", "hold", "attach-user", "append", "drop-filter"],
        specs: &[BACKING_FILTER],
        pairs: const { &[Pair::new(W, ALL)] },
        ways: &[Ways::NONE, Ways::STAY],
        ..BLANK
    }
}

/// What is met where something runs at the polls.
pub(super) fn met_while_polling(facet: &str) -> &'static [Defect] {
    use Defect::*;
    match facet {
        "polling-replace" => &[N61, N62, N68, N71],
        "polling-intermediate" => &[H46, N63, N64, N65, N68, N71, N72],
        "polling-stream" => &[H46, H47, N63, N64, N66, N69, N71],
        "polling-context" => &[H37, N67],
        "polling-iterate" => &[H53, N61, N68, N70, N71],
        "polling-jobs" => &[H46, H47, N62, N63, N64, N65, N66, N68, N69, N71, N72],
        _ => &[],
    }
}
