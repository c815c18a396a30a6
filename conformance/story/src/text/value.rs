//! The values right of a `=`: their types, how they are read and how they are printed (T5–T9).

use crate::text::names::Names;
use crate::text::spelling::{EMPTY, joined, members, quote};
use blockgraph_model::op::Flags;
use blockgraph_model::perm::{ALL, G, NONE};
use blockgraph_model::{
    Act, ChildName, Context, EdgeId, Hook, Kind, NodeId, OpKind, OpKinds, Perms, Phase, Role, Slot, UserId,
};
use std::fmt::Write;

/// The type of a value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is the variant of Value with the same name, unless its comment differs")]
pub enum Type {
    Node,
    /// A [`Value::Node`] that is known from here on.
    NewNode,
    MaybeNode,
    User,
    /// A [`Value::User`] that is known from here on.
    NewUser,
    Child,
    MaybeChild,
    Perms,
    Role,
    Kind,
    Flags,
    Switch,
    Hook,
    Slot,
    Edge,
    Number,
    Context,
    Phase,
    Act,
    /// [`Value::Moves`], sorted, because their order has no meaning.
    Moves,
    Nodes,
    /// [`Value::Nodes`], sorted, because their order has no meaning.
    NodeSet,
    /// [`Value::Users`], sorted.
    UserSet,
    Edges,
    Children,
    OpKind,
    OpKinds,
    Nothing,
    /// [`Value::Records`]: the entries of a reopen.
    Entries,
}

/// A value.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "each is named after the model value that it contains")]
pub enum Value {
    Node(NodeId),
    MaybeNode(Option<NodeId>),
    User(UserId),
    Child(ChildName),
    MaybeChild(Option<ChildName>),
    Perms(Perms),
    Role(Role),
    Kind(Kind),
    Flags(Flags),
    Switch(bool),
    Hook(Hook),
    Slot(Slot),
    Edge(EdgeId),
    Number(u32),
    Context(Context),
    Phase(Phase),
    Act(Act),
    /// Nodes with their new contexts.
    Moves(Vec<(NodeId, Context)>),
    Nodes(Vec<NodeId>),
    Users(Vec<UserId>),
    Edges(Vec<EdgeId>),
    Children(Vec<ChildName>),
    OpKind(OpKind),
    OpKinds(OpKinds),
    Nothing,
    /// A list whose members have fields of their own.
    Records(Vec<Record>),
}

/// The fields of a line, in the order of its schema.
pub type Fields = Vec<(&'static str, Value)>;

/// A line: a verb (or the name of an error, or the kind of thing that an expectation describes) and its fields.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    /// The first word.
    pub verb: &'static str,
    /// The rest.
    pub fields: Fields,
}

impl Record {
    /// Returns the value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.fields.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
    }

    /// Returns whether all fields of `partial` are the same here.
    pub fn includes(&self, partial: &Record) -> bool {
        self.verb == partial.verb && partial.fields.iter().all(|(key, value)| self.get(key) == Some(value))
    }
}

const NO_NODE: &str = "none";
const EVERY: &str = "all";
const KINDS: [(&str, Kind); 20] = [
    ("protocol", Kind::Protocol),
    ("filter", Kind::Filter),
    ("backing-filter", Kind::BackingFilter),
    ("format", Kind::Format),
    ("exclusive-writer", Kind::ExclusiveWriter),
    ("no-permission", Kind::NoPermission),
    ("write-to-selected", Kind::WriteToSelected),
    ("blkdebug", Kind::Blkdebug),
    ("quorum", Kind::Quorum),
    ("raw", Kind::Raw),
    ("copy-on-read", Kind::CopyOnRead),
    ("copy-before-write", Kind::CopyBeforeWrite),
    ("snapshot-access", Kind::SnapshotAccess),
    ("preallocate", Kind::Preallocate),
    ("commit-top", Kind::CommitTop),
    ("mirror-top", Kind::MirrorTop),
    ("blkverify", Kind::Blkverify),
    ("replication", Kind::Replication),
    ("vvfat", Kind::Vvfat),
    ("file", Kind::File),
];
const SWITCH: [(&str, bool); 2] = [("on", true), ("off", false)];
const HOOKS: [(&str, Hook); 7] = [
    ("flush", Hook::Flush),
    ("prepare", Hook::Prepare),
    ("rename", Hook::Rename),
    ("inactivate", Hook::Inactivate),
    ("context", Hook::Context),
    ("check", Hook::Check),
    ("activate", Hook::Activate),
];
const PHASES: [(&str, Phase); 3] = [("mirror", Phase::Mirror), ("commit", Phase::Commit), ("stopped", Phase::Stopped)];
const ACTS: [(&str, Act); 3] = [("start", Act::Start), ("finish", Act::Finish), ("cancel", Act::Cancel)];
const SLOTS: [(&str, Slot); 2] = [("file", Slot::File), ("backing", Slot::Backing)];
const FLAGS: [&str; 6] = ["ro", "force-share", "no-io", "never-freeze", "implicit", "inactive"];
const ROLES: [(&str, Role); 5] = [
    ("data", Role::DATA),
    ("metadata", Role::METADATA),
    ("filtered", Role::FILTERED),
    ("cow", Role::COW),
    ("primary", Role::PRIMARY),
];

