//! Files that subcommands read and write.

use crate::ending::Stop;
use blockgraph_story::counterexample;
use blockgraph_story::turn::Turn;
use std::io;
use std::path::Path;

/// Writes a story to a new file, and prints the command that plays it.
///
/// # Errors
/// If the file cannot be written.
pub fn write_counterexample(
    err: &mut impl io::Write,
    folder: &Path,
    name: &str,
    story: &[Turn],
    what: &str,
) -> Result<(), Stop> {
    let path = counterexample::write(folder, name, story, what)
        .map_err(|error| Stop::Input(format!("cannot write a counterexample to {}: {error}", folder.display())))?;
    writeln!(err, "  replay it: blockgraph replay {}", path.display())?;
    Ok(())
}

/// Reads a whole file, or standard input for `-`.
///
/// # Errors
/// If it cannot be read or is not UTF-8.
pub fn read_text(path: &str) -> Result<String, Stop> {
    let bytes = if path == "-" {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut io::stdin(), &mut bytes).map(|_| bytes)
    } else {
        std::fs::read(path)
    };
    let bytes = bytes.map_err(|error| Stop::Input(format!("{}: {error}", display_path(path))))?;
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = String::from_utf8_lossy(&error.as_bytes()[..good]).into_owned();
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
        Stop::Input(format!("{}:{line}:{column}: the file is not UTF-8", display_path(path)))
    })
}

/// Returns a path as messages show it.
pub fn display_path(path: &str) -> String {
    if path == "-" { "<stdin>".to_owned() } else { path.escape_debug().to_string() }
}
