//! TEMP
use blockgraph_model::explore::explore_machine;
use blockgraph_model::machines::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let f = museum::temp(&a[2], a[3].parse().unwrap(), a[4].parse().unwrap(), a[5].parse().unwrap());
    let m = match a[1].as_str() {
        "rec" => Trial::Recursive(Recursive { reopening: Reopening::Blind }),
        "early" => Trial::Recursive(Recursive { reopening: Reopening::Early }),
        "tran" => Trial::Transactional(Transactional { repaired: Repairs::NONE }),
        _ => Trial::Transactional(Transactional { repaired: Repairs::ALL }),
    };
    let start = std::time::Instant::now();
    let (all, _) = explore_machine(&m, &f, 2, || (), &|_, _| {});
    println!(
        "{} states {} transitions {} injections {:.1?} levels {}",
        all.unique(),
        all.transitions,
        all.injections,
        start.elapsed(),
        all.levels.len()
    );
    for x in &all.findings {
        println!("== {} x{}", x.broken, x.count);
        if a.len() > 6 {
            for t in all.trace_and(&m, &f, x.state, &x.actions) {
                println!("     {:?} {:?}", t.ops, t.refusal);
            }
        }
    }
}
