//! Tests the text form and the JSON form: canonical spellings, messages about mistakes with their places, and reading back
//! what was printed.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failure in a helper must fail the test")]

use blockgraph_model::{Entry, NodeId, Op, OpKind, Queue, UserId};
use blockgraph_story::model_subject::ModelSubject;
use blockgraph_story::stage::Stage;
use blockgraph_story::text::grammar::OPS;
use blockgraph_story::text::scenario::{Body, MOST_EDGES, MOST_NODES, Scenario, Step};
use blockgraph_story::text::{json, parse, print};

#[test]
fn the_tables_have_the_verbs_of_the_model() {
    let verbs: Vec<_> = OPS.iter().map(|schema| schema.verb).collect();
    assert_eq!(verbs, Op::VERBS);
}

#[test]
fn generated_operations_get_generated_names() {
    let entry = |node, backing| Entry { backing, ..Entry::new(NodeId(node), false) };
    let queue = Queue::new(&[entry(5, Some(Some(NodeId(6)))), entry(7, Some(None))]).unwrap();
    let ops = [Op::Release { node: NodeId(3) }, Op::DetachUser { user: UserId(1) }, Op::Reopen { queue }];
    let scenario = Scenario::of_ops([&ops[..1], &ops[..]]);
    let text = "name node=n3\nrelease node=n3\nname user=u1\nname node=n5\nname node=n6\nname node=n7\n\
                transaction {\n  release node=n3\n  detach-user user=u1\n  reopen {\n    node=n5 backing=n6\n    \
                node=n7 backing=none\n  }\n}\n";
    assert_eq!(print(&scenario), text);
    // After reading, the names have other numbers, but the text is the same.
    assert_eq!(print(&parse(text).unwrap().0), text);
}

/// Every accepted spelling is printed in canonical form (T16).
#[test]
fn canonical_spellings() {
    let cases = [
        ("add kind=format node=a # new", "add node=a kind=format\n"),
        ("add node=#1 kind=format flags=-", "add node=#1 kind=format\n"),
        ("add node=a kind=blkdebug take=gr", "add node=a kind=blkdebug take=rg unshare=-\n"),
        ("add node=a kind=blkdebug take=- unshare=-", "add node=a kind=blkdebug\n"),
        ("add node=a kind=quorum options=none", "add node=a kind=quorum options=none\n"),
        (
            "name user=u\nset-user user=u need=all-g share=all-zw",
            "name user=u\nset-user user=u need=rwuz share=all-wz\n",
        ),
        (
            "name node=a\nattach parent=a child=a name=x role=primary+dm",
            "name node=a\nattach parent=a child=a name=x role=dmp\n",
        ),
        ("\n\ntransaction { } => ok\r\n", "transaction { } => ok\n"),
        (
            "transaction { add node=a kind=filter; ; release node=a }=>error NoHolder at=1",
            "transaction {\n  add node=a kind=filter\n  release node=a\n} => error NoHolder at=1\n",
        ),
        (
            "add node=a kind=filter\nexpect graph { node node=a need=-; absent a }",
            "add node=a kind=filter\nexpect graph {\n  node a need=-\n  absent a\n}\n",
        ),
        (
            "name node=a\nreopen { backing=none read-only=off\tnode=a keep=off unshare=zr; }=>ok prepare=-",
            "name node=a\nreopen { node=a read-only=off take=- unshare=rz backing=none } => ok prepare=-\n",
        ),
        (
            "name node=a\nreopen {\n\n  node=a ; # one\n  # two\n node=a keep=on file=a}",
            "name node=a\nreopen {\n  node=a\n  node=a keep=on file=a\n}\n",
        ),
        (
            "name node=a\ntransaction { reopen { node=a }; eject node=a; reopen { node=a\nnode=a } }",
            "name node=a\ntransaction {\n  reopen { node=a }\n  eject node=a\n  reopen {\n    node=a\n    node=a\n  }\n}\n",
        ),
        (
            "name user=u\nblock user=u kinds=stream,resize,stream\nunblock user=u kinds=-",
            "name user=u\nblock user=u kinds=resize,stream\nunblock user=u kinds=-\n",
        ),
        (
            &format!("name user=u\nblock user=u kinds={}", OpKind::NAMES.join(",")),
            "name user=u\nblock user=u kinds=all\n",
        ),
        ("name node=a\nappend top=a new=a store=off", "name node=a\nappend new=a top=a\n"),
        (
            "name node=a\ndrop-intermediate name=a top=a base=a =>error SameNode",
            "name node=a\ndrop-intermediate top=a base=a name=a => error SameNode\n",
        ),
        (
            "add node=a kind=filter flags=implicit,ro\nopen-child role=mp name=x kind=format node=b parent=a",
            "add node=a kind=filter flags=ro,implicit\nopen-child parent=a node=b kind=format name=x role=mp\n",
        ),
    ];
    for (written, canonical) in cases {
        let (scenario, _) = parse(written).unwrap_or_else(|problem| panic!("{written}: {problem}"));
        assert_eq!(print(&scenario), canonical, "{written}");
    }
}