impl Type {
    /// Returns whether such a value names something new.
    pub fn takes_a_name(self) -> bool {
        matches!(self, Type::NewNode | Type::NewUser)
    }

    /// Reads one value that is a word.
    ///
    /// # Errors
    /// A sentence that says what was expected instead.
    pub fn read(self, word: &str, names: &mut Names) -> Result<Value, String> {
        Ok(match self {
            Type::Node => Value::Node(names.known_node(word)?),
            Type::NewNode => Value::Node(names.define_node(word)?),
            Type::MaybeNode => Value::MaybeNode(maybe(word, |w| names.known_node(w))?),
            Type::User => Value::User(names.known_user(word)?),
            Type::NewUser => Value::User(names.define_user(word)?),
            Type::Child => Value::Child(names.define_child(word)?),
            Type::MaybeChild => Value::MaybeChild(maybe(word, |w| names.define_child(w))?),
            Type::Perms => Value::Perms(read_perms(word)?),
            Type::Role => Value::Role(read_role(word)?),
            Type::Kind => Value::Kind(lookup(&KINDS, word)?),
            Type::Flags => Value::Flags(read_flags(word)?),
            Type::Switch => Value::Switch(lookup(&SWITCH, word)?),
            Type::Hook => Value::Hook(lookup(&HOOKS, word)?),
            Type::Slot => Value::Slot(lookup(&SLOTS, word)?),
            Type::Edge => Value::Edge(read_edge(word, names)?),
            Type::Number => {
                Value::Number(word.parse().map_err(|_| format!("expected a whole number, found {}", quote(word)))?)
            }
            Type::Context => Value::Context(read_context(word)?),
            Type::Phase => Value::Phase(lookup(&PHASES, word)?),
            Type::Act => Value::Act(lookup(&ACTS, word)?),
            Type::Moves => Value::Moves(sorted(list(word, |w| read_move(w, names))?)),
            Type::Nodes => Value::Nodes(list(word, |w| names.known_node(w))?),
            Type::NodeSet => Value::Nodes(sorted(list(word, |w| names.known_node(w))?)),
            Type::UserSet => Value::Users(sorted(list(word, |w| names.known_user(w))?)),
            Type::Edges => Value::Edges(list(word, |w| read_edge(w, names))?),
            Type::Children => Value::Children(list(word, |w| names.define_child(w))?),
            Type::OpKind => Value::OpKind(read_op_kind(word)?),
            Type::OpKinds => Value::OpKinds(read_op_kinds(word)?),
            Type::Entries => return Err(format!("expected a list of entries, found {}", quote(word))),
            Type::Nothing => lookup(&[(NO_NODE, Value::Nothing)], word)?,
        })
    }
}

impl Value {
    /// Returns the canonical spelling.
    pub fn print(&self, names: &Names) -> String {
        match self {
            Value::Node(id) => names.node(*id).to_owned(),
            Value::MaybeNode(id) => id.map_or(NO_NODE, |id| names.node(id)).to_owned(),
            Value::User(id) => names.user(*id),
            Value::Child(name) => names.child(*name).to_owned(),
            Value::MaybeChild(name) => name.map_or(NO_NODE, |name| names.child(name)).to_owned(),
            Value::Perms(perms) => print_perms(*perms),
            Value::Role(role) => print_role(*role),
            Value::Kind(kind) => spelling_of(&KINDS, kind).to_owned(),
            Value::Flags(flags) => joined(flag_words(*flags)),
            Value::Switch(on) => spelling_of(&SWITCH, on).to_owned(),
            Value::Hook(hook) => spelling_of(&HOOKS, hook).to_owned(),
            Value::Slot(slot) => spelling_of(&SLOTS, slot).to_owned(),
            Value::Edge(edge) => print_edge(*edge, names),
            Value::Number(number) => number.to_string(),
            Value::Context(context) => context.0.to_string(),
            Value::Phase(phase) => print_phase(*phase).to_owned(),
            Value::Act(act) => spelling_of(&ACTS, act).to_owned(),
            Value::Moves(moves) => joined(moves.iter().map(|(id, to)| format!("{}:{}", names.node(*id), to.0))),
            Value::Nodes(ids) => joined(ids.iter().map(|&id| names.node(id))),
            Value::Users(ids) => joined(ids.iter().map(|&id| names.user(id))),
            Value::Edges(edges) => joined(edges.iter().map(|&edge| print_edge(edge, names))),
            Value::Children(children) => joined(children.iter().map(|&name| names.child(name))),
            Value::OpKind(kind) => op_kind_name(*kind).to_owned(),
            Value::OpKinds(kinds) => print_op_kinds(*kinds),
            Value::Nothing => NO_NODE.to_owned(),
            Value::Records(list) => print_records(list, names, 0),
        }
    }

