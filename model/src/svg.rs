//! A state as a picture: users on top, parents above children, need and share beside each edge.

use crate::derived::derive;
use crate::judge;
use crate::op::{Context, NodeId, OpKinds};
use crate::perm::Pair;
use crate::state::{Parent, State};
use std::fmt::Write;

const COLUMN: usize = 190;
const ROW: usize = 100;
const BOX: (usize, usize) = (150, 40);

/// Returns one line of text for each node and edge, in list order.
pub fn lines<const N: usize, const M: usize>(s: &State<N, M>) -> Vec<String> {
    let derived = derive(s);
    let pair = |i: usize| derived.as_ref().map_or(Pair::FREE, |d| d.edges[i]);
    let nodes = s.names().map(|n| format!("{n:?} {}", label(s, n)));
    let edges =
        s.edges().iter().enumerate().map(|(i, e)| {
            format!("{:?} -> {:?} {:?}{}", e.id(), e.child, pair(i), if e.frozen { " frozen" } else { "" })
        });
    nodes.chain(edges).collect()
}

fn label<const N: usize, const M: usize>(s: &State<N, M>, id: NodeId) -> String {
    let node = &s.nodes[id.0 as usize];
    let mut text = node.kind.map_or_else(String::new, |kind| format!("{kind:?}"));
    let flags = [
        (node.flags.read_only, " ro"),
        (node.flags.force_share, " force-share"),
        (node.flags.no_io, " no-io"),
        (node.flags.never_freeze, " never-freeze"),
        (node.flags.implicit, " implicit"),
        (node.flags.inactive, " INACTIVE"),
        (node.sections > 0 || s.drain_alls > 0, " drained"),
        (node.ejected, " NO DRIVER"),
        (!node.monitor && node.holders == 0, " unheld"),
        (judge::stale(s).contains(&id), " STALE"),
    ];
    flags.iter().filter(|(on, _)| *on).for_each(|(_, word)| text.push_str(word));
    if node.context != Context::MAIN {
        let _ = write!(text, " {:?}", node.context);
    }
    if let Some(inherits) = node.inherits {
        let _ = write!(text, " of {:?}", inherits.from);
    }
    if let Some(name) = node.stored {
        let _ = write!(text, " stores {name:?}");
    }
    text
}

/// Returns the row of each node, which is the length of the longest way down to it; on a cycle, as far as the walk
/// came.
fn rows<const N: usize, const M: usize>(s: &State<N, M>) -> [usize; N] {
    let mut row = [1; N];
    for _ in 0..N {
        for edge in s.edges() {
            if let Parent::Node(parent) = edge.parent {
                let child = edge.child.0 as usize;
                row[child] = row[child].max(row[parent.0 as usize] + 1).min(N + 1);
            }
        }
    }
    row
}

/// Returns the state as an SVG document.
pub fn picture<const N: usize, const M: usize>(s: &State<N, M>) -> String {
    let row = rows(s);
    let mut filled = vec![0usize; N + 2];
    let mut place = [(0usize, 0usize); N];
    for id in s.names() {
        let level = row[id.0 as usize];
        place[id.0 as usize] = (20 + filled[level] * COLUMN + 40 * (level % 2), 10 + level * ROW);
        filled[level] += 1;
    }
    let mut shapes = String::new();
    let derived = derive(s);
    for (i, edge) in s.edges().iter().enumerate() {
        let to = place[edge.child.0 as usize];
        let (from, name) = match edge.parent {
            Parent::Node(parent) => (place[parent.0 as usize], format!("{:?} {:?} ", edge.name, edge.role)),
            Parent::User(user) => {
                let at = (20 + filled[0] * COLUMN, 10);
                filled[0] += 1;
                let blocks =
                    if edge.blocks == OpKinds::NONE { String::new() } else { format!("blocks {:?}", edge.blocks) };
                let flag_words = [
                    (edge.user_flags.stay, "stays "),
                    (edge.user_flags.fixed, "fixed "),
                    (edge.user_flags.may_inactivate, "may-inactivate "),
                ];
                let stays: String = flag_words.iter().filter(|(on, _)| *on).map(|(_, word)| *word).collect();
                draw_box(&mut shapes, at, &format!("{user:?}"), &format!("{stays}{blocks}"), "#fff7d6");
                (at, String::new())
            }
        };
        let pair = derived.as_ref().map_or(Pair::FREE, |d| d.edges[i]);
        let shift = 15 + 30 * usize::from(edge.rank);
        let ends = ((from.0 + BOX.0 / 2, from.1 + BOX.1), (to.0 + shift.min(BOX.0), to.1));
        draw_edge(&mut shapes, ends, &format!("{name}{pair:?}"), edge.frozen, i);
    }
    for id in s.names() {
        draw_box(&mut shapes, place[id.0 as usize], &format!("{id:?}"), &label(s, id), "#e8f0fa");
    }
    let columns = filled.iter().max().copied().unwrap_or(1).max(1);
    let last = filled.iter().rposition(|count| *count > 0).unwrap_or(0);
    let (width, height) = (60 + columns * COLUMN, 20 + last * ROW + BOX.1);
    let open = "<svg xmlns='http://www.w3.org/2000/svg' font-family='monospace' font-size='11'";
    format!("{open} width='{width}' height='{height}'>{shapes}</svg>")
}

/// Draws a line and its text, which sits higher on every second edge so that the texts of neighbours can be read.
fn draw_edge(out: &mut String, ends: ((usize, usize), (usize, usize)), text: &str, frozen: bool, place: usize) {
    let ((x1, y1), (x2, y2)) = ends;
    let colour = if frozen { "#1f6fb2" } else { "#555" };
    let _ = write!(out, "<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='{colour}' stroke-width='1.5'/>");
    let part = if place.is_multiple_of(2) { 1 } else { 2 };
    let (x, y) = ((x1 * (3 - part) + x2 * part) / 3, (y1 * (3 - part) + y2 * part) / 3 + 4);
    let halo = "text-anchor='middle' stroke='white' stroke-width='4' paint-order='stroke'";
    let frozen = if frozen { " frozen" } else { "" };
    let _ = write!(out, "<text x='{x}' y='{y}' {halo}>{text}{frozen}</text>");
}

fn draw_box(out: &mut String, (x, y): (usize, usize), name: &str, text: &str, fill: &str) {
    let (w, h) = BOX;
    let _ = write!(out, "<rect x='{x}' y='{y}' width='{w}' height='{h}' rx='4' fill='{fill}' stroke='#333'/>");
    let _ = write!(out, "<text x='{}' y='{}' font-weight='bold'>{name}</text>", x + 6, y + 15);
    let _ = write!(out, "<text x='{}' y='{}'>{text}</text>", x + 6, y + 31);
}
