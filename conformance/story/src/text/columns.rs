//! The field types of lines. Each converts one Rust value to one or more fields and back.

use crate::text::schema::Column;
use crate::text::value::{Fields, Type, Value};
use blockgraph_model::op::Flags as FlagBits;
use blockgraph_model::perm::NONE;
use blockgraph_model::{
    ChildName, EdgeId, NodeId, Opt, Pair as PairValue, Perms as PermSet, Spec, UserFlags as UserFlagBits, UserId,
};
use std::marker::PhantomData;

/// Defines how a value of type `Content` is written in a line.
pub trait LineField {
    /// The Rust value.
    type Content;

    /// Lists the fields of the value. `key` is the name of the Rust field, or the name that the table gives instead.
    fn columns(key: &'static str, into: &mut Vec<Column>);

    /// Writes the value.
    fn put(content: &Self::Content, key: &'static str, into: &mut Fields);

    /// Reads the value.
    ///
    /// # Errors
    /// A sentence if fields are missing or contradict each other.
    fn take(key: &'static str, from: &Fields) -> Result<Self::Content, String>;
}

/// Defines types that are exactly one required field.
macro_rules! plain {
    ($($field:ident: $content:ty = $value:ident;)*) => {$(
        #[doc = concat!("A field of type [`Type::", stringify!($field), "`].")]
        #[derive(Debug)]
        pub struct $field;

        impl LineField for $field {
            type Content = $content;

            fn columns(key: &'static str, into: &mut Vec<Column>) {
                into.push(Column::word(key, Type::$field, true));
            }

            fn put(content: &$content, key: &'static str, into: &mut Fields) {
                into.push((key, Value::$value(content.clone())));
            }

            fn take(key: &'static str, from: &Fields) -> Result<$content, String> {
                match get(from, key) {
                    Some(Value::$value(content)) => Ok(content.clone()),
                    _ => Err(format!("missing key `{key}`")),
                }
            }
        }
    )*};
}

plain! {
    Node: NodeId = Node;
    NewNode: NodeId = Node;
    MaybeNode: Option<NodeId> = MaybeNode;
    User: UserId = User;
    NewUser: UserId = User;
    Child: ChildName = Child;
    Perms: PermSet = Perms;
    Role: blockgraph_model::Role = Role;
    Kind: blockgraph_model::Kind = Kind;
    Flags: FlagBits = Flags;
    Switch: bool = Switch;
    Hook: blockgraph_model::Hook = Hook;
    Slot: blockgraph_model::Slot = Slot;
    Edge: EdgeId = Edge;
    Number: u32 = Number;
    Context: blockgraph_model::Context = Context;
    Moves: Vec<(NodeId, blockgraph_model::Context)> = Moves;
    Nodes: Vec<NodeId> = Nodes;
    NodeSet: Vec<NodeId> = Nodes;
    UserSet: Vec<UserId> = Users;
    Edges: Vec<EdgeId> = Edges;
    Children: Vec<ChildName> = Children;
    OpKind: blockgraph_model::OpKind = OpKind;
    OpKinds: blockgraph_model::OpKinds = OpKinds;
}

pub(super) fn get<'a>(fields: &'a Fields, key: &str) -> Option<&'a Value> {
    fields.iter().find(|(known, _)| *known == key).map(|(_, value)| value)
}

fn optional(into: &mut Vec<Column>, columns: impl IntoIterator<Item = (&'static str, Type)>) {
    into.extend(columns.into_iter().map(|(key, ty)| Column::word(key, ty, false)));
}

/// A switch that is off unless the line sets it.
#[derive(Debug)]
pub struct DefaultOff;

impl LineField for DefaultOff {
    type Content = bool;

    fn columns(key: &'static str, into: &mut Vec<Column>) {
        optional(into, [(key, Type::Switch)]);
    }

    fn put(content: &bool, key: &'static str, into: &mut Fields) {
        if *content {
            Switch::put(content, key, into);
        }
    }

    fn take(key: &'static str, from: &Fields) -> Result<bool, String> {
        Ok(matches!(get(from, key), Some(Value::Switch(true))))
    }
}

/// The flags of a user: switches that are off unless the line sets them.
#[derive(Debug)]
pub struct UserFlags;

impl LineField for UserFlags {
    type Content = UserFlagBits;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        ["stay", "may-inactivate", "fixed"].into_iter().for_each(|key| DefaultOff::columns(key, into));
    }

    fn put(content: &UserFlagBits, _: &'static str, into: &mut Fields) {
        DefaultOff::put(&content.stay, "stay", into);
        DefaultOff::put(&content.may_inactivate, "may-inactivate", into);
        DefaultOff::put(&content.fixed, "fixed", into);
    }

    fn take(_: &'static str, from: &Fields) -> Result<UserFlagBits, String> {
        let (stay, fixed) = (DefaultOff::take("stay", from)?, DefaultOff::take("fixed", from)?);
        Ok(UserFlagBits { stay, may_inactivate: DefaultOff::take("may-inactivate", from)?, fixed })
    }
}

/// An optional value. Leaving it out differs from every value.
#[derive(Debug)]
pub struct Optional<P>(PhantomData<P>);

/// An optional switch.
pub type OptionalSwitch = Optional<Switch>;
/// An optional node.
pub type OptionalNode = Optional<Node>;
/// An optional new node.
pub type OptionalNewNode = Optional<NewNode>;
/// An optional value that is a node or `none`.
pub type OptionalMaybeNode = Optional<MaybeNode>;
/// An optional context.
pub type OptionalContext = Optional<Context>;
/// Optional driver options.
pub type OptionalOptions = Optional<Options>;

impl<P: LineField> LineField for Optional<P> {
    type Content = Option<P::Content>;