    /// Returns whether the value is a list whose members are separated by commas.
    pub fn is_list(&self) -> bool {
        use Value::{Children, Edges, Flags, Moves, Nodes, OpKinds, Users};
        matches!(self, Flags(_) | Moves(_) | Nodes(_) | Users(_) | Edges(_) | Children(_) | OpKinds(_))
    }

    /// Returns whether the value is a list without members.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Nodes(ids) => ids.is_empty(),
            Value::Users(ids) => ids.is_empty(),
            Value::Moves(moves) => moves.is_empty(),
            Value::Edges(edges) => edges.is_empty(),
            Value::Children(children) => children.is_empty(),
            Value::Flags(flags) => *flags == Flags::default(),
            Value::OpKinds(kinds) => *kinds == OpKinds::NONE,
            _ => false,
        }
    }
}

/// Returns the fields of a record, with a blank before each. `indent` is the indentation of the line.
pub fn print_fields(record: &Record, names: &Names, indent: usize) -> String {
    let mut text = String::new();
    for (key, value) in &record.fields {
        // Writing to a string cannot fail.
        let _ = match value {
            // A list needs no key, because its braces identify it.
            Value::Records(members) => write!(text, " {}", print_records(members, names, indent)),
            value => write!(text, " {key}={}", value.print(names)),
        };
    }
    text
}

/// Returns one member in one line with its braces, or several members in a line each.
fn print_records(members: &[Record], names: &Names, indent: usize) -> String {
    if let [one] = members {
        return format!("{{{} }}", print_fields(one, names, indent));
    }
    let blanks = " ".repeat(indent);
    let member = |member: &Record| format!("{blanks} {}\n", print_fields(member, names, indent + 2));
    format!("{{\n{}{blanks}}}", members.iter().map(member).collect::<String>())
}

/// Returns a permission set in canonical spelling (T6).
pub fn print_perms(perms: Perms) -> String {
    let left = ALL - perms;
    match (perms, left) {
        (_, NONE) => EVERY.to_owned(),
        // Shares usually have G and needs rarely do. "All but" is the usual way to write shares.
        _ if G.within(perms) && left.0.count_ones() <= 2 => format!("all-{left:?}"),
        _ => format!("{perms:?}"),
    }
}

/// Returns a role in canonical spelling (T7).
pub fn print_role(role: Role) -> String {
    if role == Role(0) { EMPTY.to_owned() } else { format!("{role:?}") }
}

/// Returns the name of a driver kind (T5).
pub fn print_kind(kind: Kind) -> &'static str {
    spelling_of(&KINDS, &kind)
}

/// Returns the name of a mirror's phase (T9).
pub fn print_phase(phase: Phase) -> &'static str {
    spelling_of(&PHASES, &phase)
}

/// Returns an edge: `parent/child` or `@user` (T8).
pub fn print_edge(edge: EdgeId, names: &Names) -> String {
    match edge {
        EdgeId::Child(parent, name) => format!("{}/{}", names.node(parent), names.child(name)),
        EdgeId::User(user) => format!("@{}", names.user(user)),
    }
}

/// Returns the words of the flags that are set.
pub fn flag_words(flags: Flags) -> impl Iterator<Item = &'static str> {
    let Flags { read_only, force_share, no_io, never_freeze, implicit, inactive } = flags;
    let set = [read_only, force_share, no_io, never_freeze, implicit, inactive];
    FLAGS.into_iter().zip(set).filter_map(|(word, on)| on.then_some(word))
}

fn read_flags(word: &str) -> Result<Flags, String> {
    let mut flags = Flags::default();
    for member in members(word) {
        match FLAGS.iter().position(|&flag| flag == member) {
            Some(0) => flags.read_only = true,
            Some(1) => flags.force_share = true,
            Some(2) => flags.no_io = true,
            Some(3) => flags.never_freeze = true,
            Some(4) => flags.implicit = true,
            Some(_) => flags.inactive = true,
            None => return Err(format!("expected flags out of {} or `-`, found {}", FLAGS.join(", "), quote(member))),
        }
    }
    Ok(flags)
}

