//! Snapshots through JSON and back: nothing is lost, nothing is ignored, and what is not a graph's is refused.
#![cfg(feature = "serde")]
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use blockgraph::{Graph, Pair, Permissions, Preset, RestoreError, SAVE_VERSION, SavedDriver, SavedGraph};
use common::random::{ARMS, step};
use common::random_jobs::{Did, job_step};
use common::{Behaviour, Injected, Rng};
use quickcheck::{Arbitrary, Gen, QuickCheck};
use serde_json::Value;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The seeds of the operations that make a graph.
#[derive(Clone, Debug)]
struct Growth(Vec<u64>);

impl Arbitrary for Growth {
    fn arbitrary(g: &mut Gen) -> Self {
        Self((0..usize::arbitrary(g) % 200).map(|_| u64::arbitrary(g)).collect())
    }

    fn shrink(&self) -> Box<dyn Iterator<Item = Self>> {
        let Self(seeds) = self.clone();
        Box::new((0..seeds.len()).map(move |i| Self([&seeds[..i], &seeds[i + 1..]].concat())))
    }
}

fn grown(Growth(seeds): &Growth) -> Graph<Injected> {
    let (mut graph, mut held, mut counts) = (Graph::new(), Vec::new(), [0; ARMS]);
    for seed in seeds {
        let rng = &mut Rng::new(*seed);
        let mut t = graph.transaction();
        let did = match rng.below(8) {
            0 => job_step(rng, &mut t, &held, (seed % 50) as usize, &mut counts),
            _ => step(rng, &mut t, &mut counts).map(|()| Did::Nothing),
        };
        match (did, t.commit()) {
            (Ok(Did::Start(job)), Ok(_)) => held.push(job),
            (Ok(Did::End(place, _)), Ok(_)) => _ = held.swap_remove(place),
            _ => {}
        }
    }
    graph
}

type Plain = SavedGraph<Preset>;

fn plain(graph: &Graph<Injected>) -> Plain {
    graph.save_with(|_, driver| driver.preset.clone())
}

fn restore(snapshot: &Plain) -> Result<Graph<Injected>, RestoreError> {
    Graph::restore_with(snapshot, |_, preset: &Preset| Injected::new(preset.clone(), Behaviour::Accept))
}

/// How many graphs had them: ejected, stored names, inheriting, frozen, kept pairs, blocking, sections, contexts.
static FOUND: [AtomicUsize; 8] = [const { AtomicUsize::new(0) }; 8];

fn find(snapshot: &Plain) {
    let node = |is: fn(&blockgraph::SavedNode<Preset>) -> bool| snapshot.nodes.iter().any(is);
    let found = [
        node(|node| matches!(node.driver, SavedDriver::Ejected { .. })),
        node(|node| node.stored_backing.is_some()),
        node(|node| node.inherits.is_some()),
        snapshot.edges.iter().any(|edge| edge.frozen),
        snapshot.edges.iter().any(|edge| edge.kept.is_some()),
        snapshot.users.iter().any(|user| user.block_reason.is_some()),
        node(|node| node.sections > 0),
        node(|node| node.context != blockgraph::ContextId::MAIN),
    ];
    FOUND.iter().zip(found).for_each(|(count, found)| _ = count.fetch_add(usize::from(found), Ordering::Relaxed));
}

/// The value is the same, and so is the graph that it makes.
fn is_read_back(growth: Growth) -> bool {
    let before = plain(&grown(&growth));
    find(&before);
    for text in [serde_json::to_string(&before).unwrap(), serde_json::to_string_pretty(&before).unwrap()] {
        let read: Plain = serde_json::from_str(&text).unwrap();
        assert_eq!(read, before);
        let graph = restore(&read).unwrap();
        assert_eq!((plain(&graph), graph.inconsistencies()), (before.clone(), vec![]));
    }
    true
}

#[test]
fn snapshots_are_read_back() {
    let growths = Gen::from_size_and_seed(100, 1);
    QuickCheck::new().rng(growths).tests(1200).quickcheck(is_read_back as fn(Growth) -> bool);
    let found = FOUND.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(found.iter().all(|count| *count > 10), "{found:?}");
}

#[test]
fn other_versions_are_refused() {
    fn holds(growth: Growth, version: u32, near: bool) -> bool {
        let mut graph = grown(&growth);
        let mut other = plain(&graph);
        assert_eq!(other.version, SAVE_VERSION);
        other.version = if near { version % (2 * SAVE_VERSION + 1) } else { version };
        let other: Plain = serde_json::from_value(serde_json::to_value(&other).unwrap()).unwrap();
        let result = graph.restore_from(&other, |_, preset| Injected::new(preset.clone(), Behaviour::Accept));
        match other.version {
            SAVE_VERSION => result.is_ok(),
            version => result == Err(RestoreError::Version(version)) && graph.node_count() == 0,
        }
    }
    let cases = Gen::from_size_and_seed(100, 2);
    QuickCheck::new().rng(cases).tests(200).quickcheck(holds as fn(Growth, u32, bool) -> bool);
}

