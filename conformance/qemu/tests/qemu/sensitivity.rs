//! After how many operations of the recorded episodes each defect of the museum is noticed.

use crate::traces::episodes;
use blockgraph_qemu::sensitivity::measure::{Observable, Sensitivity, Shadows, observable};

/// The defects that the recorded episodes show, and after how many operations; a failure prints what is right.
const CAUGHT: &[(&str, u64)] = &[
    ("H04", 873),
    ("H10", 207),
    ("H16", 504),
    ("H17", 13),
    ("H24", 158),
    ("H35", 3824),
    ("H62", 6658),
    ("H63", 4165),
    ("N01", 276),
    ("N46", 102),
    ("N53", 8230),
];

#[test]
fn each_defect_is_caught_where_it_was() {
    let all = Sensitivity::default();
    for episode in episodes() {
        let mut shadows = Shadows::default();
        episode
            .walk(|turn| {
                all.turn(&mut shadows, turn);
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
