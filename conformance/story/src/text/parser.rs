//! Reads the text form.

use crate::text::grammar::{ANSWERS, DIRECTIVES, Directive, GRAPH_LINES, OPS};
use crate::text::lexer::{Token, tokens};
use crate::text::names::Names;
use crate::text::scenario::{Body, Item, NamesInUse, Scenario, Step};
use crate::text::schema::{ListSchema, Place, Problem, RawEntry, RawField, RawValue, Recorded, Schema, find};
use crate::text::spelling::quote;
use crate::text::value::Record;
use blockgraph_model::{Op, Refusal};

/// Reads a scenario. Returns it with the line on which each of its items starts.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse(text: &str) -> Result<(Scenario, Vec<usize>), Problem> {
    parse_with(text, Names::default())
}

/// The same as [`parse`], with names that are already known.
///
/// # Errors
/// The first mistake, with its place.
pub fn parse_with(text: &str, names: Names) -> Result<(Scenario, Vec<usize>), Problem> {
    let mut parser = Parser { tokens: tokens(text), names, ..Parser::default() };
    parser.file()?;
    Ok((Scenario { names: parser.names, items: parser.items }, parser.lines))
}

/// The name of a line with a verb, in messages.
const OPERATION: &str = "operation";

type Read<T> = Result<T, Problem>;

#[derive(Default)]
struct Parser<'a> {
    tokens: Vec<(Place, Token<'a>)>,
    at: usize,
    names: Names,
    in_use: NamesInUse,
    items: Vec<Item>,
    lines: Vec<usize>,
    /// The refusals that wait for their operation.
    refusals: Vec<Refusal>,
}

impl<'a> Parser<'a> {
    fn file(&mut self) -> Read<()> {
        loop {
            self.skip(&[Token::Newline]);
            let (place, token) = self.peek();
            match token {
                Token::End => return self.end(place),
                Token::Word(word) => self.statement(place, word)?,
                other => return Err(Problem::new(place, format!("expected an operation, found {}", other.name()))),
            }
            self.end_of_line()?;
        }
    }

    fn end(&self, place: Place) -> Read<()> {
        if !self.refusals.is_empty() {
            return Err(Problem::new(place, "expected an operation after `refuse`, found the end of the file"));
        }
        if self.items.iter().any(|item| matches!(item, Item::Step(_))) {
            Ok(())
        } else {
            Err(Problem::new(place, "no operation in the whole file"))
        }
    }

    fn statement(&mut self, place: Place, word: &'a str) -> Read<()> {
        let has_refusals = !self.refusals.is_empty();
        match word {
            "name" | "expect" if has_refusals => {
                Err(Problem::new(place, format!("expected an operation after `refuse`, found `{word}`")))
            }
            "name" | "refuse" => self.directive(place),
            "expect" => self.graph(place),
            "transaction" => self.transaction(place),
            _ => {
                let (op, name) = self.operation()?;
                self.step(place, Body::Single(op), &[name])
            }
        }
    }

    fn directive(&mut self, place: Place) -> Read<()> {
        let (record, _) = self.record(&DIRECTIVES, "", false)?;
        match Directive::from_record(&record).map_err(|message| Problem::new(place, message))? {
            Directive::Refuse { node, hook } => self.refusals.push(Refusal { node, hook }),
            Directive::Name { declared } => self.item(place, Item::Name(declared)),
        }
        Ok(())
    }

    fn item(&mut self, place: Place, item: Item) {
        self.items.push(item);
        self.lines.push(place.line);
    }

    /// Reads an operation. Returns it with the place of the name that it takes.
    fn operation(&mut self) -> Read<(Op, Place)> {
        let (place, _) = self.peek();
        let (record, name) = self.record(&OPS, OPERATION, false)?;
        let op = Op::from_record(&record).map_err(|message| Problem::new(place, message))?;
        Ok((op, name))
    }

