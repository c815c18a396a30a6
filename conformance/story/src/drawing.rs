//! Draws a graph as text: root users and the nodes that they reach, children in list order, shared nodes once.
//!
//! ```text
//! @blk r/all blocks=resize
//! └─ top  format  stored=base
//!    ├─ backing c r/all frozen → base  protocol ro  held by monitor, 1 caller  r/all of other/file, top/backing
//!    └─ file dp r/all-z → img  protocol  no holder  inherits from top  stale: granted rwz/all-z
//! other  filter
//! └─ file fp -/all → base ↑
//! ```
//!
//! An edge shows its name, its role, need/share and whether it is frozen. `↑` marks a node that is drawn above.
//!
//! A node shows its driver kind, its flags and options, and `no driver` if it has lost its driver. It shows its holders
//! unless the monitor is the only one. It shows the node from which it inherits, with `own flag` if it does not inherit
//! the read-only flag. It shows its stored backing name, its context unless that is the main context, its open
//! sections, and its quiesce count if it is quiesced. A node with several parents shows its cumulative pair and its
//! parents in list order. `stale` comes with the driver's last grant if that differs from the present one.
//!
//! A user shows what it wants if that differs from its present pair, its flags (`stays`, `may-inactivate`, `fixed`),
//! and the operations that it blocks. Open drain-alls are in the first line.

use crate::subject::{Observation, ObservedChild, ObservedNode, ObservedUser};
use crate::text::names::Names;
use crate::text::value::{flag_words, print_edge, print_kind, print_op_kinds, print_perms, print_phase, print_role};
use blockgraph_model::{ChildName, Context, Inherits, NodeId, OpKinds, Opt, Pair};
use std::fmt::Write;

/// Draws a graph. Every line has a line end. An empty graph is one line.
pub fn draw(graph: &Observation, names: &Names) -> String {
    draw_as(graph, names, &|node| print_kind(node.kind).to_owned())
}

/// The same as [`draw`], with other names for the kinds of drivers.
pub fn draw_as(graph: &Observation, names: &Names, kind: &dyn Fn(&ObservedNode) -> String) -> String {
    let mut drawing = Drawing { graph, names, kind, text: String::new(), drawn: Vec::new() };
    if graph.drain_alls > 0 {
        // Writing to a string cannot fail, here and below.
        let _ = writeln!(drawing.text, "drain-alls={}", graph.drain_alls);
    }
    graph.users.iter().for_each(|user| drawing.user(user));
    // First the nodes without parents, then the nodes that only a cycle reaches.
    for tops in [true, false] {
        for node in &graph.nodes {
            if !drawing.drawn.contains(&node.id) && (!tops || node.parents.is_empty()) {
                drawing.tree(node.id, "", "", "");
            }
        }
    }
    if drawing.text.is_empty() { "(no nodes)\n".to_owned() } else { drawing.text }
}

struct Drawing<'a> {
    graph: &'a Observation,
    names: &'a Names,
    kind: &'a dyn Fn(&ObservedNode) -> String,
    text: String,
    drawn: Vec<NodeId>,
}

/// A node that is not yet drawn: the blanks of its children, the start of its line, the edge to it.
struct Pending {
    node: NodeId,
    start: String,
    indent: String,
    edge: String,
}

impl Drawing<'_> {
    fn user(&mut self, user: &ObservedUser) {
        let flag_words = [
            (user.user_flags.stay, " stays"),
            (user.user_flags.may_inactivate, " may-inactivate"),
            (user.user_flags.fixed, " fixed"),
        ];
        let flag_text: String = flag_words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
        let wants = if user.wanted == user.pair { String::new() } else { format!(" wants {}", pair(user.wanted)) };
        let blocks = match user.blocks {
            OpKinds::NONE => String::new(),
            kinds => format!(" blocks={}", print_op_kinds(kinds)),
        };
        let _ = writeln!(self.text, "@{} {}{wants}{flag_text}{blocks}", self.names.user(user.id), pair(user.pair));
        self.tree(user.node, "└─ ", "   ", "");
    }

    /// Draws a node and the nodes below it, depth first. It does not recurse, because chains can be long.
    fn tree(&mut self, node: NodeId, start: &str, indent: &str, edge: &str) {
        let mut stack =
            vec![Pending { node, start: start.to_owned(), indent: indent.to_owned(), edge: edge.to_owned() }];
        while let Some(Pending { node, start, indent, edge }) = stack.pop() {
            let _ = write!(self.text, "{start}{edge}{}", self.names.node(node));
            let observed = self.graph.nodes.iter().find(|observed| observed.id == node);
            let (Some(observed), false) = (observed, self.drawn.contains(&node)) else {
                self.text.push_str(" ↑\n");
                continue;
            };
            self.drawn.push(node);
            self.text.push_str(&self.node_text(observed));
            self.text.push('\n');
            for (i, child) in observed.children.iter().enumerate().rev() {
                let last = i + 1 == observed.children.len();
                let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
                stack.push(Pending {
                    node: child.child,
                    start: format!("{indent}{branch}"),
                    indent: format!("{indent}{below}"),
                    edge: self.edge(child),
                });
            }
        }
    }

    fn edge(&self, child: &ObservedChild) -> String {
        let frozen = if child.frozen { " frozen" } else { "" };
        let role = print_role(child.role);
        format!("{} {role} {}{frozen} → ", self.names.child(child.name), pair(child.pair))
    }

    fn node_text(&self, node: &ObservedNode) -> String {
        let mut text = format!("  {}", (self.kind)(node));
        for flag in flag_words(node.flags) {
            let _ = write!(text, " {flag}");
        }
        text.push_str(&options(node, |child| self.names.child(child)));
        if node.ejected {
            text.push_str("  no driver");
        }
        text.push_str(&holders(node.monitor, node.holders));
        if let Some(Inherits { from, read_only }) = node.inherits {
            let own = if read_only { "" } else { ", own flag" };
            let _ = write!(text, "  inherits from {}{own}", self.names.node(from));
        }
        if let Some(stored) = node.stored {
            let _ = write!(text, "  stored={}", self.names.node(stored));
        }
        if node.context != Context::MAIN {
            let _ = write!(text, "  context={}", node.context.0);
        }
        for (word, count) in [("sections", node.sections), ("quiesce", node.quiesce)] {
            if count > 0 {
                let _ = write!(text, "  {word}={count}");
            }
        }
        if node.parents.len() > 1 {
            let parents: Vec<_> = node.parents.iter().map(|&edge| print_edge(edge, self.names)).collect();
            let _ = write!(text, "  {} of {}", pair(node.pair), parents.join(", "));
        }
        if node.is_stale() {
            let writable = if node.granted.writable { "" } else { " ro" };
            let _ = write!(text, "  stale: granted {}{writable}", pair(node.granted.pair));
        }
        text
    }
}