    fn columns(key: &'static str, into: &mut Vec<Column>) {
        let mut columns = Vec::new();
        P::columns(key, &mut columns);
        optional(into, columns.iter().map(|column| (column.key, column.ty)));
    }

    fn put(content: &Option<P::Content>, key: &'static str, into: &mut Fields) {
        if let Some(content) = content {
            P::put(content, key, into);
        }
    }

    fn take(key: &'static str, from: &Fields) -> Result<Option<P::Content>, String> {
        let mut columns = Vec::new();
        P::columns(key, &mut columns);
        let present = columns.iter().any(|column| get(from, column.key).is_some());
        present.then(|| P::take(key, from)).transpose()
    }
}

/// The fields `need` and `share`.
#[derive(Debug)]
pub struct Pair;

impl LineField for Pair {
    type Content = PairValue;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        Perms::columns("need", into);
        Perms::columns("share", into);
    }

    fn put(content: &PairValue, _: &'static str, into: &mut Fields) {
        Perms::put(&content.need, "need", into);
        Perms::put(&content.share, "share", into);
    }

    fn take(_: &'static str, from: &Fields) -> Result<PairValue, String> {
        Ok(PairValue::new(Perms::take("need", from)?, Perms::take("share", from)?))
    }
}

/// A driver's options (T9): `take` and `unshare`, or `rewrite`, `select`, `phase`, `unaligned`, or `options=none`.
#[derive(Debug)]
pub struct Options;

impl LineField for Options {
    type Content = Opt;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        let perms = [("take", Type::Perms), ("unshare", Type::Perms)];
        optional(into, perms);
        optional(into, [("rewrite", Type::Switch), ("select", Type::MaybeChild), ("phase", Type::Phase)]);
        optional(into, [("unaligned", Type::Switch), ("options", Type::Nothing)]);
    }

    fn put(content: &Opt, _: &'static str, into: &mut Fields) {
        match *content {
            Opt::None => into.push(("options", Value::Nothing)),
            Opt::Debug { take, unshare } => {
                into.extend([("take", Value::Perms(take)), ("unshare", Value::Perms(unshare))]);
            }
            Opt::Rewrite(on) => into.push(("rewrite", Value::Switch(on))),
            Opt::Select(child) => into.push(("select", Value::MaybeChild(child))),
            Opt::Phase(phase) => into.push(("phase", Value::Phase(phase))),
            Opt::Unaligned(on) => into.push(("unaligned", Value::Switch(on))),
        }
    }

    fn take(_: &'static str, from: &Fields) -> Result<Opt, String> {
        let missing = || {
            "missing options: expected `take`, `unshare`, `rewrite`, `select`, `phase`, `unaligned` or `options=none`"
                .to_owned()
        };
        read_options(from)?.ok_or_else(missing)
    }
}

