//! The field types of lines about jobs and opening.

use crate::text::columns::{Flags, Kind, LineField, NewNode};
use crate::text::schema::Column;
use crate::text::value::{Fields, Type, Value};
use blockgraph_model::{Act as ActKind, Below as Child, Layer};

/// The action on a job: `act`, which is *start* unless the line sets it.
#[derive(Debug)]
pub struct Act;

impl LineField for Act {
    type Content = ActKind;

    fn columns(key: &'static str, into: &mut Vec<Column>) {
        into.push(Column::word(key, Type::Act, false));
    }

    fn put(content: &ActKind, key: &'static str, into: &mut Fields) {
        if *content != ActKind::Start {
            into.push((key, Value::Act(*content)));
        }
    }

    fn take(key: &'static str, from: &Fields) -> Result<ActKind, String> {
        let field = from.iter().find(|(known, _)| *known == key);
        Ok(if let Some((_, Value::Act(act))) = field { *act } else { ActKind::Start })
    }
}

/// The child `file` of a node that is opened: `file`, and `file-kind` and `file-flags` if the child is opened, too.
#[derive(Debug)]
pub struct Below;

impl LineField for Below {
    type Content = Option<Child>;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        let optional = [("file", Type::NewNode), ("file-kind", Type::Kind), ("file-flags", Type::Flags)];
        into.extend(optional.map(|(key, ty)| Column::word(key, ty, false)));
    }

    fn put(content: &Option<Child>, _: &'static str, into: &mut Fields) {
        let Some(Child { node, opened }) = content else { return };
        NewNode::put(node, "file", into);
        if let Some(Layer { kind, flags }) = opened {
            Kind::put(kind, "file-kind", into);
            if *flags != Default::default() {
                Flags::put(flags, "file-flags", into);
            }
        }
    }

    fn take(_: &'static str, from: &Fields) -> Result<Option<Child>, String> {
        let has = |key| from.iter().any(|(known, _)| *known == key);
        match (has("file"), has("file-kind"), has("file-flags")) {
            (false, false, false) => Ok(None),
            (false, ..) => Err("`file-kind` and `file-flags` are of a `file`, which is missing".to_owned()),
            (true, false, true) => {
                Err("`file-flags` are of a `file` that is opened: `file-kind` is missing".to_owned())
            }
            (true, opened, _) => {
                let layer = || {
                    let flags = Flags::take("file-flags", from).unwrap_or_default();
                    Kind::take("file-kind", from).map(|kind| Layer { kind, flags })
                };
                let opened = if opened { Some(layer()?) } else { None };
                Ok(Some(Child { node: NewNode::take("file", from)?, opened }))
            }
        }
    }
}

/// A node with the default options of its kind: `kind` and `flags`.
#[derive(Debug)]
pub struct KindAndFlags;

impl LineField for KindAndFlags {
    type Content = Layer;

    fn columns(_: &'static str, into: &mut Vec<Column>) {
        Kind::columns("kind", into);
        into.push(Column::word("flags", Type::Flags, false));
    }

    fn put(content: &Layer, _: &'static str, into: &mut Fields) {
        Kind::put(&content.kind, "kind", into);
        if content.flags != Default::default() {
            Flags::put(&content.flags, "flags", into);
        }
    }

    fn take(_: &'static str, from: &Fields) -> Result<Layer, String> {
        Ok(Layer { kind: Kind::take("kind", from)?, flags: Flags::take("flags", from).unwrap_or_default() })
    }
}
