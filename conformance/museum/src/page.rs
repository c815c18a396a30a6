//! Pages about defects. A person writes why the defect happens; what can be measured is generated between two marks.
//!
//! A page names its defect in a line `<!-- defect: H07 -->`. The text between `<!-- generated -->` and `<!-- end -->`
//! is rewritten. It contains nothing that depends on the speed of the machine.

use crate::{FoundDefect, Report, RoomReport, hall, place};
use blockgraph_model::machines::{About, Defect, Hall};
use blockgraph_model::{Outcome, State, execute};
use blockgraph_story::counterexample;
use blockgraph_story::drawing::draw;
use blockgraph_story::model_subject::{answer, observe};
use blockgraph_story::text::Names;
use blockgraph_story::text::results::answer_line;
use blockgraph_story::turn::Turn;
use std::fmt::Write;

const DEFECT: (&str, &str) = ("<!-- defect: ", " -->");
const START: &str = "<!-- generated -->\n";
const END: &str = "<!-- end -->";

/// Returns the defect that a page names, or `None`.
///
/// # Errors
/// If there is no such defect.
pub fn defect(page: &str) -> Result<Option<Defect>, String> {
    let (before, after) = DEFECT;
    let named = page.lines().find_map(|line| line.strip_prefix(before)?.strip_suffix(after));
    named.map(|id| Defect::of(id).ok_or_else(|| format!("no defect {id:?}"))).transpose()
}

/// Returns the page with its generated block rewritten.
///
/// # Errors
/// If the marks are missing, repeated or in the wrong order, or if the defect was not met.
pub fn rewritten(page: &str, defect: Defect, report: &Report) -> Result<String, String> {
    let marks = |mark: &str| page.matches(mark).count();
    let parts = page.split_once(START).and_then(|(head, rest)| Some((head, rest.split_once(END)?.1)));
    let (Some((head, tail)), 1, 1) = (parts, marks(START), marks(END)) else {
        return Err(format!("expected one line {} and after it one line {END}", START.trim_end()));
    };
    let block = block(defect, report).ok_or_else(|| format!("{} was not met", defect.id()))?;
    Ok(format!("{head}{START}{block}{END}{tail}"))
}

/// Returns the generated block of a defect, or `None` if the defect was not met.
pub fn block(defect: Defect, report: &Report) -> Option<String> {
    let (room, met) = report.show(defect).best?;
    let about = defect.about();
    // Writing to a string cannot fail, here and below.
    let mut text = String::new();
    let _ = writeln!(text, "\n**{}**: {}. {}\n", about.id, about.title, origin(&about, room.room.hall));
    text.push_str(&trace(met));
    text.push_str(&graphs(met));
    let _ = writeln!(text, "The machine did otherwise: {}.\n", met.did);
    let _ = writeln!(text, "{}", figures(room, met));
    let (id, file) = (about.id, about.id.to_lowercase());
    let _ = writeln!(text, "Reproduce: `blockgraph defects --defect {id} --out DIR`, then");
    let _ = writeln!(
        text,
        "`blockgraph replay DIR/{file}.scenario --with {id}` fails in its last step; without `--with` it passes on model \
         and crate.\n"
    );
    Some(text)
}

/// Describes a defect's place in QEMU's history, the machine that shows it, and what it breaks.
pub fn origin(about: &About, met: Hall) -> String {
    let mended = match (about.commit, about.release) {
        ("", "") => "Not known to be mended in QEMU".to_owned(),
        ("", release) => format!("Mended in QEMU {release}"),
        (commit, release) => format!("Mended in QEMU {release} by commit {commit}"),
    };
    format!("{mended}; machine *{}*; breaks {}.", hall(met), about.breaks)
}

/// Returns the states before each turn, and after the last one.
fn states(story: &[Turn]) -> Vec<State<6, 10>> {
    let mut all = vec![State::default()];
    for turn in story {
        let before = all.last().copied().unwrap_or_default();
        all.push(match execute(&before, &turn.ops, &turn.refusals) {
            Outcome::Done { next, .. } => next,
            _ => before,
        });
    }
    all
}

