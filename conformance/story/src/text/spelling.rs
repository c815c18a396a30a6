//! Spellings that text and JSON share: lists of words, and words of the input in messages.

/// The spelling of an empty list.
pub const EMPTY: &str = "-";

/// Joins the members of a list; an empty one is a dash.
pub fn joined<S: AsRef<str>>(members: impl IntoIterator<Item = S>) -> String {
    let mut line = String::new();
    for member in members {
        if !line.is_empty() {
            line.push(',');
        }
        line.push_str(member.as_ref());
    }
    if line.is_empty() { EMPTY.to_owned() } else { line }
}

/// The members of a list, as they were written.
pub fn members(word: &str) -> impl Iterator<Item = &str> {
    word.split(',').filter(move |_| word != EMPTY)
}

/// A word of the input as it may stand in a message: in one line, not too long.
pub fn quote(word: &str) -> String {
    const LONGEST: usize = 40;
    if word.is_empty() {
        return "nothing".to_owned();
    }
    let dots = if word.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let start: String = word.chars().take(LONGEST).collect();
    format!("`{}{dots}`", start.escape_debug())
}