const NAME: &str = "expected a name (letters, digits and `_.#-`, not `none`), found";
const PERMS: &str = "expected permissions (letters of `rwuzg`, `-`, `all`, or `all-` and letters), found";

#[test]
fn mistakes_in_fields_and_values_have_a_place() {
    let cases = [
        ("", "1:1: no operation in the whole file".to_owned()),
        ("# nothing\n\n", "3:1: no operation in the whole file".to_owned()),
        ("name node=a", "1:12: no operation in the whole file".to_owned()),
        ("\n  } ", "2:3: expected an operation, found `}`".to_owned()),
        ("release", "1:1: missing key `node` of `release`".to_owned()),
        ("release nod=a", "1:9: unknown key `nod` of `release`: expected `node`".to_owned()),
        ("release a", "1:9: expected `key=value`, found `a`".to_owned()),
        ("release #a", "1:9: expected `key=value`, found `#a` (a comment has a blank after its `#`)".to_owned()),
        ("release node=a node=b", "1:16: duplicate key `node`".to_owned()),
        (
            "release node=a",
            "1:14: unknown node `a`: no line before this one adds it, or declares it by `name node=…`".to_owned(),
        ),
        (
            "detach-user user=a",
            "1:18: unknown user `a`: no line before this one attaches it, or declares it by `name user=…`".to_owned(),
        ),
        ("name node=a=b\n", format!("1:11: {NAME} `a=b`")),
        ("name node=none\n", format!("1:11: {NAME} `none`")),
        ("name node=\n", format!("1:11: {NAME} nothing")),
        ("name node=ä\n", format!("1:11: {NAME} `ä`")),
        ("name node=-.\n", format!("1:11: {NAME} `-.`")),
        ("name", "1:1: expected one of `node=…`, `user=…`, `child=…`".to_owned()),
        ("name user=u\nset-user user=u share=all need=rr", format!("2:32: {PERMS} `rr`")),
        ("name user=u\nset-user user=u share=all- need=r", format!("2:23: {PERMS} `all-`")),
        ("add node=a kind=quorum rewrite=yes", "1:32: expected on or off, found `yes`".to_owned()),
        (
            "add node=a kind=quorum rewrite=on take=w",
            "1:1: `rewrite` does not go with `take`: options of two driver kinds".to_owned(),
        ),
        (
            "name node=a\nset-option node=a",
            "2:1: missing options: expected `take`, `unshare`, `rewrite`, `select`, `phase`, `unaligned` or \
                `options=none`"
                .to_owned(),
        ),
        (
            "add node=a kind=filter flags=ro,rw",
            "1:30: expected flags out of ro, force-share, no-io, never-freeze, implicit, inactive or `-`, found `rw`"
                .to_owned(),
        ),
        ("add node=a kind=filter\nadd node=a kind=filter", duplicate("2:10", "node `a`")),
    ];
    assert_messages(&cases);
}

