//! `specs/theorems/rollback.md`: lists that are changed and put back, in three ways, all of them up to a size.

use crate::page::{self, Block};

/// The most edges, one of them outside the list at first.
const EDGES: usize = 5;

/// Two neighbours. Place 0 of a [`Ring`] is the list's head, which is before the first edge and after the last.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Ends {
    prev: usize,
    next: usize,
}

/// An intrusive list with dancing links: an edge that is taken out keeps its neighbours.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
struct Ring {
    ends: [Ends; EDGES + 1],
}

/// A change of the list.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Takes an edge out.
    Unlink(usize),
    /// Puts an edge in, after that one or the head.
    Link(usize, usize),
}

/// What the undo log keeps of a step: the step, and the neighbours that the edge had or remembered.
#[derive(Clone, Copy, Debug)]
struct Record {
    step: Step,
    old: Ends,
}

/// How a transaction is taken back.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Way {
    /// The newest record first, every edge to its place.
    Newest,
    /// The oldest record first.
    Oldest,
    /// The newest first, but what was taken out goes back to the head (seed 1).
    Head,
}

const WAYS: [Way; 3] = [Way::Newest, Way::Oldest, Way::Head];

impl Ring {
    /// Edges 1 to `count`, in order.
    fn of(count: usize) -> Ring {
        let mut ring = Ring::default();
        (1..=count).rev().for_each(|edge| ring.link(edge, Ends { prev: 0, next: ring.ends[0].next }));
        ring
    }

    fn link(&mut self, edge: usize, between: Ends) {
        self.ends[edge] = between;
        self.ends[between.prev].next = edge;
        self.ends[between.next].prev = edge;
    }

    fn unlink(&mut self, edge: usize) {
        let Ends { prev, next } = self.ends[edge];
        self.ends[prev].next = next;
        self.ends[next].prev = prev;
    }

    fn apply(&mut self, step: Step) -> Record {
        match step {
            Step::Unlink(edge) => {
                self.unlink(edge);
                Record { step, old: self.ends[edge] }
            }
            Step::Link(edge, prev) => {
                let old = self.ends[edge];
                self.link(edge, Ends { prev, next: self.ends[prev].next });
                Record { step, old }
            }
        }
    }

    fn undo(&mut self, record: Record, way: Way) {
        match record.step {
            Step::Unlink(edge) if way == Way::Head => self.link(edge, Ends { prev: 0, next: self.ends[0].next }),
            Step::Unlink(edge) => self.link(edge, record.old),
            Step::Link(edge, _) => {
                self.unlink(edge);
                self.ends[edge] = record.old;
            }
        }
    }

    /// The edges as a walk meets them; `None` if it does not come to the end, or back another way.
    fn order(&self) -> Option<Vec<usize>> {
        let walk = |step: fn(Ends) -> usize| {
            let mut met = Vec::new();
            let mut at = step(self.ends[0]);
            while at != 0 && met.len() <= EDGES {
                met.push(at);
                at = step(self.ends[at]);
            }
            (at == 0).then_some(met)
        };
        let (there, mut back) = (walk(|ends| ends.next)?, walk(|ends| ends.prev)?);
        back.reverse();
        (there == back).then_some(there)
    }

    /// All that can be done next, given which edges are in the list.
    fn steps(&self, present: &[usize], count: usize) -> Vec<Step> {
        let outs = present.iter().map(|edge| Step::Unlink(*edge));
        let absent = (1..=count + 1).filter(|edge| !present.contains(edge));
        let places = || std::iter::once(0).chain(present.iter().copied());
        outs.chain(absent.flat_map(|edge| places().map(move |place| Step::Link(edge, place)))).collect()
    }
}

fn name(edge: usize) -> char {
    [' ', 'a', 'b', 'c', 'd', 'e'][edge]
}

fn shown(ring: &Ring) -> String {
    match ring.order().as_deref() {
        None => "links that go one way there and another back".into(),
        Some([]) => "nothing".into(),
        Some(edges) => edges.iter().map(|edge| name(*edge).to_string()).collect::<Vec<_>>().join(" "),
    }
}

fn format_op(step: Step) -> String {
    match step {
        Step::Unlink(edge) => format!("take out {}", name(edge)),
        Step::Link(edge, 0) => format!("put {} at the head", name(edge)),
        Step::Link(edge, place) => format!("put {} after {}", name(edge), name(place)),
    }
}

