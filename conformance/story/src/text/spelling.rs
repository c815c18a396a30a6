//! Spellings that text and JSON share: lists of words, and quoted input in messages.

/// The spelling of an empty list.
pub const EMPTY: &str = "-";

/// Joins the members of a list. An empty list is a dash.
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

/// Iterates over the members of a list as they are written.
pub fn members(word: &str) -> impl Iterator<Item = &str> {
    word.split(',').filter(move |_| word != EMPTY)
}

/// Returns a word of the input as it may appear in a message: in one line and not too long.
pub fn quote(word: &str) -> String {
    const LONGEST: usize = 40;
    if word.is_empty() {
        return "nothing".to_owned();
    }
    let dots = if word.chars().nth(LONGEST).is_some() { "…" } else { "" };
    let start: String = word.chars().take(LONGEST).collect();
    format!("`{}{dots}`", start.escape_debug())
}