#[test]
fn mistakes_around_operations_have_a_place() {
    let cases = [
        ("add node=a kind=filter; add node=b kind=filter", "1:23: expected the end of the line, found `;`".to_owned()),
        ("add node=a kind=filter => good", "1:27: expected `ok` or `error` after `=>`, found `good`".to_owned()),
        ("add node=a kind=filter => error", "1:32: expected an error, found the end of the line".to_owned()),
        ("add node=a kind=filter => error ok", "1:33: unknown error `ok`".to_owned()),
        (
            "add node=a kind=filter => ok at=1",
            "1:30: unknown key `at` of `ok`: expected `prepare`, `rename`, `inactivate`, `context`, `check`, `activate`, `quiesce`, `resume`, `closed`".to_owned(),
        ),
        ("transaction\n{ }", "1:12: expected `{` after `transaction`, found the end of the line".to_owned()),
        ("transaction { transaction { } }", "1:15: transactions do not nest".to_owned()),
        ("transaction {\n  refuse node=a hook=check }", "2:3: `refuse` belongs outside the transaction".to_owned()),
        ("transaction {\n", "2:1: expected an operation or `}`, found the end of the file".to_owned()),
        (
            "transaction { add node=a kind=filter => ok }",
            "1:38: an expectation belongs after the closing `}`".to_owned(),
        ),
        (
            "expect graph { absent a }",
            "1:23: unknown node `a`: no line before this one adds it, or declares it by `name node=…`".to_owned(),
        ),
        ("name node=a\nexpect graph { absent a }", "2:1: `expect graph` belongs after an operation".to_owned()),
        ("transaction { }\nexpect nothing", "2:8: expected `graph` after `expect`, found `nothing`".to_owned()),
        ("transaction { }\nexpect graph { }", "2:16: expected at least one line in `expect graph`".to_owned()),
        (
            "name node=a\nrefuse node=a hook=check",
            "2:25: expected an operation after `refuse`, found the end of the file".to_owned(),
        ),
        (
            "name node=a\nrefuse node=a hook=commit",
            "2:20: expected flush or prepare or rename or inactivate or context or check or activate, found `commit`".to_owned(),
        ),
        (
            "add node=a kind=filter => ok\nexpect graph { edge a.file to=a }",
            "2:21: expected an edge (`parent/child` or `@user`), found `a.file`".to_owned(),
        ),
    ];
    assert_messages(&cases);
}

#[test]
fn mistakes_in_lists_have_a_place() {
    let kinds = OpKind::NAMES.join(", ");
    let cases = [
        ("reopen", "1:7: expected `{` and an entry, found the end of the line".to_owned()),
        ("reopen => ok", "1:8: expected `{` and an entry, found `=>`".to_owned()),
        ("reopen { }", "1:8: expected at least one entry".to_owned()),
        ("reopen {\n\n", "3:1: expected an entry or `}`, found the end of the file".to_owned()),
        ("reopen { { node=a } }", "1:10: expected an entry or `}`, found `{`".to_owned()),
        ("reopen { node=a { } }", "1:17: expected `;`, `}` or the end of the line, found `{`".to_owned()),
        ("reopen { node=a => ok }", "1:17: an expectation belongs after the closing `}`".to_owned()),
        ("reopen { node=a } { node=a }", "1:19: duplicate key `queue`".to_owned()),
        ("reopen queue=a", "1:14: expected a list of entries, found `a`".to_owned()),
        ("reopen queue=a { node=a }", "1:16: duplicate key `queue`".to_owned()),
        ("reopen keep=on { node=a }", "1:8: unknown key `keep` of `reopen`: expected `queue`".to_owned()),
        ("reopen { a }", "1:10: expected `key=value`, found `a`".to_owned()),
        ("reopen {\n  keep=on; }", "2:3: missing key `node` of `entry`".to_owned()),
        (
            "name node=a\nreopen { node=a\n  node=b }",
            "3:8: unknown node `b`: no line before this one adds it, or declares it by `name node=…`".to_owned(),
        ),
        ("name node=a\nreopen { node=a; node=a node=a }", "2:25: duplicate key `node`".to_owned()),
        (
            "name node=a\nreopen { node=a ro=on }",
            "2:17: unknown key `ro` of `entry`: expected `node`, `keep`, `read-only`, `take`, `unshare`, `rewrite`, \
                `select`, `phase`, `unaligned`, `options`, `backing`, `file`"
                .to_owned(),
        ),
        (
            "name node=a\nreopen {\n  node=a\n  node=a take=- rewrite=on }",
            "4:3: `rewrite` does not go with `take`: options of two driver kinds".to_owned(),
        ),
        ("name node=a\nreopen { node=a file=none }", format!("2:22: {NAME} `none`")),
        (
            "name node=a\nreopen { node=a; node=a; node=a\nnode=a; node=a; node=b }",
            "3:9: more than 4 entries in a list".to_owned(),
        ),
        ("transaction { reopen { transaction { } } }", "1:24: expected `key=value`, found `transaction`".to_owned()),
        (
            "name node=a\ntransaction { reopen { node=a }",
            "2:32: expected an operation or `}`, found the end of the file".to_owned(),
        ),
        ("release { node=a }", "1:1: missing key `node` of `release`".to_owned()),
        ("name node=a\nrelease node=a { }", "2:16: expected the end of the line, found `{`".to_owned()),
        (
            "name user=u\nblock user=u kinds=resize,shrink",
            format!("2:20: expected a kind of operation ({kinds}), found `shrink`"),
        ),
        ("name node=a\ncheck-op node=a kind=all", format!("2:22: expected a kind of operation ({kinds}), found `all`")),
    ];
    assert_messages(&cases);
}

