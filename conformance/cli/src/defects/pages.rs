//! The pages in a folder.

use crate::ending::Stop;
use crate::files::read_text;
use blockgraph_model::machines::Defect;
use blockgraph_museum::{Report, page};
use std::path::{Path, PathBuf};

/// A page that names a defect.
pub(super) struct Page {
    path: PathBuf,
    text: String,
    defect: Defect,
}

/// Reads all pages of the folder that name a defect, in the order of their file names.
pub(super) fn read(folder: &Path) -> Result<Vec<Page>, Stop> {
    let bad = |path: &Path, error: &dyn std::fmt::Display| Stop::Input(format!("{}: {error}", path.display()));
    let entries = std::fs::read_dir(folder).map_err(|error| bad(folder, &error))?;
    let mut paths = entries
        .map(|entry| entry.map(|e| e.path()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| bad(folder, &error))?;
    paths.retain(|path| path.extension().is_some_and(|end| end == "md"));
    paths.sort();
    let mut pages = Vec::new();
    for path in paths {
        let text = read_text(&path.to_string_lossy())?;
        if let Some(defect) = page::defect(&text).map_err(|error| bad(&path, &error))? {
            pages.push(Page { path, text, defect });
        }
    }
    if pages.is_empty() {
        return Err(bad(folder, &"no page names a defect"));
    }
    Ok(pages)
}

/// Rewrites the pages of the defects that were explored, or only checks them, and returns what is wrong. `whole` says
/// that all defects were explored.
pub(super) fn renew(
    folder: &Path,
    pages: &[Page],
    report: &Report,
    whole: bool,
    check: bool,
) -> Result<Vec<String>, Stop> {
    let mut problems = Vec::new();
    for Page { path, text, defect } in pages {
        if !whole && !report.defects.contains(defect) {
            continue;
        }
        match page::rewritten(text, *defect, report) {
            Err(problem) => problems.push(format!("{}: {problem}", path.display())),
            Ok(new) if new == *text => {}
            Ok(_) if check => {
                let again = format!("blockgraph defects --pages {}", folder.display());
                problems.push(format!("{}: not as generated; write it again: {again}", path.display()));
            }
            Ok(new) => std::fs::write(path, new)
                .map_err(|error| Stop::Input(format!("cannot write {}: {error}", path.display())))?,
        }
    }
    Ok(problems)
}
