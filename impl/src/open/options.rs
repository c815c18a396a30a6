//! Trees of options (L5.4).
//!
//! A tree is stored flat: a sorted map from full keys to leaves. A flat key and a nested key are therefore the same
//! option, reading a tree needs no recursion, and depth costs nothing.

use super::error::{OpenError, OpenErrorKind};
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::sync::Arc;

/// The largest number of parts of a key. It is as deep as common parsers of nested options go.
pub const OPTION_DEPTH_MAX: usize = 64;

/// The value of an option that is not a tree.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum OptionValue {
    /// Explicitly absent: `backing` without a backing file.
    Null,
    /// A string; where a child is expected, a reference to a node.
    Text(Arc<str>),
    /// A number.
    Number(i128),
    /// A Boolean.
    Flag(bool),
    /// A tree without options.
    Empty,
}

/// Implements `From` for types that correspond to one variant.
macro_rules! values {
    ($($type:ty => $variant:ident),*) => {$(
        impl From<$type> for OptionValue {
            fn from(value: $type) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

values!(&str => Text, Arc<str> => Text, bool => Flag, u32 => Number, i64 => Number, u64 => Number, i128 => Number);

/// A tree of options (L5.4; QEMU: `QDict`). The order in which options were set is not kept.
///
/// ```
/// use blockgraph::open::Options;
///
/// let mut options = Options::new();
/// options.set("driver", "qcow2")?;
/// options.set("file.driver", "file")?;
/// let mut file = options.take_tree("file")?.unwrap_or_default();
/// assert_eq!(file.take_text("driver")?.as_deref(), Some("file"));
///
/// let error = options.set("driver.x", true).unwrap_err();
/// assert_eq!(error.to_string(), "Parameter 'driver' is given twice");
/// # Ok::<(), blockgraph::open::OpenError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Options {
    leaves: BTreeMap<Arc<str>, OptionValue>,
}

/// Returns the keys of the trees that contain a key, outermost first.
fn ancestors(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices('.').filter_map(|(end, _)| key.get(..end))
}

fn twice(key: &str) -> OpenError {
    OpenErrorKind::OptionTwice { key: key.into() }.into()
}

fn wrong_type(key: &str, expected: &'static str) -> OpenError {
    OpenErrorKind::OptionType { key: key.into(), expected }.into()
}

impl Options {
    /// Returns an empty tree.
    #[must_use]
    pub const fn new() -> Self {
        Self { leaves: BTreeMap::new() }
    }

    /// Returns whether the tree has no option, not even an empty subtree.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.leaves.is_empty()
    }

    /// Returns all leaves with their full keys, sorted by key.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &OptionValue)> {
        self.leaves.iter().map(|(key, value)| (&**key, value))
    }

    /// Returns the value of that key, unless it is a tree with options. O(log options).
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&OptionValue> {
        self.leaves.get(key)
    }

    /// Returns whether the key is set, to a value or a tree. O(log options).
    #[must_use]
    pub fn contains(&self, key: &str) -> bool {
        self.leaves.contains_key(key) || self.first_below(key).is_some()
    }

    /// Returns the first key in the tree of that key.
    fn first_below(&self, key: &str) -> Option<&Arc<str>> {
        let prefix = format!("{key}.");
        self.leaves.range(Arc::from(&*prefix)..).next().map(|(key, _)| key).filter(|key| key.starts_with(&*prefix))
    }

    /// Sets an option; dots in the key separate nested trees. O(parts of the key · log options).
    ///
    /// # Errors
    /// `InvalidKey`; `OptionTooDeep`; `OptionTwice` if the key is already set, to a value or a tree, or if a prefix of
    /// the key is set to a value. In that case nothing has changed.
    pub fn set(&mut self, key: &str, value: impl Into<OptionValue>) -> Result<(), OpenError> {
        let value = value.into();
        if key.split('.').any(str::is_empty) {
            return Err(OpenErrorKind::InvalidKey { key: key.into() }.into());
        }
        if key.split('.').count() > OPTION_DEPTH_MAX {
            return Err(OpenErrorKind::OptionTooDeep { key: key.into() }.into());
        }
        let is_value = |key: &&str| self.leaves.get(*key).is_some_and(|value| *value != OptionValue::Empty);
        if let Some(ancestor) = ancestors(key).find(is_value) {
            return Err(twice(ancestor));
        }
        let tree = self.first_below(key).is_some() || self.leaves.get(key) == Some(&OptionValue::Empty);
        match (tree, &value) {
            (true, OptionValue::Empty) => return Ok(()),
            (true, _) => return Err(twice(key)),
            (false, _) if self.leaves.contains_key(key) => return Err(twice(key)),
            (false, _) => {}
        }
        // The enclosing trees are no longer empty.
        ancestors(key).for_each(|ancestor| _ = self.leaves.remove(ancestor));
        self.leaves.insert(key.into(), value);
        Ok(())
    }

    /// Sets all options of a tree as the subtree of that key.
    ///
    /// # Errors
    /// Those of [`set`](Self::set), for the first option that fails; the options before it have been set.
    pub fn set_tree(&mut self, key: &str, tree: Self) -> Result<(), OpenError> {
        if tree.is_empty() {
            return self.set(key, OptionValue::Empty);
        }
        tree.leaves.into_iter().try_for_each(|(below, value)| self.set(&format!("{key}.{below}"), value))
    }

    /// Removes and returns the value of that key, unless it is a tree with options. O(log options).
    pub fn take(&mut self, key: &str) -> Option<OptionValue> {
        self.leaves.remove(key)
    }

    /// Removes and returns the tree of that key; `None` if it is not set. O(its options · log options).
    ///
    /// # Errors
    /// `OptionType` if the option is a value.
    pub fn take_tree(&mut self, key: &str) -> Result<Option<Self>, OpenError> {
        match self.leaves.get(key) {
            Some(OptionValue::Empty) => {
                self.leaves.remove(key);
                return Ok(Some(Self::new()));
            }
            Some(_) => return Err(wrong_type(key, "object")),
            None => {}
        }
        let mut tree = Self::new();
        while let Some(whole) = self.first_below(key).cloned() {
            let value = self.leaves.remove(&whole);
            if let (Some(below), Some(value)) = (whole.get(key.len() + 1..), value) {
                tree.leaves.insert(below.into(), value);
            }
        }
        Ok(Some(tree).filter(|tree| !tree.is_empty()))
    }

    /// Removes and returns the string of that key; `None` if it is not set.
    ///
    /// # Errors
    /// `OptionType` if the option has another type.
    pub fn take_text(&mut self, key: &str) -> Result<Option<Arc<str>>, OpenError> {
        self.take_as(key, "string", |value| match value {
            OptionValue::Text(text) => Some(text.clone()),
            _ => None,
        })
    }

    /// Removes and returns the Boolean of that key. The strings `on` and `off` are accepted too.
    ///
    /// # Errors
    /// `OptionType` if the option has another type.
    pub fn take_flag(&mut self, key: &str) -> Result<Option<bool>, OpenError> {
        self.take_as(key, "boolean", |value| match value {
            OptionValue::Flag(flag) => Some(*flag),
            OptionValue::Text(text) if **text == *"on" => Some(true),
            OptionValue::Text(text) if **text == *"off" => Some(false),
            _ => None,
        })
    }

    /// Removes and returns the number of that key. A string is accepted too.
    ///
    /// # Errors
    /// `OptionType` if the option has another type.
    pub fn take_number(&mut self, key: &str) -> Result<Option<i128>, OpenError> {
        self.take_as(key, "integer", |value| match value {
            OptionValue::Number(number) => Some(*number),
            OptionValue::Text(text) => text.parse().ok(),
            _ => None,
        })
    }

    fn take_as<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        read: impl Fn(&OptionValue) -> Option<T>,
    ) -> Result<Option<T>, OpenError> {
        match self.leaves.get(key) {
            Some(value) => {
                let value = read(value).ok_or_else(|| wrong_type(key, expected))?;
                self.leaves.remove(key);
                Ok(Some(value))
            }
            None if self.first_below(key).is_some() => Err(wrong_type(key, expected)),
            None => Ok(None),
        }
    }

    /// Adds the options of `lower` that are not set in this tree: this tree has priority (L5.5). Returns the first key
    /// that is a string in one of the trees and a subtree in the other; for such a key this tree has priority too.
    #[cfg(feature = "open")]
    pub(crate) fn merge(&mut self, lower: Self) -> Option<Arc<str>> {
        let mut clash: Option<Arc<str>> = None;
        let own = self.clone();
        let is_text = |tree: &Self, key: &str| matches!(tree.get(key), Some(OptionValue::Text(_)));
        for (key, value) in lower.leaves {
            let above = ancestors(&key).find(|key| own.get(key).is_some_and(|value| *value != OptionValue::Empty));
            if let Some(above) = above {
                if is_text(&own, above) {
                    clash.get_or_insert_with(|| above.into());
                }
            } else if own.first_below(&key).is_some() {
                if matches!(value, OptionValue::Text(_)) {
                    clash.get_or_insert(key);
                }
            } else if !own.leaves.contains_key(&key) {
                ancestors(&key).for_each(|key| _ = self.leaves.remove(key));
                self.leaves.insert(key, value);
            }
        }
        clash
    }
}

