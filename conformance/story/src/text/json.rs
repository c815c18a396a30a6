//! The JSON form: the same records, written as objects (T17–T19).

use crate::subject::{Answer, Observation};
use crate::text::columns::Declared;
use crate::text::grammar::{ANSWERS, DIRECTIVES, Directive, GRAPH_LINES, OPS};
use crate::text::names::Names;
use crate::text::results::{answer_records, observation_records};
use crate::text::scenario::{Body, Item, NamesInUse, Scenario, Step};
use crate::text::schema::{Place, Problem, RawEntry, RawField, RawValue, Recorded, Schema, find};
use crate::text::spelling::{joined, members, quote};
use crate::text::value::{Record, Value};
use blockgraph_model::{Op, Refusal};
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value as Json};

/// A record as an object: the verb under `tag`, then the fields.
#[derive(Debug)]
pub struct Object<'a> {
    tag: &'static str,
    record: Record,
    names: &'a Names,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(self.tag, self.record.verb)?;
        for (key, value) in &self.record.fields {
            map.serialize_entry(key, &JsonValue { value, names: self.names })?;
        }
        map.end()
    }
}

/// An answer as an object.
fn answer(record: Record, names: &Names) -> Object<'_> {
    Object { tag: ANSWER, record, names }
}

/// A line of `expect graph` as an object.
fn graph_line(record: Record, names: &Names) -> Object<'_> {
    Object { tag: SEE, record, names }
}

/// Returns an answer as objects: one, or one for each violation of a graph.
pub fn outcome<'a>(answered: &Answer, names: &'a Names) -> Vec<Object<'a>> {
    answer_records(answered).into_iter().map(|record| answer(record, names)).collect()
}

/// Returns an observation as objects.
pub fn observation<'a>(graph: &Observation, names: &'a Names) -> Vec<Object<'a>> {
    observation_records(graph).into_iter().map(|record| graph_line(record, names)).collect()
}

const OP: &str = "op";
const ANSWER: &str = "answer";
const SEE: &str = "see";
const REFUSE: &str = "refuse";
const EXPECT: &str = "expect";
const GRAPH: &str = "graph";
const OPERATIONS: &str = "ops";
const TRANSACTION: &str = "transaction";

/// Prints a whole scenario as JSON, one item per line.
///
/// # Errors
/// Those of serde_json. A scenario causes none.
pub fn print(scenario: &Scenario) -> serde_json::Result<String> {
    let items: Result<Vec<_>, _> =
        scenario.items.iter().map(|item| serde_json::to_string(&Line { item, names: &scenario.names })).collect();
    Ok(format!("{{\"scenario\": [\n  {}\n]}}\n", items?.join(",\n  ")))
}

/// The operations of a step as an object, which is also a line for `blockgraph run`.
#[derive(Debug)]
pub struct BodyObject<'a> {
    body: &'a Body,
    names: &'a Names,
}

/// Returns the operations of a step without expectations.
pub fn body<'a>(body: &'a Body, names: &'a Names) -> BodyObject<'a> {
    BodyObject { body, names }
}

impl BodyObject<'_> {
    fn entries<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let names = self.names;
        match self.body {
            Body::Single(op) => {
                let Record { verb, fields } = op.to_record();
                map.serialize_entry(OP, verb)?;
                fields.iter().try_for_each(|(key, value)| map.serialize_entry(key, &JsonValue { value, names }))
            }
            Body::Transaction(ops) => {
                map.serialize_entry(OP, TRANSACTION)?;
                let object = |op: &Op| Object { tag: OP, record: op.to_record(), names };
                map.serialize_entry(OPERATIONS, &ops.iter().map(object).collect::<Vec<_>>())
            }
        }
    }
}

impl Serialize for BodyObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.entries(&mut map)?;
        map.end()
    }
}

/// An item as an object.
struct Line<'a> {
    item: &'a Item,
    names: &'a Names,
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let step = match self.item {
            Item::Name(declared) => {
                let record = Directive::Name { declared: *declared }.to_record();
                return Object { tag: OP, record, names: self.names }.serialize(serializer);
            }
            Item::Step(step) => step,
        };
        let mut map = serializer.serialize_map(None)?;
        body(&step.body, self.names).entries(&mut map)?;
        if !step.refusals.is_empty() {
            let notes: Vec<_> = step.refusals.iter().map(|&refusal| Directive::from(refusal).to_record()).collect();
            let fields = |record| Fields { record, names: self.names };
            map.serialize_entry(REFUSE, &notes.iter().map(fields).collect::<Vec<_>>())?;
        }
        if let Some(expect) = &step.expect {
            map.serialize_entry(EXPECT, &answer(expect.clone(), self.names))?;
        }
        if !step.graph.is_empty() {
            let lines: Vec<_> = step.graph.iter().map(|record| graph_line(record.clone(), self.names)).collect();
            map.serialize_entry(GRAPH, &lines)?;
        }
        map.end()
    }
}

