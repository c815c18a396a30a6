//! The table of names: a person writes strings, the model counts (T2).

use super::value::quote;
use blockgraph_model::{ChildName, NodeId, UserId};

/// The most nodes, users and names of children that one file can speak of: an index is a byte.
pub const LIMIT: usize = 256;

/// Strings by index, in the order of their first appearance.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names {
    nodes: Vec<String>,
    users: Vec<String>,
    children: Vec<String>,
}

impl Default for Names {
    fn default() -> Self {
        // The two names that the model itself knows: ChildName::FILE, ChildName::BACKING.
        Names { nodes: Vec::new(), users: Vec::new(), children: vec!["file".into(), "backing".into()] }
    }
}

impl Names {
    /// A full table of made-up names, for operations that no person wrote: `n0`…, `u0`…, `file`, `backing`, `c2`….
    pub fn numbered() -> Names {
        let column = |letter: &str, from: usize| (from..LIMIT).map(|i| format!("{letter}{i}")).collect::<Vec<_>>();
        let mut names = Names { nodes: column("n", 0), users: column("u", 0), ..Names::default() };
        names.children.extend(column("c", 2));
        names
    }

    /// The name of a node; `?` if the table has none.
    pub fn node(&self, id: NodeId) -> &str {
        named(&self.nodes, id.0)
    }

    /// The name of a root user; `?` if the table has none.
    pub fn user(&self, id: UserId) -> &str {
        named(&self.users, id.0)
    }

    /// The name of a child edge; `?` if the table has none.
    pub fn child(&self, id: ChildName) -> &str {
        named(&self.children, id.0)
    }

    /// The node of that name.
    ///
    /// # Errors
    /// If no line so far has added or declared it.
    pub fn known_node(&self, word: &str) -> Result<NodeId, String> {
        known(&self.nodes, word, "node", "adds").map(NodeId)
    }

    /// The root user of that name.
    ///
    /// # Errors
    /// If no line so far has attached or declared it.
    pub fn known_user(&self, word: &str) -> Result<UserId, String> {
        known(&self.users, word, "user", "attaches").map(UserId)
    }

    /// The node of that name, which is known from now on.
    ///
    /// # Errors
    /// If it is no name, or one too many.
    pub fn define_node(&mut self, word: &str) -> Result<NodeId, String> {
        define(&mut self.nodes, word, "nodes").map(NodeId)
    }

    /// The root user of that name, which is known from now on.
    ///
    /// # Errors
    /// If it is no name, or one too many.
    pub fn define_user(&mut self, word: &str) -> Result<UserId, String> {
        define(&mut self.users, word, "users").map(UserId)
    }

    /// The child name of that spelling; every name of a child is good.
    ///
    /// # Errors
    /// If it is no name, or one too many.
    pub fn define_child(&mut self, word: &str) -> Result<ChildName, String> {
        define(&mut self.children, word, "names of children").map(ChildName)
    }
}

fn named(list: &[String], index: u8) -> &str {
    list.get(usize::from(index)).map_or("?", String::as_str)
}

fn find(list: &[String], word: &str) -> Option<u8> {
    list.iter().position(|name| name == word).and_then(|i| u8::try_from(i).ok())
}

fn known(list: &[String], word: &str, what: &str, defines: &str) -> Result<u8, String> {
    well_formed(word)?;
    find(list, word).ok_or_else(|| {
        let name = quote(word);
        format!("unknown {what} {name}: no line before this one {defines} it, or declares it by `name {what}=…`")
    })
}

fn define(list: &mut Vec<String>, word: &str, what: &str) -> Result<u8, String> {
    well_formed(word)?;
    if let Some(index) = find(list, word) {
        return Ok(index);
    }
    let index = u8::try_from(list.len()).map_err(|_| format!("more than {LIMIT} {what}"))?;
    list.push(word.to_owned());
    Ok(index)
}

/// T2: letters, digits and `_.#-`, at least one letter or digit among them; `none` is taken.
fn well_formed(word: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
    if word.chars().all(fits) && word.chars().any(|c| c.is_ascii_alphanumeric()) && word != "none" {
        Ok(())
    } else {
        Err(format!("expected a name (letters, digits and `_.#-`, not `none`), found {}", quote(word)))
    }
}