/// Returns the options of a line, if it has any.
fn read_options(from: &Fields) -> Result<Option<Opt>, String> {
    let mut found = None;
    let mut clash = None;
    let mut set_options = |key: &'static str, opt: Opt| {
        if let Some((earlier, _)) = found.replace((key, opt)) {
            clash = Some(format!("`{key}` does not go with `{earlier}`: options of two driver kinds"));
        }
    };
    let perms = |key| match get(from, key) {
        Some(Value::Perms(set)) => Some(*set),
        _ => None,
    };
    match (perms("take"), perms("unshare")) {
        (None, None) => {}
        (take, unshare) => {
            set_options("take", Opt::Debug { take: take.unwrap_or(NONE), unshare: unshare.unwrap_or(NONE) });
        }
    }
    for (key, value) in from {
        match (*key, value) {
            ("rewrite", Value::Switch(on)) => set_options("rewrite", Opt::Rewrite(*on)),
            ("select", Value::MaybeChild(child)) => set_options("select", Opt::Select(*child)),
            ("phase", Value::Phase(phase)) => set_options("phase", Opt::Phase(*phase)),
            ("unaligned", Value::Switch(on)) => set_options("unaligned", Opt::Unaligned(*on)),
            ("options", Value::Nothing) => set_options("options", Opt::None),
            _ => {}
        }
    }
    clash.map_or(Ok(found.map(|(_, opt)| opt)), Err)
}

/// The spec of a new node: `kind`, `flags` and options. The options default to those of the kind.
#[derive(Debug)]
pub struct NodeSpec;

impl LineField for NodeSpec {
    type Content = Spec;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        Kind::columns("kind", into);
        optional(into, [("flags", Type::Flags)]);
        Options::columns("", into);
    }

    fn put(content: &Spec, _: &'static str, into: &mut Fields) {
        Kind::put(&content.kind, "kind", into);
        if content.flags != FlagBits::default() {
            Flags::put(&content.flags, "flags", into);
        }
        if content.opt != content.kind.default_opt() {
            Options::put(&content.opt, "", into);
        }
    }

    fn take(_: &'static str, from: &Fields) -> Result<Spec, String> {
        let kind = Kind::take("kind", from)?;
        let opt = read_options(from)?.unwrap_or(kind.default_opt());
        Ok(Spec { kind, opt, flags: Flags::take("flags", from).unwrap_or_default() })
    }
}

/// A name that is declared without a node or user.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Declared {
    /// The name of a node.
    Node(NodeId),
    /// The name of a root user.
    User(UserId),
    /// The name of a child.
    Child(ChildName),
}

/// Exactly one of `node`, `user`, `child`.
#[derive(Debug)]
pub struct OneName;

impl LineField for OneName {
    type Content = Declared;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        optional(into, [("node", Type::NewNode), ("user", Type::NewUser), ("child", Type::Child)]);
    }

    fn put(content: &Declared, _: &'static str, into: &mut Fields) {
        into.push(match *content {
            Declared::Node(id) => ("node", Value::Node(id)),
            Declared::User(id) => ("user", Value::User(id)),
            Declared::Child(name) => ("child", Value::Child(name)),
        });
    }

    fn take(_: &'static str, from: &Fields) -> Result<Declared, String> {
        match from.as_slice() {
            [(_, Value::Node(id))] => Ok(Declared::Node(*id)),
            [(_, Value::User(id))] => Ok(Declared::User(*id)),
            [(_, Value::Child(name))] => Ok(Declared::Child(*name)),
            _ => Err("expected one of `node=…`, `user=…`, `child=…`".to_owned()),
        }
    }
}
