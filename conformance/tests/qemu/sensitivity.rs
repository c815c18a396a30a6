//! After how many operations of the recorded episodes each defect of the museum is noticed.

use crate::traces::episodes;
use blockgraph_conformance::qemu::sensitivity::{Observable, Sensitivity, Shadows, observable};

/// The defects that the recorded episodes show, and after how many operations; a failure prints what is right.
const CAUGHT: &[(&str, u64)] = &[
    ("H04", 1028),
    ("H10", 215),
    ("H16", 578),
    ("H24", 175),
    ("H35", 7655),
    ("H63", 7467),
    ("N01", 287),
    ("N46", 119),
];

#[test]
fn each_defect_is_caught_where_it_was() {
    let all = Sensitivity::default();
    for episode in episodes() {
        let mut shadows = Shadows::default();
        episode
            .walk(|again| {
                all.turn(&mut shadows, again);
                Ok(())
            })
            .unwrap();
    }
    let rows = all.rows();
    for (defect, row) in &rows {
        println!("{} {row:?}", defect.id());
    }
    let caught: Vec<(&str, u64)> =
        rows.iter().filter_map(|(defect, row)| Some((defect.id(), row.caught.as_ref()?.ops))).collect();
    for (defect, row) in &rows {
        let may = matches!(observable(*defect), Observable::Yes | Observable::Seldom | Observable::Hidden(_));
        assert!(may || row.caught.is_none(), "{} is {:?}: {row:?}", defect.id(), observable(*defect));
    }
    assert_eq!(caught, CAUGHT, "the table should be\n{caught:?}");
}
