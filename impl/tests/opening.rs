//! Plays the cases of `specs/opening/`, and checks that they produce every kind of error.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

#[macro_use]
#[path = "common/shape.rs"]
mod shape;
#[path = "opening/case.rs"]
mod case;
#[path = "opening/catalogue.rs"]
mod catalogue;

use blockgraph::open::{OpenErrorKind, OpenRequest, OpenTree, Options, PendingOpen};
use blockgraph::{ErrorKind, Graph};
use catalogue::{ImageStore, LoggedDriver};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

#[test]
fn every_case_comes_out_as_written_and_every_error_is_met() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../specs/opening");
    let mut paths: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut count, mut failed, mut met) = (0, Vec::new(), BTreeSet::new());
    for path in paths {
        let text = std::fs::read_to_string(&path).unwrap();
        for case in case::parse(&text) {
            match catch_unwind(AssertUnwindSafe(|| case.play())) {
                Ok(kinds) => met.extend(kinds),
                // The panic message has been printed.
                Err(_) => failed.push(format!("{}: {}", path.display(), case.title)),
            }
            count += 1;
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(count >= 30, "{count}");
    // Errors that only a caller without a catalogue can get are tested below.
    let missing: Vec<_> = OpenErrorKind::NAMES.into_iter().filter(|name| !met.contains(*name)).collect();
    assert_eq!(missing, ["LayersLeft"]);
    for kind in ["ProbeDenied", "Conflict", "ReadOnly", "Refused", "DuplicateNode", "BackingUnsupported"] {
        assert!(met.contains(kind), "{kind}");
    }
}

/// Resolves a request with one layer.
fn tree(graph: &Graph<LoggedDriver>, store: &ImageStore) -> OpenTree {
    let request = OpenRequest::default().filename("a.img").protocol(true).temporary_overlay(true);
    OpenTree::resolve(request, graph, store).unwrap()
}

fn log(store: &ImageStore) -> Vec<String> {
    std::mem::take(&mut *store.log.lock().unwrap())
}

#[test]
fn a_caller_opens_the_layers_itself() {
    use blockgraph::open::Catalogue;
    let (mut graph, mut store): (Graph<LoggedDriver>, _) = (Graph::new(), ImageStore::default());
    store.files.insert("a.img".into(), "-".into());
    let open = |store: &mut ImageStore| {
        let mut options = Options::new();
        options.set("filename", "a.img").unwrap();
        store.create_file("file", &mut options).unwrap()
    };
    // An incomplete open: the step is refused, and the open drivers are closed.
    for opened in 0..2 {
        let mut opening = PendingOpen::new(tree(&graph, &store));
        assert_eq!(opening.next_overlay(), None);
        for _ in 0..opened {
            opening.next_layer().unwrap().options_mut().take_text("filename").unwrap();
            opening.layer_opened(open(&mut store)).unwrap();
        }
        log(&store);
        let mut t = graph.transaction();
        let error = t.open_layers(opening).unwrap_err();
        assert_eq!(error.kind(), &OpenErrorKind::LayersLeft { layers: 2 - opened });
        assert_eq!(log(&store).len(), opened);
    }
    // Options that no driver took; a pending open that is dropped.
    let mut opening = PendingOpen::new(tree(&graph, &store));
    let error = opening.layer_opened(open(&mut store)).unwrap_err();
    assert_eq!(error.to_string(), "Block protocol 'file' doesn't support the option 'filename'");
    log(&store);
    drop(opening);
    assert_eq!(log(&store), ["close #block000"]);
    // A complete open. A name that was taken in the meantime is an error of the step.
    for taken in [false, true] {
        let mut opening = PendingOpen::new(tree(&graph, &store));
        opening.next_layer().unwrap().options_mut().take_text("filename").unwrap();
        opening.layer_opened(open(&mut store)).unwrap();
        assert_eq!(opening.next_overlay().map(|name| &**name), Some(if taken { "#block003" } else { "#block001" }));
        opening.layer_opened(store.open_overlay("x").unwrap()).unwrap();
        let mut t = graph.transaction();
        if taken {
            let other = PendingOpen::<LoggedDriver>::new(tree(&t, &store)).next_layer().unwrap().name().clone();
            t.add(blockgraph::NodeSpec::new(other), open(&mut store)).unwrap();
            log(&store);
            let error = t.open_layers(opening).unwrap_err();
            assert!(matches!(error.graph_error().map(|error| error.kind()), Some(ErrorKind::DuplicateNode { .. })));
            assert_eq!(log(&store), ["close #block003", "close #block002"]);
        } else {
            let opened = t.open_layers(opening).unwrap();
            t.commit().unwrap();
            assert_eq!(graph.node("#block001"), Some(opened.top()));
        }
    }
}

/// Displayed names follow the graph and are undone with it.
#[test]
fn displayed_names_follow_every_operation() {
    let (mut graph, mut store): (Graph<LoggedDriver>, _) = (Graph::new(), ImageStore::default());
    for name in ["a", "b"] {
        store.files.insert(name.into(), "qcow2".into());
    }
    let mut options = Options::new();
    options.set("read-only", true).unwrap();
    let mut open = |name| graph.open_image(OpenRequest::new(options.clone()).filename(name), &mut store).unwrap();
    let [a, b] = ["a", "b"].map(&mut open);
    let shown = |graph: &Graph<LoggedDriver>, node| graph.filename(node).unwrap();
    let (a, b, b_file) = (a.node, b.node, b.file.unwrap());
    let mut t = graph.transaction();
    t.append_and_store(a, b).unwrap();
    assert_eq!(shown(&t, a), "a", "the image names it");
    let point = t.savepoint();
    t.set_backing(a, None).unwrap();
    let nothing = r#"json:{"driver":"qcow2","backing":null,"file":{"driver":"file","filename":"a"}}"#;
    assert_eq!(shown(&t, a), nothing);
    t.set_backing(a, Some(b_file)).unwrap();
    let other =
        r#"json:{"driver":"qcow2","backing":{"driver":"file","filename":"b"},"file":{"driver":"file","filename":"a"}}"#;
    assert_eq!(shown(&t, a), other);
    t.rollback_to(point).unwrap();
    assert_eq!(shown(&t, a), "a");
    t.set_file(b, a).unwrap();
    assert_eq!(shown(&t, b), "a");
    t.set_file(a, b).unwrap();
    let cycle = r##"json:{"driver":"qcow2","file":{"driver":"qcow2","file":"#block003"}}"##;
    assert_eq!(shown(&t, b), cycle, "a cycle ends");
    drop(t);
    assert_eq!((shown(&graph, a), shown(&graph, b)), ("a".into(), "b".into()));
    graph.set_file(a, b_file).unwrap();
    assert_eq!(shown(&graph, a), "b");
    graph.eject_driver(b_file).unwrap();
    assert_eq!(shown(&graph, a), r##"json:{"driver":"qcow2","file":"#block002"}"##);
    assert_eq!((graph.filename(b_file), graph.filename(Default::default())), (None, None));
}

/// A walk along every path would take 2^3000 steps.
#[test]
fn displayed_names_visit_each_node_once() {
    use blockgraph::{NodeSpec, Role};
    let (mut graph, mut store): (Graph<LoggedDriver>, _) = (Graph::new(), ImageStore::default());
    store.files.insert("a".into(), "-".into());
    let request = |_| OpenRequest::default().filename("a");
    let mut below = graph.open_image(request(()), &mut store).unwrap().node;
    let mut t = graph.transaction();
    for rung in 0..3000 {
        let driver = t.driver(below).unwrap().clone();
        let node = t.add(NodeSpec::new(format!("n{rung}")), driver).unwrap();
        t.attach(node, below, "file", Role::FILTER).unwrap();
        t.attach(node, below, "x", Role::DATA).unwrap();
        below = node;
    }
    t.commit().unwrap();
    assert_eq!(graph.filename(below).as_deref(), Some(r#"json:{"driver":"raw","file":"n2998","x":"n2998"}"#));
    // A long chain causes no recursion.
    let mut t = graph.transaction();
    let format = LoggedDriver::clone(t.driver(below).unwrap());
    for rung in 0..20_000 {
        let node = t.add(NodeSpec::new(format!("c{rung}")), format.clone()).unwrap();
        t.attach(node, below, "y", Role::DATA).unwrap();
        below = node;
    }
    t.commit().unwrap();
    assert!(graph.filename(below).unwrap().len() > 20_000 * 10);
}
