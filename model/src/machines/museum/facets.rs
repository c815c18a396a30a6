//! The facets of the machines on trial.

use super::{Defect, Recursive, Reopening, Repairs, Transactional, Trial};
use crate::menu::Facet;
use crate::op::{Context, Entry, Kind, NodeId, Opt, Queue, Role, Spec, UserFlags};
use crate::perm::{ALL, NONE, Pair, R, U, W};
use crate::scopes::common::{
    BACKING, BACKING_FILTER, BLANK, EXCLUSIVE, FILE, FILTER, FILTERED, FORMAT, NO_PERMISSION, OTHER, PROTOCOL, STORAGE,
    but,
};
use crate::scopes::scope;

/// Returns each machine and facet with the defects that must be met.
pub(super) fn trials() -> Vec<(Trial, Facet, &'static [Defect])> {
    use Defect::*;
    let recursive = |reopening| Trial::Recursive(Recursive { reopening });
    let transactional = |repaired| Trial::Transactional(Transactional { repaired });
    let mut all = vec![
        (recursive(Reopening::None), walks(3, 3, 1), RECURSIVE_WALKS),
        (recursive(Reopening::None), shapes(3, 3, 1), RECURSIVE_SHAPES),
        (recursive(Reopening::Blind), history(2, 3, 1), const { &[H10, H11, H16, H30] }),
        (recursive(Reopening::Early), reopens(3, 3, 1), const { &[H07, H10, H11, H17, N01] }),
    ];
    let own = [
        (reopens(3, 3, 1), const { &[H10, H11, H62, N11, N13, N41] as &[Defect] }),
        (append_contexts(3, 3, 2), &[H10, H11, N12, N13, N15, N16, N41, N49, N50]),
    ];
    let small = scope("small").map(|scope| scope.facets).unwrap_or_default().into_iter();
    let small = small.filter_map(|(facet, _)| Some((facet.clone(), met_in_small(facet.name)?)));
    for (facet, met) in small.chain(own) {
        all.push((transactional(Repairs::NONE), facet.clone(), met));
        all.push((transactional(Repairs::ALL), facet, &[]));
    }
    all
}

const RECURSIVE_WALKS: &[Defect] = &[Defect::H01, Defect::H04, Defect::H10, Defect::H11, Defect::N01];

const RECURSIVE_SHAPES: &[Defect] = {
    use Defect::*;
    &[H02, H02b, H03, H04, H07, H08, H09, H10, H11, H15, N01, N02]
};

/// Returns the defects that seed 1 shows in the facets of the scope `small` that cover its operations.
fn met_in_small(facet: &str) -> Option<&'static [Defect]> {
    use Defect::*;
    Some(match facet {
        "permissions" => &[H10, H11, N13, N14, N50],
        "shape" => &[H08b, H10, H11, N11, N13, N41, N50],
        "drivers" => &[H10, H11, N11, N13, N41],
        "flags" => &[H10, H11, N13, N50],
        "freezing" => &[H10, H11, N13, N41],
        "refusals" => &[H10, H11, N13, N41, N50],
        "dropping" => &[H10, H11, H15, N13, N41],
        "contexts" => &[H10, H11, N12, N16, N41, N49],
        "sections" => &[H08b, H10, H11, N13, N41, N50],
        _ => return None,
    })
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

/// Operations that change the shape.
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
        user_flags: &[UserFlags::NONE],
        roles: &[(FILE, Role::DATA), (BACKING, Role::COW)],
        ..BLANK
    }
}

/// Reopen of one and two nodes: flags and backing children.
fn reopens(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "reopens",
        about: "flags and backing children of one and two nodes, in every order",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "set-backing", "set-read-only", "reopen"],
        specs: const { &[BACKING_FILTER, BACKING_FILTER.read_only(), NO_PERMISSION] },
        pairs: const { &[Pair::new(W, ALL)] },
        reopens: lists,
        ..BLANK
    }
}

/// The lists of [`reopens`].
fn lists(names: &[NodeId]) -> Vec<Queue> {
    let keep = |node| Entry::new(node, true);
    let backing = |node, to| Entry { backing: Some(to), ..keep(node) };
    let read_only = |node, on| Entry { read_only: Some(on), ..keep(node) };
    let mut all: Vec<Queue> = Vec::new();
    for &a in names {
        all.push(Queue::one(backing(a, None)));
        for &b in names {
            all.push(Queue::one(backing(a, Some(b))));
            if a != b {
                let couples = [
                    [backing(a, None), backing(b, Some(a))],
                    [backing(b, Some(a)), backing(a, None)],
                    [backing(a, Some(b)), read_only(b, true)],
                    [backing(a, Some(b)), read_only(b, false)],
                    [read_only(a, false), read_only(b, false)],
                ];
                all.extend(couples.iter().filter_map(|couple| Queue::new(couple)));
            }
        }
    }
    all
}

/// What the reopen of 2.10 considered: flags.
fn history(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "history",
        about: "the read-only flag of a format and of what it is stored in",
        verbs: &["add", "attach-user", "attach", "set-read-only", "reopen"],
        specs: const { &[PROTOCOL, PROTOCOL.read_only(), FORMAT, FORMAT.read_only()] },
        roles: &[(FILE, STORAGE)],
        // Seed 0 asserts that the second pair never occurs.
        pairs: const { &[Pair::new(R, but(W)), Pair::new(R, but(U))] },
        ..reopens(nodes, edges, users)
    }
}

/// Users with contexts, fixed or movable, and append and drop-filter between them.
fn append_contexts(nodes: u8, edges: usize, users: u8) -> Facet {
    Facet {
        name: "append-contexts",
        about: "attach, append and replace-node between two contexts; users that go",
        nodes,
        edges,
        users,
        verbs: &["add", "attach-user", "detach-user", "attach", "detach", "append", "replace-node"],
        specs: &[BACKING_FILTER],
        pairs: const { &[Pair::new(NONE, ALL)] },
        user_flags: const { &[UserFlags::NONE, UserFlags { fixed: true, ..UserFlags::NONE }] },
        user_contexts: const { &[None, Some(Context(1))] },
        roles: &[(FILE, Role::DATA)],
        ..BLANK
    }
}

/// Returns the defects that are met where another operation runs at the polls.
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
