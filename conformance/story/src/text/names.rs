//! The table of names: people write strings, and the model uses numbers (T2).

use crate::text::spelling::quote;
use blockgraph_model::{ChildName, NodeId, UserId};

/// The highest number of nodes, users and child names in one file. An index is a byte.
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
        // The names that the model itself knows: ChildName::FILE, ChildName::BACKING, ChildName::TARGET.
        let children = ["file", "backing", "target"].map(String::from).to_vec();
        Names { nodes: Vec::new(), users: Vec::new(), children }
    }
}

impl Names {
    /// Makes a full table of generated names, for generated operations: `n0`…, `u0`…, `file`, `backing`, `target`,
    /// `c3`….
    pub fn numbered() -> Names {
        let column = |letter: &str, from: usize| (from..LIMIT).map(|i| format!("{letter}{i}")).collect::<Vec<_>>();
        let mut names = Names { nodes: column("n", 0), users: column("u", 0), ..Names::default() };
        names.children.extend(column("c", 3));
        names
    }

    /// Returns the name of a node, or `?` if the table has none.
    pub fn node(&self, id: NodeId) -> &str {
        named(&self.nodes, id.0)
    }

    /// Returns the name of a root user, or `?` if the table has none. The name of a job's further user is made from the
    /// job's name (T25).
    pub fn user(&self, id: UserId) -> String {
        let name = named(&self.users, id.main().0 as u8);
        if id.further_number() == 0 { name.to_owned() } else { format!("{name}#{}", id.further_number()) }
    }

    /// Returns the name of a child edge, or `?` if the table has none.
    pub fn child(&self, id: ChildName) -> &str {
        named(&self.children, id.0)
    }

    /// Returns the node of this name.
    ///
    /// # Errors
    /// If no line so far has added or declared it.
    pub fn known_node(&self, word: &str) -> Result<NodeId, String> {
        known(&self.nodes, word, "node", "adds").map(NodeId)
    }

    /// Returns the root user of this name.
    ///
    /// # Errors
    /// If no line so far has attached or declared it.
    pub fn known_user(&self, word: &str) -> Result<UserId, String> {
        if let Some(further) = self.further(word) {
            return Ok(further);
        }
        known(&self.users, word, "user", "attaches").map(|user| UserId(user.into()))
    }

    /// Returns the node of this name, which is known from now on.
    ///
    /// # Errors
    /// If the name is not well formed, or the table is full.
    pub fn define_node(&mut self, word: &str) -> Result<NodeId, String> {
        define(&mut self.nodes, word, "nodes").map(NodeId)
    }

    /// Returns the root user of this name, which is known from now on.
    ///
    /// # Errors
    /// If the name is not well formed, or the table is full.
    pub fn define_user(&mut self, word: &str) -> Result<UserId, String> {
        if let Some(further) = self.further(word) {
            return Ok(further);
        }
        define(&mut self.users, word, "users").map(|user| UserId(user.into()))
    }

    /// T25: `job#1`, where `job` is known, is the first further user of that job.
    fn further(&self, word: &str) -> Option<UserId> {
        let (job, part) = word.rsplit_once('#')?;
        let part: u8 = part.parse().ok().filter(|part: &u8| *part > 0 && !word.ends_with(&format!("#0{part}")))?;
        Some(UserId(find(&self.users, job)?.into()).further(part))
    }

    /// Returns the child name with this spelling. Every well-formed name is accepted.
    ///
    /// # Errors
    /// If the name is not well formed, or the table is full.
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

/// T2: a name has letters, digits and `_.#-`, with at least one letter or digit. `none` is reserved.
fn well_formed(word: &str) -> Result<(), String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || "_.#-".contains(c);
    if word.chars().all(fits) && word.chars().any(|c| c.is_ascii_alphanumeric()) && word != "none" {
        Ok(())
    } else {
        Err(format!("expected a name (letters, digits and `_.#-`, not `none`), found {}", quote(word)))
    }
}
