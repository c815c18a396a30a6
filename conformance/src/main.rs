//! The command `blockgraph`.
#![forbid(unsafe_code)]

fn main() -> std::process::ExitCode {
    blockgraph_conformance::cli::main()
}
