//! `blockgraph run`: operations in, outcomes and graphs out, for scripts.

use crate::ending::{Ending, Stop};
use blockgraph_check::stages::{Side, subject};
use blockgraph_story::stage::Stage;
use blockgraph_story::text::Item;
use blockgraph_story::text::json::{self, Object, Reader};
use serde::Serialize;
use std::io::{self, BufRead, Write};

/// What executes operations.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum On {
    /// The formal model.
    Model,
    /// The crate.
    Impl,
}

impl On {
    fn side(self) -> Side {
        match self {
            On::Model => Side::Model,
            On::Impl => Side::Impl,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// What executes the operations.
    #[arg(long, value_enum, default_value = "impl")]
    on: On,
}

/// Executes standard input line by line. Each answer is written before the next line is read.
pub(super) fn run(arguments: &Arguments) -> Ending {
    let mut stage = Stage::single(subject(arguments.on.side()));
    let mut reader = Reader::default();
    let mut out = io::stdout().lock();
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        let bad = |message: String| Stop::Input(format!("<stdin>:{number}:{message}"));
        if input.read_until(b'\n', &mut line).map_err(|error| bad(format!(" {error}")))? == 0 {
            break;
        }
        let text = std::str::from_utf8(&line).map_err(|_| bad(" the line is not UTF-8".to_owned()))?.trim();
        if text.is_empty() {
            continue;
        }
        let item = reader.line(text).map_err(|problem| {
            // Only the column has a meaning within one line.
            let column = if problem.place.line > 0 { format!("{}:", problem.place.column) } else { String::new() };
            bad(format!("{column} {}", problem.message))
        })?;
        let Item::Step(step) = item else { continue };
        let report = stage.play(&step, &reader.names).map_err(|message| bad(format!(" {message}")))?;
        let names = &reader.names;
        let output = OutputLine {
            outcome: json::outcome(&report.answer, names),
            observation: json::observation(&report.graph, names),
        };
        writeln!(out, "{}", serde_json::to_string(&output).map_err(io::Error::from)?)?;
        out.flush()?;
    }
    Ok(true)
}

/// A line of the output.
#[derive(Serialize)]
struct OutputLine<'a> {
    outcome: Vec<Object<'a>>,
    observation: Vec<Object<'a>>,
}