fn right(state: &State<6, 10>, turn: &Turn) -> String {
    answer_line(&answer(&execute(state, &turn.ops, &turn.refusals)), &Names::numbered())
}

fn trace(met: &FoundDefect) -> String {
    let mut text = "| step | operation | answer |\n|---:|---|---|\n".to_owned();
    let first = met.story.len().saturating_sub(met.together + 1);
    for (place, (turn, before)) in met.story.iter().zip(states(&met.story)).enumerate() {
        let meanwhile =
            if place >= first && place + 1 < met.story.len() { " *(while the last step is under way)*" } else { "" };
        let (op, answer) = (cell(&counterexample::line(turn)), cell(&right(&before, turn)));
        let _ = writeln!(text, "| {} | `{op}`{meanwhile} | `{answer}` |", place + 1);
    }
    text + "\n"
}

/// Escapes bars, which end a cell in a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn graphs(met: &FoundDefect) -> String {
    let states = states(&met.story);
    let drawn = |state: &State<6, 10>| format!("```text\n{}```\n\n", draw(&observe(state), &Names::numbered()));
    let last = met.story.len().saturating_sub(1);
    let (before, after) = (&states[last - met.together.min(last)], &states[met.story.len()]);
    if met.together > 0 {
        let steps = met.together + 1;
        return format!(
            "The graph before the last {steps} steps, which run at the same time:\n\n{}and rightly after them:\n\n{}",
            drawn(before),
            drawn(after)
        );
    }
    let before_it = format!("The graph before the last step:\n\n{}", drawn(before));
    if before != after {
        return format!("{before_it}and rightly after it:\n\n{}", drawn(after));
    }
    let answer = met.story.last().map(|turn| right(before, turn)).unwrap_or_default();
    format!("{before_it}Right is `{answer}`, and the graph stays as it is.\n\n")
}

fn figures(room: &RoomReport, met: &FoundDefect) -> String {
    let rows = [
        ("steps", met.story.len().to_string()),
        ("states until it was met", met.states.to_string()),
        ("where", place(&room.room)),
        ("states of that room", room.unique.to_string()),
        ("its transitions, variants besides", format!("{}, {}", room.transitions, room.injections)),
        ("of these show it", met.count.to_string()),
    ];
    let lines: String = rows.iter().map(|(what, value)| format!("| {what} | {value} |\n")).collect();
    format!("| | |\n|---|---|\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::{defect, rewritten};
    use crate::explore;
    use blockgraph_model::machines::Defect;
    use blockgraph_model::machines::museum::rooms;

    #[test]
    fn a_page_says_of_which_defect_it_is() {
        assert_eq!(defect("# x\n<!-- defect: H07 -->\n"), Ok(Some(Defect::H07)));
        assert_eq!(defect("# x\n"), Ok(None));
        assert_eq!(defect("<!-- defect: H99 -->"), Err("no defect \"H99\"".to_owned()));
    }

    #[test]
    fn only_what_is_between_the_marks_is_rewritten() {
        let rooms = rooms().into_iter().filter(|room| room.defects == [Defect::H44]).collect();
        let report = explore(rooms, vec![Defect::H44], 1, &|_, _| {});
        let page = "above\n<!-- generated -->\nold\n<!-- end -->\nbelow\n";
        let new = rewritten(page, Defect::H44, &report).unwrap();
        assert!(new.starts_with("above\n<!-- generated -->\n\n**H44**: ") && new.ends_with("\n<!-- end -->\nbelow\n"));
        assert!(new.contains("| 2 | `add node=n0") && !new.contains("old"), "{new}");
        assert_eq!(rewritten(&new, Defect::H44, &report).as_ref(), Ok(&new));
        assert_eq!(rewritten(page, Defect::H07, &report), Err("H07 was not met".to_owned()));
        for bad in ["", "<!-- end -->\n<!-- generated -->\n", "<!-- generated -->\n<!-- generated -->\n<!-- end -->"] {
            assert!(rewritten(bad, Defect::H44, &report).unwrap_err().starts_with("expected one line"), "{bad}");
        }
    }
}