#[cfg(test)]
mod tests {
    use super::{OPTION_DEPTH_MAX, OptionValue, Options};
    use alloc::string::{String, ToString};
    use alloc::vec::Vec;

    fn tree(pairs: &[(&str, &str)]) -> Options {
        let mut options = Options::new();
        pairs.iter().for_each(|(key, value)| options.set(key, *value).unwrap());
        options
    }

    fn error(options: &mut Options, key: &str) -> String {
        let before = options.clone();
        let error = options.set(key, "x").unwrap_err().to_string();
        assert_eq!(*options, before);
        error
    }

    #[test]
    fn flat_and_nested_keys_are_equal() {
        let mut options = Options::new();
        options.set_tree("file", tree(&[("driver", "nbd"), ("server.host", "h")])).unwrap();
        options.set("file.server.port", 10809_u32).unwrap();
        assert!(options.contains("file") && options.contains("file.server") && !options.contains("fil"));
        assert_eq!(error(&mut options, "file"), "Parameter 'file' is given twice");
        assert_eq!(error(&mut options, "file.server"), "Parameter 'file.server' is given twice");
        assert_eq!(error(&mut options, "file.driver"), "Parameter 'file.driver' is given twice");
        assert_eq!(error(&mut options, "file.driver.a.b"), "Parameter 'file.driver' is given twice");
        let mut server = options.take_tree("file.server").unwrap().unwrap();
        assert_eq!(server.take_number("port").unwrap(), Some(10809));
        assert_eq!(server.iter().map(|(key, _)| key).collect::<Vec<_>>(), ["host"]);
        assert_eq!(options.take_tree("file.server").unwrap(), None);
        assert_eq!(options, tree(&[("file.driver", "nbd")]));
    }

