//! Words and punctuation of the text form, each with its place (T1).

use crate::text::schema::Place;

/// A word or a punctuation mark.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Token<'a> {
    /// A word between blanks and punctuation.
    Word(&'a str),
    /// `{`
    Open,
    /// `}`
    Close,
    /// `;`
    Semicolon,
    /// `=>`
    Arrow,
    /// The end of a line.
    Newline,
    /// The end of the file.
    End,
}

impl Token<'_> {
    /// Returns the token's name in messages.
    pub(super) fn name(self) -> String {
        match self {
            Token::Word(word) => super::spelling::quote(word),
            Token::Open => "`{`".to_owned(),
            Token::Close => "`}`".to_owned(),
            Token::Semicolon => "`;`".to_owned(),
            Token::Arrow => "`=>`".to_owned(),
            Token::Newline => "the end of the line".to_owned(),
            Token::End => "the end of the file".to_owned(),
        }
    }
}

/// Splits a text into tokens. The last one is [`Token::End`].
pub(super) fn tokens(text: &str) -> Vec<(Place, Token<'_>)> {
    let mut found = Vec::new();
    let mut last = Place { line: 1, column: 1 };
    for (index, line) in text.split('\n').enumerate() {
        let number = index + 1;
        line_tokens(number, line, &mut found);
        last = Place { line: number, column: line.chars().count() + 1 };
        found.push((last, Token::Newline));
    }
    found.push((last, Token::End));
    found
}

fn line_tokens<'a>(number: usize, line: &'a str, into: &mut Vec<(Place, Token<'a>)>) {
    let mut rest = line;
    let mut column = 1;
    let mut first = true;
    loop {
        let blank = rest.len() - rest.trim_start().len();
        column += rest[..blank].chars().count();
        rest = &rest[blank..];
        if rest.is_empty() || is_comment(rest, first) {
            return;
        }
        let (token, length) = next(rest);
        into.push((Place { line: number, column }, token));
        column += rest[..length].chars().count();
        rest = &rest[length..];
        first = false;
    }
}

/// T1: `#` starts a comment at the start of a line, and after a blank if a blank follows, because names may
/// contain it, too.
fn is_comment(rest: &str, first: bool) -> bool {
    rest.strip_prefix('#').is_some_and(|after| first || after.chars().next().is_none_or(char::is_whitespace))
}

fn next(rest: &str) -> (Token<'_>, usize) {
    for (mark, token) in [("=>", Token::Arrow), ("{", Token::Open), ("}", Token::Close), (";", Token::Semicolon)] {
        if rest.starts_with(mark) {
            return (token, mark.len());
        }
    }
    let ends = |c: char| c.is_whitespace() || "{};".contains(c);
    let length = rest.find(ends).unwrap_or(rest.len());
    (Token::Word(&rest[..length]), length)
}
