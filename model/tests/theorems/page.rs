//! Pages with generated blocks: what stands between `<!-- generated: NAME -->` and `<!-- end -->`, each alone on its line, is
//! computed by a test, which compares it, or writes it if `UPDATE=1` is in the environment.

use std::path::Path;

/// A block: its name, and the lines between its markers.
pub type Block = (&'static str, String);

const BEGIN: &str = "<!-- generated: ";
const END: &str = "<!-- end -->";

/// Holds a page to what was computed: exactly these blocks stand on it, each once, as they are.
pub fn hold(page: &Path, computed: &[Block]) {
    let text = std::fs::read_to_string(page).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
    let filled = filled(&text, computed).unwrap_or_else(|wrong| panic!("{}: {wrong}", page.display()));
    if filled == text {
        return;
    }
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(page, filled).unwrap_or_else(|e| panic!("{}: {e}", page.display()));
        return;
    }
    panic!("{}: {}", page.display(), difference(&text, &filled));
}

/// A table of a page, with its headings.
pub fn table<const N: usize>(headings: [&str; N], rows: impl IntoIterator<Item = [String; N]>) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let rule = format!("|{}\n", "---|".repeat(N));
    let rows: String = rows.into_iter().map(|row| line(&row)).collect();
    line(&headings.map(str::to_owned)) + &rule + &rows
}

/// Lines as they are, between fences.
pub fn verbatim(lines: &str) -> String {
    format!("```text\n{}\n```\n", lines.trim_end())
}

/// So many of something.
pub fn some(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

/// A number as people read it.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|group| std::str::from_utf8(group).ok()).collect();
    groups.join(",")
}

/// The page with the computed text in its blocks.
fn filled(page: &str, computed: &[Block]) -> Result<String, String> {
    let mut out = String::new();
    let mut met = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        out += line;
        out.push('\n');
        let Some(name) = line.strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix(" -->")) else {
            continue;
        };
        let Some((_, block)) = computed.iter().find(|(known, _)| *known == name) else {
            return Err(format!("nothing computes the block `{name}`"));
        };
        if met.contains(&name) {
            return Err(format!("the block `{name}` stands here twice"));
        }
        met.push(name);
        // A marker that is missing must not swallow the next block.
        if lines.find(|line| *line == END || line.starts_with(BEGIN)) != Some(END) {
            return Err(format!("the block `{name}` has no end"));
        }
        out += block.trim_end();
        out.push('\n');
        out += END;
        out.push('\n');
    }
    match computed.iter().find(|(name, _)| !met.contains(name)) {
        Some((name, _)) => Err(format!("there is no block `{name}`")),
        None => Ok(out),
    }
}

/// Where the page first says something else.
fn difference(text: &str, filled: &str) -> String {
    let count = text.lines().zip(filled.lines()).take_while(|(a, b)| a == b).count();
    let at = |text: &str| text.lines().nth(count).unwrap_or("(the end)").to_owned();
    let (says, computed) = (at(text), at(filled));
    format!(
        "line {} says\n  {says}\nand computed was\n  {computed}\nUnderstand why, then set UPDATE=1 and run the test again",
        count + 1
    )
}

const PAGE: &str =
    "A page.\n<!-- generated: one -->\n1\n2\n<!-- end -->\n<!-- generated: two -->\n<!-- end -->\nIts end.\n";

#[test]
fn blocks_are_filled_and_the_rest_stays() {
    let both = [("two", "3".to_owned()), ("one", "1\n2\n".to_owned())];
    let expected = PAGE.replace("two -->\n", "two -->\n3\n");
    assert_eq!(filled(PAGE, &both).as_deref(), Ok(expected.as_str()));
    assert_eq!(filled(&expected, &both).as_deref(), Ok(expected.as_str()), "what is right stays as it is");
    assert!(difference(PAGE, &expected).starts_with("line 7 says\n  <!-- end -->\nand computed was\n  3\n"));
}

#[test]
fn what_does_not_match_is_an_error() {
    let (one, two) = (("one", "1".to_owned()), ("two", "2".to_owned()));
    let wrong = |page: &str, blocks: &[Block]| filled(page, blocks).unwrap_err();
    assert_eq!(wrong(PAGE, std::slice::from_ref(&one)), "nothing computes the block `two`");
    assert_eq!(wrong(PAGE, &[one.clone(), two.clone(), ("three", String::new())]), "there is no block `three`");
    assert_eq!(wrong(&PAGE.replacen(END, "", 1), &[one.clone(), two.clone()]), "the block `one` has no end");
    assert_eq!(wrong(&PAGE.replace("two", "one"), &[one]), "the block `one` stands here twice");
    assert_eq!(wrong("<!-- generated: two -->\n", &[two]), "the block `two` has no end");
}

#[test]
fn tables_and_numbers_read_well() {
    assert_eq!(table(["a", "b"], [["1".into(), "2".into()]]), "| a | b |\n|---|---|\n| 1 | 2 |\n");
    assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    assert_eq!([0, 1, 2].map(|number| some(number, "edge")), ["0 edges", "1 edge", "2 edges"]);
    assert_eq!(verbatim("a\n"), "```text\na\n```\n");
}