fn pair(pair: Pair) -> String {
    format!("{}/{}", print_perms(pair.need), print_perms(pair.share))
}

/// Returns the holders of the node, unless the monitor is the only one (L1).
fn holders(monitor: bool, callers: u32) -> String {
    let counted = match callers {
        1 => "1 caller".to_owned(),
        _ => format!("{callers} callers"),
    };
    match (monitor, callers) {
        (true, 0) => String::new(),
        (true, _) => format!("  held by monitor, {counted}"),
        (false, 0) => "  no holder".to_owned(),
        (false, _) => format!("  held by {counted}"),
    }
}

fn options<'a>(node: &ObservedNode, child: impl Fn(ChildName) -> &'a str) -> String {
    match node.opt {
        opt if opt == node.kind.default_opt() => String::new(),
        Opt::None => " without options".to_owned(),
        Opt::Debug { take, unshare } => format!(" take {} unshare {}", print_perms(take), print_perms(unshare)),
        Opt::Rewrite(on) => if on { " rewrites" } else { " does not rewrite" }.to_owned(),
        Opt::Phase(phase) => format!(" phase={}", print_phase(phase)),
        Opt::Unaligned(on) => if on { " unaligned" } else { " aligned" }.to_owned(),
        Opt::Select(selected) => selected.map_or(" none".to_owned(), |name| format!(" → {}", child(name))),
    }
}

#[cfg(test)]
mod tests {
    use super::draw;
    use crate::model_subject::ModelSubject;
    use crate::subject::Subject;
    use crate::text::parse;
    use crate::text::scenario::{MOST_EDGES, MOST_NODES};

    fn drawing(text: &str) -> String {
        let (scenario, _) = parse(text).unwrap();
        let mut subject = ModelSubject::<MOST_NODES, MOST_EDGES>::default();
        for step in scenario.steps() {
            subject.apply(step.body.ops(), &step.refusals);
        }
        draw(&subject.observe(), &scenario.names)
    }

    /// Tests the example of the file's documentation.
    #[test]
    fn the_example() {
        let text = "add node=base kind=protocol flags=ro\nadd node=top kind=format\nadd node=other kind=filter\n\
            open-child parent=top node=img kind=protocol name=file role=dp\nappend new=top top=base store=on\n\
            attach parent=other child=base name=file role=fp\nfreeze top=top base=base\nhold node=base\n\
            attach-user user=blk node=top need=rw share=all\nblock user=blk kinds=resize\nrefuse node=img hook=check\n\
            set-user user=blk need=r share=all\n";
        let head = include_str!("drawing.rs").split("```").nth(1).unwrap();
        let example: Vec<_> =
            head.lines().filter_map(|line| line.strip_prefix("//! ")).filter(|line| !line.is_empty()).collect();
        let head: String = example.iter().flat_map(|line| [line, "\n"]).collect();
        assert_eq!(drawing(text), head);
    }

    #[test]
    fn sections_contexts_activity() {
        let text = "add node=a kind=file unaligned=on\nadd node=m kind=mirror-top phase=commit\nappend new=m top=a\n\
            attach-user user=u node=m need=rwz share=all stay=on may-inactivate=on fixed=on\ndrain-begin node=a\n\
            attach-user user=v node=a need=- share=all\ndrain-all-begin\ninactivate node=m\n\
            add node=q kind=quorum\nattach-user user=w node=q need=- share=all fixed=on context=2\n";
        let expected = "drain-alls=1\n@u -/all wants rwz/all stays may-inactivate fixed\n\
            └─ m  mirror-top inactive phase=commit  quiesce=2\n   \
            └─ backing fp -/all → a  file inactive unaligned  sections=1  quiesce=2  -/all of @v, m/backing\n\
            @v -/all\n└─ a ↑\n@w -/all fixed\n└─ q  quorum  context=2  quiesce=1\n";
        assert_eq!(drawing(text), expected);
    }

    #[test]
    fn double_edges_and_nothing() {
        assert_eq!(drawing("transaction { }"), "(no nodes)\n");
        let text = "add node=q kind=quorum rewrite=on\nadd node=p kind=protocol\nattach parent=q child=p name=a role=d\n\
            set-option node=q rewrite=off\nattach parent=q child=p name=b role=d\nset-option node=q rewrite=on\n";
        let expected = "q  quorum\n├─ b d -/all-wz → p  protocol  -/all-wz of q/b, q/a\n└─ a d -/all-wz → p ↑\n";
        assert_eq!(drawing(text), expected);
    }
}