/// The fields of a record without its verb.
struct Fields<'a> {
    record: &'a Record,
    names: &'a Names,
}

impl Serialize for Fields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.names;
        serializer.collect_map(self.record.fields.iter().map(|(key, value)| (key, JsonValue { value, names })))
    }
}

/// T18: values with a JSON form have that form. Other values are the word of the text form.
struct JsonValue<'a> {
    value: &'a Value,
    names: &'a Names,
}

impl Serialize for JsonValue<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let names = self.names;
        match self.value {
            Value::Switch(on) => serializer.serialize_bool(*on),
            Value::Number(number) => serializer.serialize_u32(*number),
            Value::Context(context) => serializer.serialize_u8(context.0),
            Value::MaybeNode(None) | Value::MaybeChild(None) | Value::Nothing => serializer.serialize_unit(),
            Value::Records(list) => serializer.collect_seq(list.iter().map(|record| Fields { record, names })),
            list if list.is_list() => serializer.collect_seq(members(&list.print(names))),
            other => serializer.serialize_str(&other.print(names)),
        }
    }
}

/// Returns the word of the text form for a JSON value.
fn word(value: &Json) -> Result<String, String> {
    Ok(match value {
        Json::Null => "none".to_owned(),
        Json::Bool(on) => if *on { "on" } else { "off" }.to_owned(),
        Json::Number(number) => number.to_string(),
        Json::String(word) => word.clone(),
        Json::Array(list) => joined(list.iter().map(word).collect::<Result<Vec<_>, _>>()?),
        Json::Object(_) => return Err("expected a word, found an object".to_owned()),
    })
}

/// Reads scenarios and lines. It keeps the names from one line to the next.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// The names known so far.
    pub names: Names,
    in_use: NamesInUse,
}

type Read<T> = Result<T, Problem>;

/// Reads a scenario in JSON.
///
/// # Errors
/// The first mistake: with its place if the JSON is broken, else with the number of the item.
pub fn parse(text: &str) -> Read<Scenario> {
    let mut json = object(text)?;
    let items = match json.remove("scenario") {
        Some(Json::Array(items)) if json.is_empty() => items,
        _ => return Err(bad("expected an object with the one key `scenario`, a list")),
    };
    let mut reader = Reader::default();
    let mut scenario = Scenario::default();
    for (index, item) in items.into_iter().enumerate() {
        let read = map(item, "operation").and_then(|item| reader.item(item, true));
        let number = |problem: Problem| bad(format!("item {} of the scenario: {}", index + 1, problem.message));
        scenario.items.push(read.map_err(number)?);
    }
    scenario.names = reader.names;
    if scenario.steps().next().is_none() {
        return Err(bad("no operation in the whole file"));
    }
    Ok(scenario)
}

impl Reader {
    /// Makes a reader that knows the names of [`Names::numbered`] by their numbers.
    pub fn numbered() -> Reader {
        Reader { names: Names::numbered(), ..Reader::default() }
    }

    /// Reads one line of `blockgraph run`: an operation or a name, without expectations.
    ///
    /// # Errors
    /// The mistake.
    pub fn line(&mut self, text: &str) -> Read<Item> {
        object(text).and_then(|item| self.item(item, false))
    }

    fn item(&mut self, mut item: Map<String, Json>, in_scenario: bool) -> Read<Item> {
        let refusals = list(item.remove(REFUSE), REFUSE)?;
        let expect = item.remove(EXPECT);
        let graph = list(item.remove(GRAPH), GRAPH)?;
        if !in_scenario && (expect.is_some() || !graph.is_empty()) {
            return Err(bad("expectations belong in a scenario, not in `run`"));
        }
        let refusals = refusals.into_iter().map(|refusal| self.refusal(refusal)).collect::<Read<Vec<_>>>()?;
        if item.get(OP).is_some_and(|op| op == "name") {
            if !refusals.is_empty() || expect.is_some() || !graph.is_empty() {
                return Err(bad("a `name` has no refusals and no expectations"));
            }
            return Ok(Item::Name(self.declared(item)?));
        }
        let body = self.body(item)?;
        let expect = expect.map(|answer| self.record(map(answer, EXPECT)?, ANSWER, &ANSWERS)).transpose()?;
        let graph = graph.into_iter().map(|line| self.record(line, SEE, &GRAPH_LINES)).collect::<Read<Vec<_>>>()?;
        let step = Step { refusals, body, expect, graph };
        if in_scenario {
            self.in_use.update(&step, &[], &self.names)?;
        }
        Ok(Item::Step(step))
    }

