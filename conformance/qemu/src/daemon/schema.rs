//! The commands that a QEMU knows, from its reply to `query-qmp-schema`.

use serde_json::Value;
use std::collections::{HashMap, HashSet};

/// The commands with the types of their arguments.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Schema {
    /// The name of the type of each command's arguments.
    commands: HashMap<String, String>,
    types: HashMap<String, Type>,
}

/// A type of the schema.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Type {
    /// An object: the type's name of each key. If one of the keys is a tag, `variants` has for each value of it the
    /// name of a type with further keys.
    Object { members: HashMap<String, String>, tag: Option<String>, variants: HashMap<String, String> },
    /// One of these words.
    Enum(HashSet<String>),
    /// A list of values of this type.
    List(String),
    /// One of several types, chosen by the JSON type of the value: an object, a list, a text, …
    Alternate(Vec<String>),
    /// A built-in type, by the name of its JSON type.
    BuiltIn(String),
}

impl Schema {
    /// Parses the reply of `query-qmp-schema`. Returns `None` if the value is not such a reply. Events are left out.
    pub fn parse(reply: &Value) -> Option<Schema> {
        let mut schema = Schema::default();
        for entry in reply.as_array()? {
            let name = entry["name"].as_str()?.to_owned();
            match entry["meta-type"].as_str()? {
                "command" => _ = schema.commands.insert(name, entry["arg-type"].as_str()?.to_owned()),
                what => {
                    if let Some(read) = Type::parse(what, entry)? {
                        schema.types.insert(name, read);
                    }
                }
            }
        }
        Some(schema)
    }

    /// Returns the first thing that this QEMU lacks for the command with these arguments: the command itself, or
    /// `COMMAND: KEY`, or `COMMAND: KEY=WORD`. Returns `None` if it has everything. Costs one look-up for each
    /// argument.
    pub fn first_missing(&self, command: &str, arguments: &Value) -> Option<String> {
        let Some(of) = self.commands.get(command) else { return Some(command.to_owned()) };
        self.missing_in_type(of, "", arguments).map(|what| format!("{command}: {what}"))
    }

    /// Returns what the type lacks for the value, which stands under `key`.
    fn missing_in_type(&self, of: &str, key: &str, value: &Value) -> Option<String> {
        match (self.types.get(of)?, value) {
            (Type::Object { members, tag, variants }, Value::Object(map)) => {
                let check_member = |key: &String, of: &String| self.missing_in_type(of, key, map.get(key)?);
                // The value of the tag decides which further keys there are.
                if let Some(what) = tag.as_ref().and_then(|tag| check_member(tag, members.get(tag)?)) {
                    return Some(what);
                }
                let case = tag.as_ref().and_then(|tag| variants.get(map.get(tag)?.as_str()?));
                let further = case.and_then(|case| match self.types.get(case)? {
                    Type::Object { members, .. } => Some(members),
                    _ => None,
                });
                map.keys().find_map(|key| match members.get(key).or_else(|| further?.get(key)) {
                    Some(of) => check_member(key, of),
                    None => Some(key.clone()),
                })
            }
            (Type::Enum(words), Value::String(word)) => (!words.contains(word)).then(|| format!("{key}={word}")),
            (Type::List(of), Value::Array(list)) => list.iter().find_map(|value| self.missing_in_type(of, key, value)),
            (Type::Alternate(types), value) => match types.iter().find(|of| self.accepts(of, value)) {
                Some(of) => self.missing_in_type(of, key, value),
                None => Some(format!("{key}={value}")),
            },
            _ => None,
        }
    }

    /// Returns whether the value has the JSON type of this one of several types.
    fn accepts(&self, of: &str, value: &Value) -> bool {
        match (self.types.get(of), value) {
            (Some(Type::Object { .. }), Value::Object(_))
            | (Some(Type::Enum(_)), Value::String(_))
            | (Some(Type::List(_)), Value::Array(_)) => true,
            (Some(Type::BuiltIn(json)), value) => match value {
                Value::String(_) => json == "string",
                Value::Null => json == "null",
                Value::Bool(_) => json == "boolean",
                Value::Number(_) => json == "int" || json == "number",
                _ => false,
            },
            _ => false,
        }
    }
}

