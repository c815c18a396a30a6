//! The cases of the plan (DESIGN §4 and §5): the bench that measures each, QEMU's figure, and the target.

/// How the figure follows from a measurement.
#[derive(Clone, Copy)]
pub enum Of {
    /// The whole measurement.
    All,
    /// A half of it, because two operations were measured, one after the other.
    Half,
    /// The measurement divided by the number of elements.
    Each,
    /// The number of elements a second.
    Rate,
}

/// One row of the table.
pub struct Case {
    pub name: &'static str,
    /// The full name of the bench in criterion.
    pub id: &'static str,
    pub of: Of,
    /// Nanoseconds, or elements a second.
    pub qemu: Option<f64>,
    pub target: Option<f64>,
}

const fn case(name: &'static str, id: &'static str, of: Of, qemu: f64, target: f64) -> Case {
    Case { name, id, of, qemu: Some(qemu), target: Some(target) }
}

const fn flat(name: &'static str, id: &'static str, of: Of, qemu: f64) -> Case {
    Case { name, id, of, qemu: Some(qemu), target: None }
}

const fn rate(name: &'static str, id: &'static str, target: f64) -> Case {
    Case { name, id, of: Of::Rate, qemu: None, target: Some(target) }
}

const MICRO: f64 = 1e3;
const MILLI: f64 = 1e6;
const SECOND: f64 = 1e9;

/// All cases, in the order of the plan.
pub const CASES: [Case; 34] = [
    case("five nodes: attach a root user", "five nodes/attach a user", Of::All, 1.8 * MICRO, 300.0),
    case("five nodes: flip a permission", "five nodes/flip a permission", Of::All, 1.6 * MICRO, 300.0),
    case("five nodes: append + drop a filter", "five nodes/append + drop a filter", Of::All, 10.1 * MICRO, 1.5 * MICRO),
    case(
        "five nodes: refused attach, with its message",
        "five nodes/refused attach with its message",
        Of::All,
        2.6 * MICRO,
        600.0,
    ),
    case("one more parent on a node with 1", "one more parent on a node with/1", Of::All, 650.0, 300.0),
    case("… with 100", "one more parent on a node with/100", Of::All, 237.0 * MICRO, 300.0),
    case("… with 1,000", "one more parent on a node with/1000", Of::All, 25.0 * MILLI, 300.0),
    case("… with 10,000", "one more parent on a node with/10000", Of::All, 2.8 * SECOND, 300.0),
    case("chain of 100, flip a permission, per node", "flip a permission down a chain of/100", Of::Each, 300.0, 50.0),
    case("… of 1,000", "flip a permission down a chain of/1000", Of::Each, 527.0, 50.0),
    case("… of 10,000", "flip a permission down a chain of/10000", Of::Each, 1390.0, 50.0),
    case("the same with hooks, of 100", "flip a permission, with hooks, down a chain of/100", Of::Each, 300.0, 70.0),
    case("… of 1,000", "flip a permission, with hooks, down a chain of/1000", Of::Each, 527.0, 70.0),
    case("… of 10,000", "flip a permission, with hooks, down a chain of/10000", Of::Each, 1390.0, 70.0),
    case(
        "chain of 5,000: attach a user on top (half of attach + detach)",
        "attach + detach on top of a chain of/5000",
        Of::Half,
        4.4 * MILLI,
        500.0,
    ),
    flat(
        "chain of 1,000: append at the bottom (half of append + drop)",
        "append + drop at the bottom of a chain of/1000",
        Of::Half,
        1.03 * MILLI,
    ),
    flat(
        "chain of 1,000: append refused at the bottom",
        "append refused at the bottom of a chain of/1000",
        Of::All,
        1.19 * MILLI,
    ),
    case(
        "ladder of 26 double edges: attach (half of attach + detach)",
        "ladder of 26 double edges/attach + detach",
        Of::Half,
        183.0 * MILLI,
        20.0 * MICRO,
    ),
    case(
        "ladder of 26 double edges: drained section",
        "ladder of 26 double edges/drained section at the bottom",
        Of::All,
        1.7 * SECOND,
        20.0 * MICRO,
    ),
    case("replace a node with 1,000 parents", "replace a node with parents/1000", Of::All, 24.0 * MILLI, 100.0 * MICRO),
    case("… with 10,000 parents", "replace a node with parents/10000", Of::All, 2.8 * SECOND, 1.0 * MILLI),
    case("context move over 1,000", "move to another context a chain of/1000", Of::All, 22.0 * MILLI, 100.0 * MICRO),
    case("… over 5,000", "move to another context a chain of/5000", Of::All, 251.0 * MILLI, 500.0 * MICRO),
    rate("explorer, permissions: transitions a second", "explore/permissions", 3e6),
    rate("explorer, flags", "explore/flags", 3e6),
    Case { name: "explorer, sections", id: "explore/sections", of: Of::Rate, qemu: None, target: None },
    rate("replay, star, flags: (state, operation) a second", "replay/star/flags", 5e5),
    rate("replay, walk, flags", "replay/walk/flags", 5e5),
    rate("replay, star, inactive-chains", "replay/star/inactive-chains", 5e5),
    rate("replay, walk, inactive-chains", "replay/walk/inactive-chains", 5e5),
    // The target is half a million a minute.
    rate("differential fuzzing, plausible, 20 nodes: operations a second", "differential/plausible/20", 8_333.0),
    rate("differential fuzzing, plausible, 150 nodes", "differential/plausible/150", 8_333.0),
    rate("differential fuzzing, hostile, 20 nodes", "differential/hostile/20", 8_333.0),
    rate("differential fuzzing, hostile, 150 nodes", "differential/hostile/150", 8_333.0),
];

/// The figures of the bench `memory` that have a target: name, QEMU's figure and the target, which is a maximum.
pub const MEMORY: [(&str, Option<u64>, u64); 6] = [
    ("a node: driver, name and index included", Some(17_136), 256),
    ("an edge", None, 100),
    ("a million nodes and edges, with_capacity", None, 400),
    ("a state of the explorer, permissions", None, 64),
    ("a state of the explorer, sections", None, 96),
    ("a state of the explorer, job-contexts", None, 96),
];