    fn body(&mut self, mut item: Map<String, Json>) -> Read<Body> {
        if item.get(OP).is_none_or(|op| op != TRANSACTION) {
            return self.op(item).map(Body::Single);
        }
        item.remove(OP);
        let ops = list(item.remove(OPERATIONS), OPERATIONS)?;
        if let Some((key, _)) = item.iter().next() {
            return Err(bad(format!("unknown key {} of `transaction`: expected `ops`", quote(key))));
        }
        if ops.iter().any(|op| op.get(OP).is_some_and(|op| op == TRANSACTION)) {
            return Err(bad("transactions do not nest"));
        }
        ops.into_iter().map(|op| self.op(op)).collect::<Read<Vec<_>>>().map(Body::Transaction)
    }

    fn op(&mut self, item: Map<String, Json>) -> Read<Op> {
        let record = self.record(item, OP, &OPS)?;
        Op::from_record(&record).map_err(bad)
    }

    fn declared(&mut self, item: Map<String, Json>) -> Read<Declared> {
        let record = self.record(item, OP, &DIRECTIVES)?;
        match Directive::from_record(&record).map_err(bad)? {
            Directive::Name { declared } => Ok(declared),
            Directive::Refuse { .. } => Err(bad("expected a name")),
        }
    }

    fn refusal(&mut self, mut item: Map<String, Json>) -> Read<Refusal> {
        item.insert(OP.to_owned(), Json::from(REFUSE));
        let record = self.record(item, OP, &DIRECTIVES)?;
        match Directive::from_record(&record).map_err(bad)? {
            Directive::Refuse { node, hook } => Ok(Refusal { node, hook }),
            Directive::Name { .. } => Err(bad("expected a refusal")),
        }
    }

    /// Reads an object. Its `tag` selects the schema.
    fn record(&mut self, mut item: Map<String, Json>, tag: &str, schemas: &[Schema]) -> Read<Record> {
        let Some(Json::String(verb)) = item.remove(tag) else {
            return Err(bad(format!("expected an object with a word under `{tag}`")));
        };
        let Some(schema) = find(schemas, &verb) else {
            let verbs: Vec<_> = schemas.iter().map(|schema| schema.verb).collect();
            return Err(bad(format!("unknown `{tag}` {}: expected one of {}", quote(&verb), verbs.join(", "))));
        };
        schema.read(Place::default(), &fields(item, schema)?, &mut self.names)
    }
}

/// Returns the fields of an object, unread.
fn fields(object: Map<String, Json>, schema: &Schema) -> Read<Vec<RawField>> {
    let raw = |(key, value): (String, Json)| {
        let written = match schema.list().filter(|(of, _)| *of == key) {
            Some((_, members)) => {
                let member = |object| Ok(RawEntry { at: Place::default(), fields: fields(object, &members.schema)? });
                RawValue::List(list(Some(value), &key)?.into_iter().map(member).collect::<Read<_>>()?)
            }
            None => RawValue::Word(word(&value).map_err(|message| bad(format!("`{key}`: {message}")))?),
        };
        Ok(RawField { key: (Place::default(), key), value: (Place::default(), written) })
    };
    object.into_iter().map(raw).collect()
}

fn bad(message: impl Into<String>) -> Problem {
    Problem::new(Place::default(), message)
}

fn object(text: &str) -> Read<Map<String, Json>> {
    let broken = |error: serde_json::Error| {
        let message = error.to_string();
        // serde_json repeats the place at the end of its sentence.
        let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(start, _)| start).to_owned();
        Problem::new(Place { line: error.line(), column: error.column().max(1) }, message)
    };
    map(serde_json::from_str(text).map_err(broken)?, "the document")
}

fn map(value: Json, what: &str) -> Read<Map<String, Json>> {
    match value {
        Json::Object(map) => Ok(map),
        _ => Err(bad(format!("{what}: expected an object"))),
    }
}

/// Returns a list of objects. A missing list is empty.
fn list(value: Option<Json>, key: &str) -> Read<Vec<Map<String, Json>>> {
    match value {
        None => Ok(Vec::new()),
        Some(Json::Array(members)) => members.into_iter().map(|member| map(member, key)).collect(),
        Some(_) => Err(bad(format!("`{key}`: expected a list"))),
    }
}
