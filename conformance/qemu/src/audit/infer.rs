//! Options and flags that QEMU does not show, read off the pairs that they make (D7).

use crate::audit::graph::{AuditGraph, Upper};
use crate::wire::drivers::other_role;
use blockgraph_model::perm::{ALL, G};
use blockgraph_model::{Kind, Opt, Phase};

/// For each node with children, the first of its possible options that explains all their pairs; if none does, those of its
/// kind stay, and the checks say which edge is wrong.
pub(super) fn infer(web: &mut AuditGraph, notes: &mut Vec<String>) {
    for node in 0..web.nodes.len() {
        let Some(kind) = web.nodes[node].kind.filter(|_| !web.below(node).is_empty()) else { continue };
        if kind == Kind::Blkdebug {
            debug(web, node, notes);
        } else if !explained(web, node) {
            other(web, node, kind, notes);
        }
    }
}

/// P4: do all edges below the node have the pairs that the rule gives?
fn explained(web: &AuditGraph, node: usize) -> bool {
    web.below(node).iter().all(|edge| web.ruled(*edge) == Some(web.edges[*edge].pair()))
}

/// Tries everything else that the node may be.
fn other(web: &mut AuditGraph, node: usize, kind: Kind, notes: &mut Vec<String>) {
    let name = web.nodes[node].name.clone();
    let before = web.nodes[node].clone();
    let options: &[(Opt, &str)] = match kind {
        Kind::Quorum => &[(Opt::Rewrite(true), "rewrite corrupted blocks")],
        Kind::MirrorTop => {
            &[(Opt::Phase(Phase::Commit), "belong to an active commit"), (Opt::Phase(Phase::Stopped), "have stopped")]
        }
        _ => &[],
    };
    for (opt, what) in options {
        web.nodes[node].opt = *opt;
        if explained(web, node) {
            notes.push(format!("{name} is taken to {what}: that makes the pairs of its children"));
            return;
        }
    }
    web.nodes[node] = before;
    if kind == Kind::Format {
        web.nodes[node].flags.no_io = true;
        if explained(web, node) {
            notes.push(format!("{name} is taken to be opened without I/O: that makes the pairs of its children"));
            return;
        }
        web.nodes[node].flags.no_io = false;
    }
    shift(web, node, kind, notes);
    forced(web, node, notes);
}

/// `raw` with an offset or a size keeps data of its own.
fn shift(web: &mut AuditGraph, node: usize, kind: Kind, notes: &mut Vec<String>) {
    let [edge] = *web.below(node) else { return };
    let Some(role) = web.edges[edge].role else { return };
    let Some(other) = other_role(kind, role) else { return };
    web.edges[edge].role = Some(other);
    if explained(web, node) {
        notes.push(format!(
            "{} is taken to have an offset or a size: that makes the pair of its child",
            web.nodes[node].name
        ));
    } else {
        web.edges[edge].role = Some(role);
    }
}

/// A read-only child to which all nodes above it share everything, although their rules do not, is taken to be force-share.
fn forced(web: &mut AuditGraph, node: usize, notes: &mut Vec<String>) {
    for edge in web.below(node).to_vec() {
        let child = web.edges[edge].child;
        let inner: Vec<usize> =
            web.above(child).iter().copied().filter(|e| matches!(web.edges[*e].upper, Upper::Node(_))).collect();
        let open = inner.iter().all(|e| web.edges[*e].pair().share == ALL | G);
        if web.nodes[child].flags.force_share || !web.nodes[child].flags.read_only || !open {
            continue;
        }
        web.nodes[child].flags.force_share = true;
        if inner.iter().all(|e| web.ruled(*e).is_none_or(|pair| pair == web.edges[*e].pair())) {
            notes.push(format!(
                "{} is taken to be force-share: all nodes above share everything",
                web.nodes[child].name
            ));
        } else {
            web.nodes[child].flags.force_share = false;
        }
    }
}

/// Blkdebug may take and refuse what it likes, so its pair is its option.
fn debug(web: &mut AuditGraph, node: usize, notes: &mut Vec<String>) {
    let [edge] = *web.below(node) else { return };
    let (Some(plain), seen) = (web.ruled(edge), web.edges[edge].pair()) else { return };
    // It can only add a need and take away a share: anything else is wrong, and stays to be found.
    let opt = Opt::Debug { take: seen.need - plain.need, unshare: plain.share - seen.share };
    if opt != Kind::Blkdebug.default_opt() {
        web.nodes[node].opt = opt;
        let name = &web.nodes[node].name;
        notes.push(format!(
            "not checked: what blkdebug node {name} takes or refuses more than a filter: read off its pair"
        ));
    }
}