/// Where the leaves of a value are, and where the fields of its objects.
fn places(value: &Value, path: &str, leaves: &mut Vec<String>, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(i, item)| places(item, &format!("{path}/{i}"), leaves, fields));
        }
        Value::Object(map) => {
            for (key, item) in map {
                fields.push((path.to_owned(), key.clone()));
                places(item, &format!("{path}/{key}"), leaves, fields);
            }
        }
        _ => leaves.push(path.to_owned()),
    }
}

/// Something else of the same kind, if there is one.
fn spoilt(leaf: &Value, how: u8) -> Value {
    match leaf {
        Value::Bool(on) => Value::Bool(!on),
        Value::Number(number) => {
            [number.as_u64().map_or(0, |n| n + 1), u64::from(u32::MAX)][usize::from(how % 2)].into()
        }
        // A name; or a set, which may then have bits that mean nothing.
        Value::String(text) => match how % 3 {
            0 => format!("{text}x"),
            1 => "WRITE".to_owned(),
            _ => "0x40".to_owned(),
        }
        .into(),
        _ => [Value::from(0), "x".into(), serde_json::json!({ "need": "READ", "share": "" })][usize::from(how % 3)]
            .clone(),
    }
}

/// Returns whether no set has undefined bits.
fn is_known(snapshot: &Plain) -> bool {
    let known = |pair: Pair| Permissions::ALL.contains(pair.need | pair.share);
    snapshot.nodes.iter().all(|node| known(node.granted.pair))
        && snapshot.users.iter().all(|user| known(user.pair))
        && snapshot.edges.iter().filter_map(|edge| edge.kept).all(known)
}

/// Refused when it is read, refused when it is restored, or a graph.
static ENDS: [AtomicUsize; 3] = [const { AtomicUsize::new(0) }; 3];

/// One leaf is something else: that is noticed, and what is a graph all the same is one that passes its own test.
fn spoilt_is_noticed(growth: Growth, at: usize, how: u8) -> bool {
    let before = plain(&grown(&growth));
    let mut value = serde_json::to_value(&before).unwrap();
    let mut leaves = Vec::new();
    places(&value, "", &mut leaves, &mut Vec::new());
    let leaf = value.pointer_mut(&leaves[at % leaves.len()]).unwrap();
    let other = spoilt(leaf, how);
    let same = *leaf == other;
    *leaf = other;
    let end = match serde_json::from_value::<Plain>(value) {
        Err(_) => 0,
        Ok(read) => {
            assert_eq!(read == before, same, "{}", leaves[at % leaves.len()]);
            match restore(&read) {
                Err(_) => 1,
                Ok(graph) => {
                    assert_eq!((graph.inconsistencies(), is_known(&read)), (vec![], true));
                    let after = plain(&graph);
                    assert_eq!(plain(&restore(&after).unwrap()), after);
                    2
                }
            }
        }
    };
    ENDS[end].fetch_add(1, Ordering::Relaxed);
    true
}

#[test]
fn a_changed_leaf_is_noticed() {
    let cases = Gen::from_size_and_seed(100, 3);
    QuickCheck::new().rng(cases).tests(2000).quickcheck(spoilt_is_noticed as fn(Growth, usize, u8) -> bool);
    let ends = ENDS.each_ref().map(|count| count.load(Ordering::Relaxed));
    assert!(ends.iter().all(|count| *count > 100), "{ends:?}");
}

/// A field that is missing is an error; one that may be nothing is nothing then.
#[test]
fn a_missing_field_is_noticed() {
    fn holds(growth: Growth, at: usize) -> bool {
        let before = plain(&grown(&growth));
        let mut value = serde_json::to_value(&before).unwrap();
        let mut fields = Vec::new();
        places(&value, "", &mut Vec::new(), &mut fields);
        let (path, key) = &fields[at % fields.len()];
        let gone = value.pointer_mut(path).and_then(Value::as_object_mut).and_then(|map| map.remove(key)).unwrap();
        serde_json::from_value::<Plain>(value).map_or(true, |read| (read == before) == gone.is_null())
    }
    let cases = Gen::from_size_and_seed(100, 4);
    QuickCheck::new().rng(cases).tests(1000).quickcheck(holds as fn(Growth, usize) -> bool);
}

/// P1: all sets of permissions by their names. Undefined bits are kept, so that `restore` refuses them.
#[test]
fn sets_are_read_back() {
    const NAMES: [&str; 5] = ["READ", "WRITE", "WRITE_UNCHANGED", "RESIZE", "GRAPH_MOD"];
    for bits in 0..=u8::MAX {
        let set = Permissions::from_bits_retain(bits);
        let text = serde_json::to_string(&set).unwrap();
        assert_eq!(serde_json::from_str::<Permissions>(&text).unwrap(), set, "{text}");
        if bits < 32 {
            let names: Vec<_> = (0..5).filter(|bit| bits >> bit & 1 == 1).map(|bit| NAMES[bit]).collect();
            assert_eq!(text, format!("\"{}\"", names.join(" | ")));
        }
        for other in (0..32).map(Permissions::from_bits_retain) {
            let pair = Pair::new(set, other);
            let value = serde_json::to_value(pair).unwrap();
            assert_eq!(serde_json::from_value::<Pair>(value).unwrap(), pair);
        }
    }
}