/// Returns kinds of operation in canonical spelling (T5).
pub fn print_op_kinds(kinds: OpKinds) -> String {
    if kinds == ALL_KINDS { EVERY.to_owned() } else { joined(kinds.iter().map(op_kind_name)) }
}

const ALL_KINDS: OpKinds = OpKinds(u16::MAX);

fn op_kind_name(kind: OpKind) -> &'static str {
    OpKind::NAMES.get(usize::from(kind.0)).copied().unwrap_or("?")
}

fn read_op_kind(word: &str) -> Result<OpKind, String> {
    let place = OpKind::NAMES.iter().position(|&name| name == word);
    place
        .and_then(|place| u8::try_from(place).ok())
        .map(OpKind)
        .ok_or_else(|| format!("expected a kind of operation ({}), found {}", OpKind::NAMES.join(", "), quote(word)))
}

fn read_op_kinds(word: &str) -> Result<OpKinds, String> {
    if word == EVERY {
        return Ok(ALL_KINDS);
    }
    let mut kinds = OpKinds::NONE;
    for member in members(word) {
        kinds.0 |= OpKinds::of(read_op_kind(member)?).0;
    }
    Ok(kinds)
}

fn read_perms(word: &str) -> Result<Perms, String> {
    let letters = |w| letters(w, Perms::LETTERS).map(Perms);
    let set = match word {
        EMPTY => Some(NONE),
        EVERY => Some(ALL),
        _ => word.strip_prefix("all-").map_or_else(|| letters(word), |but| letters(but).map(|but| ALL - but)),
    };
    set.ok_or_else(|| {
        format!("expected permissions (letters of `rwuzg`, `-`, `all`, or `all-` and letters), found {}", quote(word))
    })
}

fn read_role(word: &str) -> Result<Role, String> {
    if word == EMPTY {
        return Ok(Role(0));
    }
    let term = |w: &str| {
        let alias = ROLES.iter().find(|(alias, _)| *alias == w);
        alias.map(|(_, role)| *role).or_else(|| letters(w, Role::LETTERS).map(Role))
    };
    word.split('+').try_fold(Role(0), |role, w| term(w).map(|more| role | more)).ok_or_else(|| {
        let words: Vec<_> = ROLES.iter().map(|(alias, _)| *alias).collect();
        format!(
            "expected a role (letters of `dmfcp`, `-`, or {} joined by `+`), found {}",
            words.join(", "),
            quote(word)
        )
    })
}

/// Parses the letters of a set: at least one, each at most once.
fn letters(word: &str, alphabet: [char; 5]) -> Option<u8> {
    let mut bits = 0;
    for letter in word.chars() {
        let bit = 1 << alphabet.iter().position(|&known| known == letter)?;
        if bits & bit != 0 {
            return None;
        }
        bits |= bit;
    }
    (bits != 0).then_some(bits)
}

fn read_edge(word: &str, names: &mut Names) -> Result<EdgeId, String> {
    if let Some(user) = word.strip_prefix('@') {
        return names.known_user(user).map(EdgeId::User);
    }
    match word.split_once('/') {
        Some((parent, child)) => Ok(EdgeId::Child(names.known_node(parent)?, names.define_child(child)?)),
        None => Err(format!("expected an edge (`parent/child` or `@user`), found {}", quote(word))),
    }
}

fn read_context(word: &str) -> Result<Context, String> {
    word.parse().map(Context).map_err(|_| format!("expected a context (0 to 255), found {}", quote(word)))
}

fn read_move(word: &str, names: &Names) -> Result<(NodeId, Context), String> {
    match word.split_once(':') {
        Some((node, to)) => Ok((names.known_node(node)?, read_context(to)?)),
        None => Err(format!("expected a node and its context (`node:1`), found {}", quote(word))),
    }
}

fn maybe<T>(word: &str, one: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if word == NO_NODE { Ok(None) } else { one(word).map(Some) }
}

fn list<T>(word: &str, one: impl FnMut(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
    members(word).map(one).collect()
}

fn sorted<T: Ord>(mut list: Vec<T>) -> Vec<T> {
    list.sort_unstable();
    list.dedup();
    list
}

fn lookup<T: Clone>(table: &[(&'static str, T)], word: &str) -> Result<T, String> {
    table.iter().find(|(name, _)| *name == word).map(|(_, value)| value.clone()).ok_or_else(|| {
        let words: Vec<_> = table.iter().map(|(name, _)| *name).collect();
        format!("expected {}, found {}", words.join(" or "), quote(word))
    })
}

fn spelling_of<T: PartialEq>(table: &[(&'static str, T)], value: &T) -> &'static str {
    table.iter().find(|(_, known)| known == value).map_or("?", |(name, _)| name)
}
