//! `blockgraph explore`: stateright's web page, where a person follows a facet's operations one by one, graph drawn.

use crate::ending::{Ending, Stop};
use blockgraph_model::checker::Checked;
use blockgraph_model::machine::Atomic;
use blockgraph_model::scopes::SCOPES;
use blockgraph_story::panics::guard;
use stateright::Model;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpListener};

/// Walk through a model in the browser.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How large.
    #[arg(long, default_value = "smoke", value_parser = SCOPES)]
    scope: String,
    /// Which facet of the scope [default: its first].
    #[arg(long)]
    facet: Option<String>,
    /// Where the page is served; port 0 is any that is free.
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:3000")]
    address: String,
}

/// Serves until it is interrupted.
pub fn run(arguments: &Arguments) -> Ending {
    let mut scope = crate::scope::named(&arguments.scope, arguments.facet.as_deref())?;
    let (facet, _) = scope.facets.swap_remove(0);
    let address = free(&arguments.address)?;
    let mut out = io::stdout().lock();
    writeln!(out, "http://{address}/")?;
    writeln!(out, "{}: {} (end it with Ctrl-C)", facet.name, facet.about)?;
    out.flush()?;
    drop(out);
    // Between the look at the port and this somebody may have taken it; stateright would panic.
    match guard(|| Checked { facet, machine: Atomic }.checker().serve(address)) {
        Ok(_) => Ok(true),
        Err(panic) => Err(Stop::Input(format!("the page at {address} is served no more: {panic}"))),
    }
}

/// The address, with its port chosen, if it can be had.
fn free(text: &str) -> Result<SocketAddr, Stop> {
    let address: SocketAddr = text.parse().map_err(|_| {
        Stop::Input(format!("bad address {text:?}: expected an IP address and a port, as in 127.0.0.1:3000"))
    })?;
    let bound = TcpListener::bind(address).and_then(|listener| listener.local_addr());
    bound.map_err(|error| Stop::Input(format!("cannot listen on {address}: {error}")))
}
