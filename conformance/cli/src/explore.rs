//! `blockgraph explore`: stateright's web page, on which a person follows the operations of a facet one by one and sees
//! the graph.

use crate::ending::{Ending, Stop};
use blockgraph_model::checker::Checked;
use blockgraph_model::machine::Atomic;
use blockgraph_model::scopes::SCOPES;
use blockgraph_story::panics::catch_panic;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

/// Walk through a model in the browser.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The scope.
    #[arg(long, default_value = "smoke", value_parser = SCOPES)]
    scope: String,
    /// The facet of the scope [default: its first].
    #[arg(long)]
    facet: Option<String>,
    /// The address at which the page is served. Port 0 takes any free port.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
    address: String,
}

/// Serves the page until the process is interrupted.
pub fn run(arguments: &Arguments) -> Ending {
    let mut scope = crate::scope::named(&arguments.scope, arguments.facet.as_deref())?;
    let (facet, _) = scope.facets.swap_remove(0);
    let address = free(&arguments.address)?;
    let mut out = io::stdout().lock();
    writeln!(out, "http://{address}/")?;
    writeln!(out, "{}: {} (end it with Ctrl-C)", facet.name, facet.about)?;
    out.flush()?;
    drop(out);
    // Another program may have taken the port since it was checked, and then stateright panics.
    match catch_panic(|| Checked { facet, machine: Atomic }.serve(address)) {
        Ok(()) => Ok(true),
        Err(panic) => Err(Stop::Input(format!("the page at {address} is served no more: {panic}"))),
    }
}

/// Returns the address with a port that is free.
///
/// # Errors
/// If the address cannot be used.
fn free(text: &str) -> Result<SocketAddr, Stop> {
    let address: SocketAddr = text.parse().map_err(|_| {
        Stop::Input(format!("bad address {text:?}: expected an IP address and a port, as in 127.0.0.1:3000"))
    })?;
    let bound = TcpListener::bind(address).and_then(|listener| listener.local_addr());
    bound.map_err(|error| Stop::Input(format!("cannot listen on {address}: {error}")))
}
