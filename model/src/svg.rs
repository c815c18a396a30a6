//! A state as a picture: users on top, parents above children, need/share beside each edge.

use crate::judge::{self, derive};
use crate::op::NodeId;
use crate::perm::Pair;
use crate::state::{Parent, State};
use std::fmt::Write;

const COLUMN: usize = 150;
const ROW: usize = 90;
const BOX: (usize, usize) = (110, 40);

/// One line of text for each node and edge, in list order.
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
        (node.holders == 0, " unheld"),
        (judge::stale(s).contains(&id), " STALE"),
    ];
    flags.iter().filter(|(on, _)| *on).for_each(|(_, word)| text.push_str(word));
    text
}

/// The longest way down to each node decides its row (on a cycle: as far as the walk came).
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

/// The state as an SVG document.
pub fn picture<const N: usize, const M: usize>(s: &State<N, M>) -> String {
    let row = rows(s);
    let mut filled = vec![0usize; N + 2];
    let mut place = [(0usize, 0usize); N];
    for id in s.names() {
        let level = row[id.0 as usize];
        place[id.0 as usize] = (20 + filled[level] * COLUMN + 30 * (level % 2), level * ROW);
        filled[level] += 1;
    }
    let width = 60 + filled.iter().max().map_or(1, |n| (*n).max(s.edges().len())) * COLUMN;
    let mut out = format!(
        "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{}' font-family='monospace' font-size='11'>",
        (N + 2) * ROW
    );
    let derived = derive(s);
    let mut users = 0;
    for (i, edge) in s.edges().iter().enumerate() {
        let to = place[edge.child.0 as usize];
        let (from, name) = match edge.parent {
            Parent::Node(parent) => (place[parent.0 as usize], format!("{:?} {:?}", edge.name, edge.role)),
            Parent::User(user) => {
                let at = (20 + users * COLUMN, 10);
                users += 1;
                draw_box(&mut out, at, &format!("{user:?}"), if edge.stay { "stays" } else { "" }, "#fff7d6");
                (at, String::new())
            }
        };
        let pair = derived.as_ref().map_or(Pair::FREE, |d| d.edges[i]);
        let colour = if edge.frozen { "#1f6fb2" } else { "#555" };
        let shift = 10 + 14 * usize::from(edge.rank);
        let (x1, y1, x2, y2) = (from.0 + BOX.0 / 2, from.1 + BOX.1, to.0 + shift, to.1);
        let _ = write!(out, "<line x1='{x1}' y1='{y1}' x2='{x2}' y2='{y2}' stroke='{colour}' stroke-width='1.5'/>");
        let _ = write!(out, "<text x='{}' y='{}'>{name} {pair:?}</text>", (x1 + x2) / 2 + 4, (y1 + y2) / 2);
    }
    for id in s.names() {
        draw_box(&mut out, place[id.0 as usize], &format!("{id:?}"), &label(s, id), "#e8f0fa");
    }
    out.push_str("</svg>");
    out
}

fn draw_box(out: &mut String, (x, y): (usize, usize), name: &str, text: &str, fill: &str) {
    let (w, h) = BOX;
    let _ = write!(out, "<rect x='{x}' y='{y}' width='{w}' height='{h}' rx='4' fill='{fill}' stroke='#333'/>");
    let _ = write!(out, "<text x='{}' y='{}' font-weight='bold'>{name}</text>", x + 6, y + 15);
    let _ = write!(out, "<text x='{}' y='{}'>{text}</text>", x + 6, y + 31);
}