impl Type {
    /// Parses an entry. The outer `None` means that it is malformed, the inner one that it is not a type.
    fn parse(what: &str, entry: &Value) -> Option<Option<Type>> {
        let list = |key: &str| entry.get(key).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        Some(match what {
            "object" => {
                let members = list("members").iter().map(|m| Some((text(m, "name")?, text(m, "type")?)));
                let variants = list("variants").iter().map(|v| Some((text(v, "case")?, text(v, "type")?)));
                Some(Type::Object {
                    members: members.collect::<Option<_>>()?,
                    tag: text(entry, "tag"),
                    variants: variants.collect::<Option<_>>()?,
                })
            }
            "enum" => {
                // Older versions have the bare words only.
                let words = list("values").iter().map(|word| word.as_str().map(str::to_owned));
                let members = list("members").iter().map(|member| text(member, "name"));
                Some(Type::Enum(words.chain(members).collect::<Option<_>>()?))
            }
            "array" => Some(Type::List(text(entry, "element-type")?)),
            "alternate" => {
                Some(Type::Alternate(list("members").iter().map(|member| text(member, "type")).collect::<Option<_>>()?))
            }
            "builtin" => Some(Type::BuiltIn(text(entry, "json-type")?)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]

    use super::Schema;
    use serde_json::{Value, json};

    /// Returns a small schema.
    fn schema() -> Schema {
        let reply = json!([
            {"name": "blockdev-add", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
            {"name": "blockdev-reopen", "meta-type": "command", "arg-type": "2", "ret-type": "0"},
            {"name": "stop", "meta-type": "command", "arg-type": "0", "ret-type": "0"},
            {"name": "STOP", "meta-type": "event", "arg-type": "0"},
            {"name": "0", "meta-type": "object", "members": []},
            {"name": "1", "meta-type": "object", "tag": "driver",
             "members": [{"name": "driver", "type": "3"}, {"name": "read-only", "type": "bool", "default": null}],
             "variants": [{"case": "null-co", "type": "0"}, {"case": "raw", "type": "4"},
                          {"case": "quorum", "type": "5"}]},
            {"name": "2", "meta-type": "object", "members": [{"name": "options", "type": "[1]"}]},
            {"name": "[1]", "meta-type": "array", "element-type": "1"},
            {"name": "3", "meta-type": "enum", "values": ["null-co", "raw"], "members": [{"name": "quorum"}]},
            {"name": "4", "meta-type": "object", "members": [{"name": "file", "type": "6"}]},
            {"name": "5", "meta-type": "object", "members": [{"name": "children", "type": "[6]"}]},
            {"name": "[6]", "meta-type": "array", "element-type": "6"},
            {"name": "6", "meta-type": "alternate", "members": [{"type": "1"}, {"type": "str"}]},
            {"name": "str", "meta-type": "builtin", "json-type": "string"},
            {"name": "bool", "meta-type": "builtin", "json-type": "boolean"}
        ]);
        Schema::parse(&reply).unwrap()
    }

    #[test]
    fn known_commands_and_arguments_are_accepted() {
        let null_co = json!({"driver": "null-co", "read-only": true});
        let quorum = json!({"driver": "quorum", "children": ["a", null_co, {"driver": "raw", "file": "b"}]});
        let all: [(&str, Value); 4] = [
            ("stop", json!({})),
            ("blockdev-add", null_co.clone()),
            ("blockdev-add", quorum.clone()),
            ("blockdev-reopen", json!({"options": [null_co, quorum]})),
        ];
        for (command, arguments) in all {
            assert_eq!(schema().first_missing(command, &arguments), None, "{arguments}");
        }
    }

    #[test]
    fn the_first_unknown_part_is_named() {
        let all: [(&str, Value, &str); 8] = [
            ("blockdev-set-active", json!({"active": true}), "blockdev-set-active"),
            ("STOP", json!({}), "STOP"),
            ("stop", json!({"now": true}), "stop: now"),
            ("blockdev-add", json!({"driver": "null-co", "active": false}), "blockdev-add: active"),
            ("blockdev-add", json!({"driver": "vdi", "file": "a"}), "blockdev-add: driver=vdi"),
            // This key belongs to another driver.
            ("blockdev-add", json!({"driver": "null-co", "file": "a"}), "blockdev-add: file"),
            ("blockdev-add", json!({"driver": "raw", "file": null}), "blockdev-add: file=null"),
            (
                "blockdev-reopen",
                json!({"options": [{"driver": "quorum", "children": ["a", {"driver": "raw", "size": 1}]}]}),
                "blockdev-reopen: size",
            ),
        ];
        for (command, arguments, what) in all {
            assert_eq!(schema().first_missing(command, &arguments).as_deref(), Some(what), "{arguments}");
        }
    }

    #[test]
    fn other_values_are_not_a_schema() {
        for reply in [json!({}), json!([{}]), json!([{"name": "a", "meta-type": "command"}]), json!([{"name": 1}])] {
            assert_eq!(Schema::parse(&reply), None, "{reply}");
        }
    }
}