/// A transaction that is over.
struct Story<'a> {
    before: &'a Ring,
    done: &'a Ring,
    log: &'a [Record],
}

impl Story<'_> {
    fn undone(&self, way: Way) -> Ring {
        let mut ring = self.done.clone();
        let oldest = self.log.iter();
        match way {
            Way::Oldest => oldest.for_each(|record| ring.undo(*record, way)),
            Way::Newest | Way::Head => oldest.rev().for_each(|record| ring.undo(*record, way)),
        }
        ring
    }

    fn describe(&self, way: Way) -> String {
        let steps: Vec<String> = self.log.iter().map(|record| format_op(record.step)).collect();
        let undo = match way {
            Way::Newest => "the newest taken back first",
            Way::Oldest => "the oldest taken back first",
            Way::Head => "the newest taken back first, at the head",
        };
        format!(
            "before:  {}\nsteps:   {}\nafter:   {}\nundone:  {}   ({undo})",
            shown(self.before),
            steps.join(", then "),
            shown(self.done),
            shown(&self.undone(way)),
        )
    }
}

/// Every transaction of `steps` steps on a list of `count` edges; one more edge can be put in.
fn every(count: usize, steps: usize, mut look: impl FnMut(&Story)) {
    fn go(before: &Ring, ring: &Ring, log: &mut Vec<Record>, size: (usize, usize), look: &mut impl FnMut(&Story)) {
        let (count, left) = size;
        if left == 0 {
            return look(&Story { before, done: ring, log });
        }
        let present = ring.order().expect("steps keep a list a list");
        for step in ring.steps(&present, count) {
            let mut next = ring.clone();
            log.push(next.apply(step));
            go(before, &next, log, (count, left - 1), look);
            log.pop();
        }
    }
    let before = Ring::of(count);
    go(&before, &before, &mut Vec::new(), (count, steps), &mut look);
}

/// How many transactions there are of a size, and how many of them each way does not take back.
fn counted(count: usize, steps: usize) -> [u64; 4] {
    let mut counts = [0; 4];
    every(count, steps, |story| {
        counts[0] += 1;
        for (way, wrong) in WAYS.into_iter().zip(&mut counts[1..]) {
            let after = story.undone(way);
            // What is exact is exact to the last link, those that an edge outside remembers included.
            let exact = if way == Way::Newest { after == *story.before } else { after.order() == story.before.order() };
            *wrong += u64::from(!exact);
        }
    });
    counts
}

/// The first transaction, by edges and then by steps, that a way does not take back and that is `interesting`.
fn smallest(way: Way, interesting: impl Fn(&Story) -> bool) -> String {
    for (count, steps) in (1..EDGES).flat_map(|count| (1..=3).map(move |steps| (count, steps))) {
        let mut found = None;
        every(count, steps, |story| {
            let wrong = story.undone(way).order() != story.before.order();
            if found.is_none() && wrong && interesting(story) {
                found = Some(story.describe(way));
            }
        });
        if let Some(found) = found {
            return found;
        }
    }
    "none".into()
}

fn sizes() -> String {
    let rows = (1..EDGES).flat_map(|count| (1..=3).map(move |steps| (count, steps))).map(|(count, steps)| {
        let [all, newest, oldest, head] = counted(count, steps);
        assert_eq!(newest, 0, "{count} edges, {steps} steps: the theorem");
        [count as u64, steps as u64, all, newest, oldest, head].map(page::grouped)
    });
    page::table(["edges", "steps", "transactions", "newest first", "oldest first", "newest first, at the head"], rows)
}

fn blocks() -> Vec<Block> {
    let edge = |record: &Record| match record.step {
        Step::Unlink(edge) | Step::Link(edge, _) => edge,
    };
    let different = |story: &Story| edge(&story.log[0]) != edge(&story.log[1]);
    let removals = |story: &Story| story.log.iter().all(|record| matches!(record.step, Step::Unlink(_)));
    vec![
        ("sizes", sizes()),
        ("oldest first", page::verbatim(&smallest(Way::Oldest, |_| true))),
        ("oldest first, two edges", page::verbatim(&smallest(Way::Oldest, |s| s.log.len() == 2 && different(s)))),
        ("oldest first, removals", page::verbatim(&smallest(Way::Oldest, removals))),
        ("at the head", page::verbatim(&smallest(Way::Head, |_| true))),
    ]
}

#[test]
fn the_page_is_right() {
    page::hold(&crate::theorem("rollback.md"), &blocks());
}
