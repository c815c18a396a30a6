//! The text form and its JSON twin, with operations drawn at random from the tables: what is printed is read back as the same.
#![allow(clippy::unwrap_used, clippy::panic, reason = "what a test's helpers cannot do fails the test")]

mod every_verb;
mod outcomes;
mod random_records;

use blockgraph_story::text::{json, parse, print};
use quickcheck::QuickCheck;
use random_records::Any;

#[test]
fn what_is_printed_is_read_back() {
    fn holds(Any(scenario): Any) -> bool {
        let text = print(&scenario);
        match parse(&text) {
            Ok((read, lines)) => read == scenario && print(&read) == text && lines.len() == read.items.len(),
            Err(problem) => panic!("{problem} in\n{text}"),
        }
    }
    QuickCheck::new().tests(2000).quickcheck(holds as fn(Any) -> bool);
}

#[test]
fn json_is_read_back() {
    fn holds(Any(scenario): Any) -> bool {
        let text = json::print(&scenario).unwrap();
        match json::parse(&text) {
            Ok(read) => read == scenario,
            Err(problem) => panic!("{problem} in\n{text}"),
        }
    }
    QuickCheck::new().tests(1000).quickcheck(holds as fn(Any) -> bool);
}

/// Whatever a slip of the hand makes of a file: an answer, or one line with a place inside the file.
#[test]
fn damaged_text_is_refused_in_one_line() {
    fn holds(Any(scenario): Any, cut: usize, put: usize, what: u8) -> bool {
        let signs = ["", "{", "}", ";", "=>", "=", "\n", " ", "#", "-", "ü", "\u{1b}", "transaction { ", "node=x", ","];
        let text: Vec<char> = print(&scenario).chars().collect();
        let (cut, put) = (cut % text.len(), put % text.len());
        let mut damaged: String = text[..cut].iter().collect();
        damaged.push_str(signs[usize::from(what) % signs.len()]);
        damaged.extend(&text[cut.max(put)..]);
        match parse(&damaged) {
            Ok((read, _)) => parse(&print(&read)).is_ok_and(|(again, _)| again.items == read.items),
            Err(problem) => {
                let lines: Vec<_> = damaged.split('\n').collect();
                let there = |line: &&str| problem.place.column <= line.chars().count() + 1;
                let line = problem.to_string();
                problem.place.column > 0
                    && lines.get(problem.place.line - 1).is_some_and(there)
                    && line.chars().all(|c| !c.is_control())
            }
        }
    }
    QuickCheck::new().tests(3000).quickcheck(holds as fn(Any, usize, usize, u8) -> bool);
}

/// T17: text, JSON and text again, and the other way round; each spelling is the only one of what it says.
#[test]
fn both_spellings_say_the_same() {
    fn holds(Any(scenario): Any) -> bool {
        let (text, object) = (print(&scenario), json::print(&scenario).unwrap());
        let from_text = parse(&text).unwrap().0;
        let from_object = json::parse(&object).unwrap();
        from_text == from_object && json::print(&from_text).unwrap() == object && print(&from_object) == text
    }
    QuickCheck::new().tests(500).quickcheck(holds as fn(Any) -> bool);
}