    /// A dot sorts between `-` and `/`, so keys that share only a prefix are not mistaken for members of the tree.
    #[test]
    fn keys_with_a_common_prefix_are_not_in_the_tree() {
        let mut options = tree(&[("a", "1"), ("a-b", "2"), ("a/b", "3"), ("b-", "4"), ("b.c", "5"), ("b/", "6")]);
        assert_eq!(options.take_tree("b").unwrap(), Some(tree(&[("c", "5")])));
        assert_eq!(options.iter().count(), 5);
        assert_eq!(options.take_tree("a-").unwrap(), None);
    }

    #[test]
    fn empty_trees_are_trees() {
        let mut options = Options::new();
        options.set_tree("file", Options::new()).unwrap();
        assert_eq!(options.set("file", "x").unwrap_err().to_string(), "Parameter 'file' is given twice");
        assert_eq!(options.clone().take_tree("file").unwrap(), Some(Options::new()));
        options.set("file.driver", "x").unwrap();
        options.set("file", OptionValue::Empty).unwrap();
        assert_eq!(options, tree(&[("file.driver", "x")]));
    }

    #[test]
    fn keys_have_parts_and_a_depth() {
        let mut options = Options::new();
        for key in ["", ".", "a.", ".a", "a..b"] {
            assert_eq!(error(&mut options, key), alloc::format!("Invalid parameter '{key}'"));
        }
        let deep = ["a"; OPTION_DEPTH_MAX].join(".");
        options.set(&deep, true).unwrap();
        let deeper = deep + ".a";
        assert_eq!(error(&mut Options::new(), &deeper), alloc::format!("Parameter '{deeper}' is nested too deeply"));
    }

    #[test]
    fn wrong_types_are_errors() {
        let mut options = tree(&[("a", "on"), ("b", "off"), ("n", "-5"), ("t", "text"), ("x.y", "z")]);
        options.set("flag", true).unwrap();
        options.set("null", OptionValue::Null).unwrap();
        assert_eq!(options.take_flag("a").unwrap(), Some(true));
        assert_eq!(options.take_flag("b").unwrap(), Some(false));
        assert_eq!(options.take_flag("flag").unwrap(), Some(true));
        assert_eq!(options.take_flag("flag").unwrap(), None);
        assert_eq!(options.take_number("n").unwrap(), Some(-5));
        let text = options.take_flag("t").unwrap_err().to_string();
        assert_eq!(text, "Invalid parameter type for 't', expected: boolean");
        let tree = options.take_text("x").unwrap_err().to_string();
        assert_eq!(tree, "Invalid parameter type for 'x', expected: string");
        assert!(options.take_tree("t").is_err() && options.take_text("null").is_err());
        assert_eq!(options.iter().count(), 3, "what could not be read is still there");
    }

    #[cfg(feature = "open")]
    #[test]
    fn merge_keeps_the_own_options() {
        let mut options = tree(&[("a", "1"), ("b.c", "2"), ("d.e", "3"), ("f", "4")]);
        let lower = tree(&[("a", "x"), ("b.d", "5"), ("g", "6"), ("d", "ref"), ("f.g", "x")]);
        assert_eq!(options.merge(lower).as_deref(), Some("d"));
        assert_eq!(options, tree(&[("a", "1"), ("b.c", "2"), ("b.d", "5"), ("d.e", "3"), ("f", "4"), ("g", "6")]));
        let mut options = Options::new();
        options.set("backing", OptionValue::Null).unwrap();
        assert_eq!(options.merge(tree(&[("backing.driver", "x")])), None);
        assert_eq!(options.get("backing"), Some(&OptionValue::Null));
        let mut options = Options::new();
        options.set("file", OptionValue::Empty).unwrap();
        assert_eq!(options.merge(tree(&[("file.driver", "x")])), None);
        assert_eq!(options, tree(&[("file.driver", "x")]), "what was empty is so no longer");
    }
}
