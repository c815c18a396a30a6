//! The hall of our own step with one defect put in.

use blockgraph_model::explore::{Exploration, explore_machine};
use blockgraph_model::machine::Machine;
use blockgraph_model::machines::flawed::{Flawed, Mended, rooms};
use blockgraph_model::menu::Facet;

fn explored<M: Machine>(machine: &M, facet: &Facet) -> Exploration {
    explore_machine(machine, facet, 1, || (), &|_, _| {}).0
}

#[test]
fn report() {
    for (flawed, facet) in rooms() {
        let at = std::time::Instant::now();
        let found = explored(&flawed, &facet);
        let took = at.elapsed();
        let off = explored(&Mended(flawed.0), &facet);
        println!("== {} states {} / {} off, {took:?}, findings {} off {}", flawed.0.id(), found.unique(), off.unique(), found.findings.len(), off.findings.len());
        for f in &found.findings {
            let t = found.trace_and(&flawed, &facet, f.state, &f.actions);
            println!("{} at state {} length {} count {}", f.broken, f.state, t.len(), f.count);
            for a in t { println!("    {:?} {:?}", a.ops, a.refusal); }
        }
        for f in &off.findings {
            println!("OFF {:?}", off.trace_and(&Mended(flawed.0), &facet, f.state, &f.actions));
        }
    }
}
