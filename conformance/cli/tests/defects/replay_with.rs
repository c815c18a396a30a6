//! `replay --with`: scenarios that no machine wrote.

use crate::common::{bad, blockgraph, text};

fn replayed(story: &str, with: &str) -> (Option<i32>, String) {
    let output = blockgraph(&["replay", "-", "--quiet", "--with", with], story.as_bytes());
    (output.status.code(), text(&output.stdout) + &text(&output.stderr))
}

/// Two edges end in a drained node, and one of them goes while the section ends: what runs meanwhile stands before.
#[test]
fn the_step_before_may_run_meanwhile() {
    let drained = "add node=top kind=no-permission\nadd node=side kind=no-permission\nadd node=low kind=no-permission\n\
        attach parent=top child=low name=file role=d\nattach parent=side child=low name=file role=d\n\
        drain-begin node=low\n";
    let (code, said) = replayed(&format!("{drained}detach parent=side name=file\ndrain-end node=low\n"), "H40");
    assert_eq!(code, Some(1), "{said}");
    assert!(said.starts_with("FAILED <stdin>:8: room ") && said.lines().count() == 1, "{said}");
    // Whoever goes earlier, or later, goes undisturbed.
    for quiet in [
        format!("{drained}detach parent=side name=file\nadd node=other kind=no-permission\ndrain-end node=low\n"),
        format!("{drained}drain-end node=low\ndetach parent=side name=file\n"),
    ] {
        assert_eq!(replayed(&quiet, "H40"), (Some(0), String::new()), "{quiet}");
    }
}

/// A driver that refuses stands in the file.
#[test]
fn a_refusal_is_one_of_the_variants() {
    let story = "add node=a kind=protocol\nattach-user user=u node=a need=w share=all-w\n";
    let refused = format!("{story}refuse node=a hook=check\ndetach-user user=u\n");
    let (code, said) = replayed(&refused, "N45");
    assert!(code == Some(1) && said.starts_with("FAILED <stdin>:4: "), "{said}");
    assert_eq!(replayed(&format!("{story}detach-user user=u\n"), "N45"), (Some(0), String::new()));
}

/// A defect shows wherever it can, and the story goes on from the model's state; expectations are held as ever.
#[test]
fn the_story_goes_on() {
    let story = "drain-all-begin\nadd node=a kind=protocol\nadd node=b kind=protocol => error DuplicateNode\n";
    let (code, said) = replayed(story, "H44");
    assert_eq!(code, Some(1));
    let lines: Vec<&str> = said.lines().collect();
    let starts = [
        "FAILED <stdin>:2: room ",
        "FAILED <stdin>:3: model: expected",
        "FAILED <stdin>:3: room ",
        "FAILED <stdin>:3: impl: expected",
    ];
    assert!(lines.len() == 4 && lines.iter().zip(starts).all(|(line, start)| line.starts_with(start)), "{said}");
    let json = blockgraph(&["replay", "-", "--json", "--with", "H44"], b"drain-all-begin\nadd node=a kind=protocol\n");
    let last: serde_json::Value = serde_json::from_str(text(&json.stdout).lines().last().unwrap()).unwrap();
    assert!(json.status.code() == Some(1) && last["faults"][0].as_str().unwrap().contains(", H44: "), "{last}");
}

#[test]
fn the_machines_have_bounds() {
    let nodes: String = (0..7).map(|i| format!("add node=n{i} kind=protocol\n")).collect();
    let edges: String = (0..11).map(|i| format!("attach-user user=u{i} node=a need=- share=all\n")).collect();
    let cases = [
        (nodes, "7:1: more than 6 names of nodes"),
        (format!("add node=a kind=protocol\n{edges}"), "12:1: more than 10 edges"),
        (
            "add node=a kind=protocol\ntransaction { hold node=a; hold node=a; hold node=a; hold node=a }\n".to_owned(),
            "2:1: more than 3 operations in a transaction",
        ),
        (
            "add node=a kind=protocol\nadd node=b kind=protocol\nrefuse node=a hook=check\nrefuse node=b hook=check\n\
             hold node=a\n"
                .to_owned(),
            "5:1: more than one refusal",
        ),
    ];
    for (story, line) in cases {
        let output = blockgraph(&["replay", "-", "--quiet", "--with", "H44"], story.as_bytes());
        bad(&output, &format!("<stdin>:{line}: the museum's machines have no room for that"));
        assert_eq!(blockgraph(&["replay", "-", "--quiet"], story.as_bytes()).status.code(), Some(0));
    }
}
