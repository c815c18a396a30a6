//! Operations and graphs as the pages show them.

use blockgraph_model::menu::{Action, Small};
use blockgraph_model::{Entry, NodeId, Op, Opt, Outcome, Parent, execute};

/// What an operation says, in a line.
pub fn format_op(op: &Op) -> String {
    match op {
        Op::Add { node, spec } => {
            let opt = if spec.opt == Opt::None { String::new() } else { format!(" {:?}", spec.opt) };
            format!("add {node:?}: {:?}{opt}", spec.kind)
        }
        Op::AttachUser { user, node, pair, .. } => format!("attach-user {user:?} → {node:?} {pair:?}"),
        Op::SetUser { user, pair } => format!("set-user {user:?} {pair:?}"),
        Op::DetachUser { user } => format!("detach-user {user:?}"),
        Op::SetOption { node, opt } => format!("set-option {node:?} {opt:?}"),
        Op::Truncate { user, unaligned } => {
            format!("truncate {user:?} {}", if *unaligned { "unaligned" } else { "aligned" })
        }
        Op::SetBacking { node, to } => format!("set-backing {node:?} {}", named(*to)),
        Op::Reopen { queue } => {
            let entries: Vec<String> = queue.entries().iter().map(entry).collect();
            format!("reopen [{}]", entries.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn named(node: Option<NodeId>) -> String {
    node.map_or("none".into(), |node| format!("{node:?}"))
}

/// What is said of one node that is reopened.
fn entry(entry: &Entry) -> String {
    let mut out = format!("{:?}:", entry.node);
    if !entry.keep {
        out += " reset";
    }
    if let Some(on) = entry.read_only {
        out += if on { " read-only" } else { " writable" };
    }
    if let Some(opt) = entry.opt {
        out += &format!(" {opt:?}");
    }
    if let Some(to) = entry.backing {
        out += &format!(" backing {}", named(to));
    }
    if let Some(to) = entry.file {
        out += &format!(" file {to:?}");
    }
    out
}

/// A story from the empty graph, a line for each step, and the state it ends in.
pub fn describe(actions: &[Action]) -> (String, Small) {
    let mut state = Small::default();
    let mut out = String::new();
    for action in actions {
        let Outcome::Done { next, .. } = execute(&state, &action.ops, action.refusals()) else {
            panic!("{action:?} is not accepted in {state:?}")
        };
        state = next;
        let ops: Vec<String> = action.ops.iter().map(format_op).collect();
        out += &ops.join("; ");
        out.push('\n');
    }
    (out.trim_end().to_owned(), state)
}

/// The nodes and edges of a graph.
pub fn drawn(state: &Small) -> String {
    let mut out = String::new();
    for node in state.names() {
        let found = &state.nodes[node.0 as usize];
        let flags = [(found.flags.read_only, ", read-only"), (found.flags.implicit, ", implicit")];
        let flags: String = flags.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
        out += &format!("{node:?}  {:?}{flags}\n", found.kind.unwrap());
        for edge in state.children(node) {
            out += &format!("    {:?} ({:?}) → {:?}\n", edge.name, edge.role, edge.child);
        }
    }
    for edge in state.edges() {
        if let Parent::User(user) = edge.parent {
            out += &format!("{user:?} → {:?}   {:?}\n", edge.child, edge.wanted);
        }
    }
    out
}
