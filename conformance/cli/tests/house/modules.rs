//! The modules of a crate and the imports between its files, read from the sources.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree};

/// A path of names: `crate::a::b` is `["a", "b"]`.
type Names = Vec<String>;

/// One module that has a file of its own.
#[derive(Debug)]
struct Module {
    file: PathBuf,
    /// What the file names: paths as they are written.
    paths: BTreeSet<Names>,
    /// What the file re-exports.
    exports: BTreeSet<Names>,
    /// Names that the module re-exports or imports, and the paths they stand for.
    imports: BTreeMap<String, Names>,
}

/// The modules of one crate by their paths.
#[derive(Debug, Default)]
pub struct Crate {
    modules: BTreeMap<Names, Module>,
}

impl Crate {
    /// Reads the crate whose root file is `src/lib.rs` or `src/main.rs` in this folder.
    pub fn read(folder: &Path) -> Crate {
        let mut found = Crate::default();
        let src = folder.join("src");
        let root = ["lib.rs", "main.rs"].map(|name| src.join(name)).into_iter().find(|file| file.exists()).unwrap();
        found.enter(Vec::new(), root, &src);
        found
    }

    /// Enters a module's file and those of its children; `folder` is where its children are.
    fn enter(&mut self, path: Names, file: PathBuf, folder: &Path) {
        let text = fs::read_to_string(&file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut reader = Reader::default();
        reader.visit_file(&parsed);
        for name in &reader.children {
            let (flat, own) = (folder.join(format!("{name}.rs")), folder.join(name));
            let file = if flat.exists() { flat } else { own.join("mod.rs") };
            let child = path.iter().cloned().chain([name.clone()]).collect();
            self.enter(child, file, &own);
        }
        let Reader { paths, exports, imports, .. } = reader;
        self.modules.insert(path, Module { file, paths, exports, imports });
    }

    /// The imports between files: for each file the files whose items it names. A parent that only declares or re-exports a
    /// child does not import it.
    pub fn imports(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut all = BTreeMap::new();
        for (at, module) in &self.modules {
            let resolve = |path: &Names| self.resolve(at, path, 0);
            // A parent may hand on what is in its children.
            let exported = module.exports.iter().filter_map(resolve).filter(|to| !to.starts_with(at));
            let targets = module.paths.iter().filter_map(resolve).chain(exported);
            let files = targets.map(|to| self.modules[&to].file.as_path()).filter(|file| *file != module.file);
            all.insert(module.file.as_path(), files.collect());
        }
        all
    }

    /// The module that defines what this path, written in the module `at`, leads to.
    fn resolve(&self, at: &[String], path: &[String], depth: usize) -> Option<Names> {
        let mut place = at.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => (place, rest) = (Vec::new(), &path[1..]),
            "self" => rest = &path[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    place.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let child: Names = at.iter().cloned().chain([first.to_owned()]).collect();
                if !self.modules.contains_key(&child) {
                    return None;
                }
            }
        }
        while let Some((name, after)) = rest.split_first() {
            let child: Names = place.iter().cloned().chain([name.clone()]).collect();
            if self.modules.contains_key(&child) {
                (place, rest) = (child, after);
                continue;
            }
            // A name that this module has from elsewhere leads on to where it is defined.
            let onwards = self.modules[&place].imports.get(name).filter(|_| depth < 8);
            return onwards.and_then(|path| self.resolve(&place, path, depth + 1)).or(Some(place));
        }
        Some(place)
    }
}

/// Collects what a file names, without its tests.
#[derive(Default)]
struct Reader {
    paths: BTreeSet<Names>,
    exports: BTreeSet<Names>,
    imports: BTreeMap<String, Names>,
    children: Vec<String>,
}

impl Reader {
    fn use_tree(&mut self, prefix: &Names, tree: &UseTree, exported: bool) {
        let with = |name: String| prefix.iter().cloned().chain([name]).collect::<Names>();
        match tree {
            UseTree::Path(path) => self.use_tree(&with(path.ident.to_string()), &path.tree, exported),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.use_tree(prefix, tree, exported)),
            UseTree::Name(name) if name.ident == "self" => {
                self.import(prefix.clone(), prefix.last().cloned(), exported)
            }
            UseTree::Name(name) => self.import(with(name.ident.to_string()), Some(name.ident.to_string()), exported),
            UseTree::Rename(name) => self.import(with(name.ident.to_string()), Some(name.rename.to_string()), exported),
            UseTree::Glob(_) => self.import(prefix.clone(), None, exported),
        }
    }

    fn import(&mut self, path: Names, name: Option<String>, exported: bool) {
        self.imports.extend(name.map(|name| (name, path.clone())));
        if exported { &mut self.exports } else { &mut self.paths }.insert(path);
    }
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg") && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
    })
}

fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Mod(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test(attributes(item)) {
            return;
        }
        match item {
            Item::Mod(module) if module.content.is_none() => self.children.push(module.ident.to_string()),
            Item::Use(item) => {
                self.use_tree(&Vec::new(), &item.tree, !matches!(item.vis, syn::Visibility::Inherited));
            }
            _ => visit::visit_item(self, item),
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if path.segments.len() > 1 {
            self.paths.insert(path.segments.iter().map(|segment| segment.ident.to_string()).collect());
        }
        visit::visit_path(self, path);
    }
}