    fn transaction(&mut self, place: Place) -> Read<()> {
        self.next();
        self.expect(Token::Open, "`{` after `transaction`")?;
        let (mut ops, mut places) = (Vec::new(), Vec::new());
        self.block("an operation", |parser, place, word| match word {
            "transaction" => Err(Problem::new(place, "transactions do not nest")),
            "name" | "refuse" | "expect" => {
                Err(Problem::new(place, format!("`{word}` belongs outside the transaction")))
            }
            _ => {
                let (op, name) = parser.operation()?;
                ops.push(op);
                places.push(name);
                Ok(())
            }
        })?;
        self.step(place, Body::Transaction(ops), &places)
    }

    /// Reads a list between braces, separated by line ends or `;`, after the first brace. Returns the place of the last
    /// brace.
    fn block(&mut self, what: &str, mut member: impl FnMut(&mut Self, Place, &'a str) -> Read<()>) -> Read<Place> {
        loop {
            self.skip(&[Token::Newline, Token::Semicolon]);
            let (place, token) = self.peek();
            match token {
                Token::Close => {
                    self.next();
                    return Ok(place);
                }
                Token::Word(word) => member(self, place, word)?,
                other => return Err(Problem::new(place, format!("expected {what} or `}}`, found {}", other.name()))),
            }
            match self.peek() {
                (_, Token::Newline | Token::Semicolon | Token::Close) => {}
                (place, Token::Arrow) => {
                    return Err(Problem::new(place, "an expectation belongs after the closing `}`"));
                }
                (place, other) => {
                    let message = format!("expected `;`, `}}` or the end of the line, found {}", other.name());
                    return Err(Problem::new(place, message));
                }
            }
        }
    }

    fn step(&mut self, place: Place, body: Body, places: &[Place]) -> Read<()> {
        let expect = match self.peek().1 {
            Token::Arrow => Some(self.answer()?),
            _ => None,
        };
        let step = Step { refusals: std::mem::take(&mut self.refusals), body, expect, graph: Vec::new() };
        self.in_use.update(&step, places, &self.names)?;
        self.item(place, Item::Step(step));
        Ok(())
    }

    /// Reads `=> ok …` or `=> error KIND …`.
    fn answer(&mut self) -> Read<Record> {
        self.next();
        let (place, token) = self.peek();
        match token {
            Token::Word("ok") => self.record(&ANSWERS, "", false),
            Token::Word("error") => {
                self.next();
                let (place, token) = self.peek();
                if token == Token::Word("ok") {
                    return Err(Problem::new(place, "unknown error `ok`"));
                }
                self.record(&ANSWERS, "error", false)
            }
            other => Err(Problem::new(place, format!("expected `ok` or `error` after `=>`, found {}", other.name()))),
        }
        .map(|(record, _)| record)
    }

    /// Reads `expect graph { … }`.
    fn graph(&mut self, place: Place) -> Read<()> {
        self.next();
        self.expect(Token::Word("graph"), "`graph` after `expect`")?;
        self.expect(Token::Open, "`{` after `expect graph`")?;
        let mut lines = Vec::new();
        let end = self.block("an expectation", |parser, _, _| {
            lines.push(parser.record(&GRAPH_LINES, "expectation", true)?.0);
            Ok(())
        })?;
        if lines.is_empty() {
            return Err(Problem::new(end, "expected at least one line in `expect graph`"));
        }
        match self.items.last_mut() {
            Some(Item::Step(step)) if step.graph.is_empty() => step.graph = lines,
            Some(Item::Step(_)) => return Err(Problem::new(place, "a second `expect graph` for the same operation")),
            _ => return Err(Problem::new(place, "`expect graph` belongs after an operation")),
        }
        Ok(())
    }

    /// Reads a verb of `schemas` and its fields. Returns the place of the name that it takes, or else of the verb. If
    /// `bare`, the first field may lack its key.
    fn record(&mut self, schemas: &[Schema], what: &str, bare: bool) -> Read<(Record, Place)> {
        let (place, token) = self.next();
        let Token::Word(verb) = token else {
            return Err(Problem::new(place, format!("expected an {what}, found {}", token.name())));
        };
        let Some(schema) = find(schemas, verb) else {
            let others: &[_] = if what == OPERATION { &["transaction", "refuse", "name", "expect"] } else { &[] };
            let verbs = schemas.iter().map(|schema| schema.verb).filter(|&verb| verb != "ok");
            let verbs: Vec<_> = verbs.chain(others.iter().copied()).collect();
            let message = format!("unknown {what} {}: expected one of {}", quote(verb), verbs.join(", "));
            return Err(Problem::new(place, message));
        };
        let raw = self.fields(schema, bare)?;
        let record = schema.read(place, &raw, &mut self.names)?;
        let name_key = schema.columns.iter().find(|column| column.ty.takes_a_name()).map(|column| column.key);
        let taken = raw.iter().find(|field| Some(field.key.1.as_str()) == name_key);
        Ok((record, taken.map_or(place, |field| field.value.0)))
    }

    /// Returns the fields of a line or of a list member, unread.
    fn fields(&mut self, schema: &Schema, bare: bool) -> Read<Vec<RawField>> {
        let mut raw: Vec<RawField> = Vec::new();
        loop {
            match (self.peek(), schema.list()) {
                ((at, Token::Word(word)), _) => {
                    let subject = schema.subject().filter(|_| bare && raw.is_empty() && !word.contains('='));
                    raw.push(field(at, word, subject)?);
                    self.next();
                }
                // A list needs no key, because its braces identify it.
                ((at, Token::Open), Some((key, members))) => {
                    self.next();
                    let list = self.members(members)?;
                    raw.push(RawField { key: (at, key.to_owned()), value: (at, RawValue::List(list)) });
                }
                ((at, token), Some((key, members))) if raw.iter().all(|field| field.key.1 != key) => {
                    let message = format!("expected `{{` and an {}, found {}", members.schema.verb, token.name());
                    return Err(Problem::new(at, message));
                }
                _ => return Ok(raw),
            }
        }
    }

    /// Reads the members of a list up to its closing brace.
    fn members(&mut self, of: &ListSchema) -> Read<Vec<RawEntry>> {
        let mut list = Vec::new();
        self.block(&format!("an {}", of.schema.verb), |parser, at, _| {
            list.push(RawEntry { at, fields: parser.fields(&of.schema, false)? });
            Ok(())
        })?;
        Ok(list)
    }

    fn peek(&self) -> (Place, Token<'a>) {
        // The last token is the end, and nothing moves past it.
        self.tokens.get(self.at).or(self.tokens.last()).copied().unwrap_or((Place::default(), Token::End))
    }

    fn next(&mut self) -> (Place, Token<'a>) {
        let token = self.peek();
        self.at += 1;
        token
    }

    fn skip(&mut self, tokens: &[Token<'_>]) {
        while tokens.contains(&self.peek().1) {
            self.at += 1;
        }
    }

    fn expect(&mut self, wanted: Token<'_>, what: &str) -> Read<()> {
        match self.next() {
            (_, token) if token == wanted => Ok(()),
            (place, token) => Err(Problem::new(place, format!("expected {what}, found {}", token.name()))),
        }
    }

    fn end_of_line(&mut self) -> Read<()> {
        match self.peek() {
            (_, Token::Newline | Token::End) => Ok(()),
            (place, token) => Err(Problem::new(place, format!("expected the end of the line, found {}", token.name()))),
        }
    }
}

/// Reads `key=value`, or only the value if the key is implied.
fn field(at: Place, word: &str, key: Option<&str>) -> Read<RawField> {
    let written = |word: &str| RawValue::Word(word.to_owned());
    match (key, word.split_once('=')) {
        (Some(key), _) => Ok(RawField { key: (at, key.to_owned()), value: (at, written(word)) }),
        (None, Some((key, value))) => {
            let after = Place { line: at.line, column: at.column + key.chars().count() + 1 };
            Ok(RawField { key: (at, key.to_owned()), value: (after, written(value)) })
        }
        (None, None) => {
            let hint = if word.starts_with('#') { " (a comment has a blank after its `#`)" } else { "" };
            Err(Problem::new(at, format!("expected `key=value`, found {}{hint}", quote(word))))
        }
    }
}