fn assert_messages(cases: &[(&str, String)]) {
    for (text, message) in cases {
        match parse(text) {
            Ok(_) => panic!("no mistake found in {text:?}"),
            Err(problem) => assert_eq!(problem.to_string(), *message, "{text}"),
        }
    }
}

#[test]
fn messages_about_unknown_words_list_the_known_words() {
    let message = |text: &str| parse(text).unwrap_err().to_string();
    assert!(
        message(" ad node=a").starts_with("1:2: unknown operation `ad`: expected one of add, release, attach-user,")
    );
    let error = message("transaction { } => error Conflicts");
    assert!(error.starts_with("1:26: unknown error `Conflicts`: expected one of Refused, NodeNotFound,"), "{error}");
    let line = message("transaction { }\nexpect graph { nodes a }");
    assert_eq!(line, "2:16: unknown expectation `nodes`: expected one of graph, node, edge, user, absent");
}

fn duplicate(place: &str, what: &str) -> String {
    format!("{place}: duplicate name: {what} is in use already (if that is meant, expect an error)")
}

/// T12: a second use of a name that is certainly in use is an error of the file; every other second use is an outcome.
#[test]
fn duplicate_names() {
    let refused_texts = [
        ("add node=a kind=filter\ninsert new=a kind=filter top=a", "2:12", "node `a`"),
        ("transaction { add node=a kind=filter } => ok\nadd node=a kind=filter", "2:10", "node `a`"),
        ("transaction { add node=a kind=filter; add node=a kind=filter }", "1:48", "node `a`"),
        ("add node=a kind=format\nopen-child parent=a node=a kind=format name=x role=d", "2:26", "node `a`"),
        ("add node=a kind=filter flags=implicit\nadd node=a kind=filter", "2:10", "node `a`"),
        ("name node=a\nhold node=a => ok\nadd node=a kind=filter", "3:10", "node `a`"),
        (
            "add node=a kind=filter\nattach-user user=u node=a need=- share=- => ok\nattach-user user=u node=a need=- share=-",
            "3:18",
            "user `u`",
        ),
    ];
    for (text, place, what) in refused_texts {
        assert_eq!(parse(text).unwrap_err().to_string(), duplicate(place, what), "{text}");
    }
    let accepted_texts = [
        "add node=a kind=filter\nadd node=a kind=filter => error DuplicateNode",
        "add node=a kind=filter\nrelease node=a\nadd node=a kind=filter",
        "add node=a kind=filter\ndrop-filter filter=a\nadd node=a kind=filter",
        "add node=a kind=filter\ndelete node=a\nadd node=a kind=filter",
        "add node=a kind=filter\nhold node=a\nrelease node=a\nadd node=a kind=filter",
        "name node=a\nhold node=a\nadd node=a kind=filter",
        "add node=a kind=format flags=implicit\nadd node=a kind=filter",
        "add node=a kind=format\nopen-child parent=a node=b kind=format name=x role=d => ok\nadd node=b kind=filter",
        "add node=a kind=filter flags=force-share\nadd node=a kind=filter",
        "add node=a kind=quorum options=none\nadd node=a kind=filter",
        "transaction { add node=a kind=filter }\nadd node=a kind=filter",
        "transaction { add node=a kind=filter } => error NoHolder\nadd node=a kind=filter",
        "name node=u\nattach-user user=u node=u need=- share=-\nattach-user user=u node=u need=- share=-",
    ];
    for text in accepted_texts {
        assert!(parse(text).is_ok(), "{text}");
    }
}

#[test]
fn too_many_names() {
    let lines: String = (0..257).map(|i| format!("add node=n{i} kind=protocol\n")).collect();
    assert_eq!(parse(&lines).unwrap_err().to_string(), "257:10: more than 256 nodes");
}

