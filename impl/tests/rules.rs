//! The rules for pairs: the default rules are compared with their sentences, and custom rules are tested on what they
//! may depend on.
#![allow(clippy::unwrap_used, reason = "tests")]

use blockgraph::{
    ChildContext, Driver, ErrorKind, Graph, NodeKey, NodeSpec, Pair, Permissions, Policy, Role, Slot,
    default_child_pair,
};

/// P5 for a single bit: whether the child's pair needs it.
fn needs(bit: Permissions, context: &ChildContext<'_>) -> bool {
    let above = |bit| context.parent.need.contains(bit);
    let [data, metadata, cow] = [Role::DATA, Role::METADATA, Role::COW].map(|role| context.role.contains(role));
    let writes_metadata = metadata && context.writable;
    let allocates = data && above(Permissions::WRITE_UNCHANGED);
    match bit {
        Permissions::READ => above(bit) || (metadata && !context.no_io),
        Permissions::WRITE => !cow && (above(bit) || writes_metadata || allocates),
        Permissions::WRITE_UNCHANGED => !cow && above(bit),
        Permissions::RESIZE => {
            !cow && (above(bit) || writes_metadata || allocates || (data && above(Permissions::WRITE)))
        }
        _ => false,
    }
}

/// P5 for a single bit: whether the child's pair shares it.
fn shares(bit: Permissions, context: &ChildContext<'_>) -> bool {
    let above = |bit| context.parent.share.contains(bit);
    let [metadata, cow, filtered] = [Role::METADATA, Role::COW, Role::FILTERED].map(|role| context.role.contains(role));
    match bit {
        Permissions::READ | Permissions::WRITE_UNCHANGED => cow || above(bit),
        Permissions::WRITE | Permissions::RESIZE if filtered => above(bit),
        Permissions::WRITE | Permissions::RESIZE if context.inactive => true,
        Permissions::WRITE | Permissions::RESIZE if cow => above(Permissions::WRITE),
        Permissions::WRITE => !metadata && above(bit),
        Permissions::RESIZE => false,
        _ => true,
    }
}

fn all_sets() -> impl Iterator<Item = Permissions> + Clone {
    (0..32).map(Permissions::from_bits_truncate)
}

/// All well-formed roles, flags and pairs of the parent.
#[test]
fn default_rules_match_p5() {
    let contents = [Role::DATA, Role::METADATA, Role::DATA | Role::METADATA];
    let roles = contents.into_iter().flat_map(|role| [role, role | Role::PRIMARY]).chain([Role::FILTER, Role::COW]);
    let mut count = 0;
    for (role, flags) in roles.flat_map(|role| (0..16).map(move |flags| (role, flags))) {
        for parent in all_sets().flat_map(|need| all_sets().map(move |share| Pair::new(need, share))) {
            let mut context = ChildContext::new("x", role, parent);
            [context.writable, context.no_io, context.inactive, context.has_parents] =
                [1, 2, 4, 8].map(|flag| flags & flag > 0);
            let need = Permissions::ALL.iter().filter(|bit| needs(*bit, &context)).collect();
            let share = Permissions::ALL.iter().filter(|bit| shares(*bit, &context)).collect();
            assert_eq!(default_child_pair(&context), Pair::new(need, share), "{context:?}");
            count += 1;
        }
    }
    assert_eq!(count, 8 * 16 * 32 * 32);
}

/// Conflicts are symmetric (P3).
#[test]
fn conflicts_go_both_ways() {
    let writer = Pair::new(Permissions::WRITE, Permissions::ALL);
    let denier = Pair::new(Permissions::NONE, Permissions::ALL - Permissions::WRITE);
    assert!(writer.conflicts_with(denier) && denier.conflicts_with(writer));
    assert!(!writer.conflicts_with(writer) && !denier.conflicts_with(denier));
}

#[test]
fn specs_and_contexts_have_plain_defaults() {
    let spec = NodeSpec::new("a");
    assert!(!spec.no_io && !spec.read_only && !spec.force_share && !spec.never_freeze);
    let context = ChildContext::new("x", Role::DATA, Pair::NOTHING);
    assert!(context.has_parents && context.writable && !context.no_io && !context.inactive);
}

/// A custom rule: needs the given permissions, or R if the node has parents.
#[derive(Default)]
struct CustomRule {
    need: Permissions,
    reads_below_parents: bool,
    filters: bool,
}

impl Policy for CustomRule {
    fn name(&self) -> &str {
        "own"
    }

    fn filter_slot(&self) -> Option<Slot> {
        self.filters.then_some(Slot::File)
    }

    fn takes_children(&self) -> bool {
        !self.filters
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        let reads = self.reads_below_parents && context.has_parents;
        Pair::new(if reads { Permissions::READ } else { self.need }, Permissions::ALL)
    }
}

impl Driver for CustomRule {}

fn add(graph: &mut Graph<CustomRule>, name: &str, driver: CustomRule) -> NodeKey {
    graph.add(NodeSpec::new(name), driver).unwrap()
}

/// P4 lists it. Nothing else about the parent changes when a user that needs nothing is attached or detached.
#[test]
fn a_rule_may_depend_on_having_parents() {
    let mut graph: Graph<CustomRule> = Graph::new();
    let a = add(&mut graph, "a", CustomRule { reads_below_parents: true, ..CustomRule::default() });
    let (b, c) = (add(&mut graph, "b", CustomRule::default()), add(&mut graph, "c", CustomRule::default()));
    let edge = graph.attach(a, b, "x", Role::DATA).unwrap();
    let needs = |graph: &Graph<CustomRule>, need| {
        assert_eq!((graph.edge(edge).unwrap().pair().need, graph.inconsistencies()), (need, vec![]));
    };
    needs(&graph, Permissions::NONE);
    let user = graph.attach_user("u", a, Pair::NOTHING, false).unwrap();
    needs(&graph, Permissions::READ);
    let root = graph.user_view(user).unwrap().edge();
    graph.replace_edge(root, c).unwrap();
    needs(&graph, Permissions::NONE);
    graph.replace_edge(root, a).unwrap();
    needs(&graph, Permissions::READ);
    graph.detach_user(user).unwrap();
    needs(&graph, Permissions::NONE);
}

/// A driver whose rule changed without the graph's knowledge is evaluated again.
#[test]
fn refresh_evaluates_the_rule_again() {
    let mut graph: Graph<CustomRule> = Graph::new();
    let (a, b) = (add(&mut graph, "a", CustomRule::default()), add(&mut graph, "b", CustomRule::default()));
    let edge = graph.attach(a, b, "x", Role::DATA).unwrap();
    graph.driver_mut(a).unwrap().need = Permissions::RESIZE;
    graph.refresh(a).unwrap();
    assert_eq!((graph.edge(edge).unwrap().pair().need, graph.inconsistencies()), (Permissions::RESIZE, vec![]));
    assert!(matches!(graph.refresh(NodeKey::default()).unwrap_err().kind(), ErrorKind::NodeNotFound { .. }));
}

/// The graph assumes that a filter takes a child, whatever its driver returns.
#[test]
fn a_filter_takes_its_child() {
    let mut graph: Graph<CustomRule> = Graph::new();
    let a = add(&mut graph, "a", CustomRule { filters: true, ..CustomRule::default() });
    let b = add(&mut graph, "b", CustomRule::default());
    graph.attach(a, b, "file", Role::FILTER).unwrap();
}