#[test]
fn mistakes_in_json() {
    let cases = [
        ("{", "1:1: EOF while parsing an object"),
        ("[]", "the document: expected an object"),
        ("{}", "expected an object with the one key `scenario`, a list"),
        (r#"{"scenario":[]}"#, "no operation in the whole file"),
        (r#"{"scenario":[1]}"#, "item 1 of the scenario: operation: expected an object"),
        (r#"{"scenario":[{"op":"release"}]}"#, "item 1 of the scenario: missing key `node` of `release`"),
        (
            r#"{"scenario":[{"op":"release","node":{}}]}"#,
            "item 1 of the scenario: `node`: expected a word, found an object",
        ),
        (
            r#"{"scenario":[{"op":"name","user":"none"}]}"#,
            "item 1 of the scenario: `user`: expected a name (letters, digits and `_.#-`, not `none`), found `none`",
        ),
        (
            r#"{"scenario":[{"op":"transaction","ops":[{"op":"transaction"}]}]}"#,
            "item 1 of the scenario: transactions do not nest",
        ),
        (
            r#"{"scenario":[{"op":"transaction","op2":[]}]}"#,
            "item 1 of the scenario: unknown key `op2` of `transaction`: expected `ops`",
        ),
        (
            r#"{"scenario":[{"op":"add","node":"a","kind":"filter"},{"op":"add","node":"a","kind":"filter"}]}"#,
            "item 2 of the scenario: duplicate name: node `a` is in use already (if that is meant, expect an error)",
        ),
        (r#"{"scenario":[{"op":"reopen"}]}"#, "item 1 of the scenario: missing key `queue` of `reopen`"),
        (r#"{"scenario":[{"op":"reopen","queue":[]}]}"#, "item 1 of the scenario: expected at least one entry"),
        (r#"{"scenario":[{"op":"reopen","queue":"a"}]}"#, "item 1 of the scenario: `queue`: expected a list"),
        (r#"{"scenario":[{"op":"reopen","queue":["a"]}]}"#, "item 1 of the scenario: queue: expected an object"),
        (
            r#"{"scenario":[{"op":"name","node":"a"},{"op":"reopen","queue":[{"node":"a"},{"node":"a","keep":1}]}]}"#,
            "item 2 of the scenario: entry 2: `keep`: expected on or off, found `1`",
        ),
        (
            r#"{"scenario":[{"op":"name","node":"a"},{"op":"reopen","queue":[{"node":[{}]}]}]}"#,
            "item 2 of the scenario: `node`: expected a word, found an object",
        ),
        (
            r#"{"scenario":[{"op":"name","node":"a"},{"op":"reopen","queue":[{"node":"a","take":"-","select":null}]}]}"#,
            "item 2 of the scenario: entry 1: `select` does not go with `take`: options of two driver kinds",
        ),
        (
            r#"{"scenario":[{"op":"name","node":"a"},{"op":"reopen","queue":[{"node":"a"},{"node":"a"},{"node":"a"},{"node":"a"},{"node":"a"}]}]}"#,
            "item 2 of the scenario: more than 4 entries in a list",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(json::parse(text).unwrap_err().to_string(), message, "{text}");
    }
}

/// T18: JSON accepts the words of the text form and its own forms for the same values.
#[test]
fn json_accepts_words_and_its_own_forms() {
    let own = r#"{"scenario":[{"op":"name","node":"a"},{"op":"set-backing","node":"a","to":null},
        {"op":"add","node":"b","kind":"quorum","flags":["ro","no-io"],"rewrite":true,"expect":{"answer":"ok","closed":[]}}]}"#;
    let words = r#"{"scenario":[{"op":"name","node":"a"},{"op":"set-backing","node":"a","to":"none"},
        {"op":"add","node":"b","kind":"quorum","flags":"ro,no-io","rewrite":"on","expect":{"answer":"ok","closed":"-"}}]}"#;
    assert_eq!(json::parse(own).unwrap(), json::parse(words).unwrap());
}

/// T18: the entries of a reopen are an array of objects.
#[test]
fn a_reopen_in_json() {
    let text = "name node=a\nreopen { node=a read-only=on backing=none } => ok rename=-\n";
    let object = r#"{"op":"reopen","queue":[{"node":"a","read-only":true,"backing":null}],"expect":{"answer":"ok","rename":[]}}"#;
    let (scenario, _) = parse(text).unwrap();
    assert_eq!(json::print(&scenario).unwrap().lines().nth(2), Some(format!("  {object}").as_str()));
    assert_eq!(json::parse(&json::print(&scenario).unwrap()).unwrap(), scenario);
}

/// Exceeding a bound of the model is an error of the file and not an outcome (T2).
#[test]
fn too_many_holders() {
    let (scenario, _) = parse("add node=a kind=filter\nhold node=a").unwrap();
    let steps: Vec<_> = scenario.steps().collect();
    let many = Step { body: Body::Transaction(vec![steps[1].body.ops()[0]; 65535]), ..steps[1].clone() };
    let mut stage = Stage::single(Box::new(ModelSubject::<MOST_NODES, MOST_EDGES>::default()));
    let mut play = |step: &Step| stage.play(step, &scenario.names).map(|report| report.faults);
    assert_eq!(play(steps[0]), Ok(Vec::new()));
    assert_eq!(play(&many), Ok(Vec::new()));
    assert_eq!(play(steps[1]), Err("more than 65535 callers hold a node".to_owned()));
}
