//! Machines of the museum beside the model: they execute each step of a scenario from the model's state, and must not
//! show their defect.

use crate::place;
use crate::watched::did;
use blockgraph_model::machine::Machine;
use blockgraph_model::machines::Defect;
use blockgraph_model::machines::museum::{Noted, Room, rooms};
use blockgraph_model::menu::{Action, MAX_OPS, Small};
use blockgraph_model::{EdgeId, NodeId, Op, Outcome, Refusal, UserId, execute};
use blockgraph_story::panics::catch_panic;
use blockgraph_story::stage::StepObserver;
use blockgraph_story::text::Step;
use blockgraph_story::text::columns::Declared;
use blockgraph_story::text::scenario::mentioned;
use blockgraph_story::turn::Turn;

/// The number of node names that the machines have room for.
const NODES: u8 = 6;
/// The number of edges that the machines have room for.
const EDGES: usize = 10;

/// The machines that can show a defect.
pub struct DefectObserver {
    defect: Defect,
    rooms: Vec<Room>,
    /// The model's state.
    state: Small,
    /// The state before the last step, and that step.
    last: Option<(Small, Action)>,
}

impl DefectObserver {
    /// Returns an observer with all machines that have the defect, or `None` if no room has it.
    pub fn with(defect: Defect) -> Option<DefectObserver> {
        let mut rooms = rooms();
        rooms.retain(|room| room.defects.contains(&defect));
        (!rooms.is_empty()).then(|| DefectObserver { defect, rooms, state: Small::default(), last: None })
    }

    /// Returns the action of a step.
    ///
    /// # Errors
    /// If the machines have no room for it.
    fn action(&self, step: &Step) -> Result<Action, String> {
        let ops = step.body.ops();
        let full = |what: String| Err(format!("{what}: the museum's machines have no room for that"));
        let node = |declared| if let Declared::Node(node) = declared { Some(node) } else { None };
        let refusing = step.refusals.iter().map(|refusal| refusal.node);
        if ops.iter().flat_map(mentioned).filter_map(node).chain(refusing).any(|node| node.0 >= NODES) {
            return full(format!("more than {NODES} names of nodes"));
        }
        if ops.len() > MAX_OPS {
            return full(format!("more than {MAX_OPS} operations in a transaction"));
        }
        if step.refusals.len() > 1 {
            return full("more than one refusal".to_owned());
        }
        if !(Turn { ops: ops.to_vec(), refusals: Vec::new() }).fits(&self.state) {
            return full(format!("more than {EDGES} edges"));
        }
        Ok(Action { ops: ops.iter().copied().collect(), refusal: step.refusals.first().copied() })
    }

    /// Returns what a machine does wrong in one of the variants of the action: in the action alone, or while the step
    /// before it runs.
    fn shown(&self, room: &Room, action: &Action) -> Option<&'static str> {
        let bare = Action { refusal: None, ..action.clone() };
        let mut shown = None;
        room.machine.each(&room.facet, &self.state, &bare, |tried| {
            if tried.meanwhile.is_none() && tried.action.refusal == action.refusal {
                shown = shown.or_else(|| self.named(tried.broken, tried.outcome));
            }
        });
        if shown.is_some() {
            return shown;
        }
        let (before, intruder) = self.last.as_ref()?;
        for names in spellings(before, intruder, action) {
            let (intruder, action, bare) = (names.action(intruder), names.action(action), names.action(&bare));
            room.machine.each(&room.facet, before, &bare, |tried| {
                if tried.meanwhile == Some(&intruder) && tried.action.refusal == action.refusal {
                    shown = shown.or_else(|| self.named(tried.broken, tried.outcome));
                }
            });
        }
        shown
    }

    /// Returns what a variant did, if it shows the defect.
    fn named(&self, broken: &[&'static str], noted: &Noted) -> Option<&'static str> {
        broken.iter().position(|name| *name == self.defect.id()).map(|place| did(noted, place))
    }
}

impl StepObserver for DefectObserver {
    fn observe_step(&mut self, step: &Step) -> Result<Option<String>, String> {
        let action = self.action(step)?;
        let about = self.defect.about();
        let shown = catch_panic(|| self.rooms.iter().find_map(|room| Some((room, self.shown(room, &action)?))));
        let shown = shown.map_err(|panic| format!("the machine with {} panicked: {panic}", about.id))?;
        let fault = shown.map(|(room, did)| format!("{}, {}: {did} (breaks {})", place(room), about.id, about.breaks));
        let before = self.state;
        if let Outcome::Done { next, .. } = execute(&before, &action.ops, action.refusals()) {
            self.state = next;
        }
        self.last = Some((before, action));
        Ok(fault)
    }
}

/// Other names for those that are free in a state.
struct Spelling {
    nodes: Vec<(NodeId, NodeId)>,
    users: Vec<(UserId, UserId)>,
}

impl Spelling {
    fn node(&self, node: NodeId) -> NodeId {
        self.nodes.iter().find(|(old, _)| *old == node).map_or(node, |(_, new)| *new)
    }

    fn user(&self, user: UserId) -> UserId {
        let renamed = |new: UserId| if user.further_number() == 0 { new } else { new.further(user.further_number()) };
        self.users.iter().find(|(old, _)| *old == user.main()).map_or(user, |(_, new)| renamed(*new))
    }

    fn action(&self, action: &Action) -> Action {
        let refusal = action.refusal.map(|by| Refusal { node: self.node(by.node), ..by });
        let op = |op: &Op| op.renamed(|node| self.node(node), |user| self.user(user));
        Action { ops: action.ops.iter().map(op).collect(), refusal }
    }
}

/// Returns all namings of the free names that two actions mention. In the model one free name stands for all of them,
/// so a menu offers only one; a file may use any.
fn spellings(state: &Small, first: &Action, second: &Action) -> Vec<Spelling> {
    let taken = |n: &NodeId| state.names().any(|name| name == *n) || state.nodes.iter().any(|x| x.stored == Some(*n));
    let used = |u: &UserId| state.edge_index(EdgeId::User(*u)).is_some();
    let (mut nodes, mut users) = (Vec::new(), Vec::new());
    for name in first.ops.iter().chain(&second.ops).flat_map(mentioned) {
        match name {
            Declared::Node(node) if !taken(&node) && !nodes.contains(&node) => nodes.push(node),
            Declared::User(user) if !used(&user.main()) && !users.contains(&user.main()) => users.push(user.main()),
            _ => {}
        }
    }
    let free: Vec<NodeId> = (0..NODES).map(NodeId).filter(|node| !taken(node)).collect();
    let free_users: Vec<UserId> = (0..).map(UserId).filter(|user| !used(user)).take(users.len()).collect();
    let users = assignments(&users, &free_users);
    assignments(&nodes, &free)
        .into_iter()
        .flat_map(|nodes| users.iter().map(move |users| Spelling { nodes: nodes.clone(), users: users.clone() }))
        .collect()
}

/// Returns all ways to assign different elements of `to` to the elements of `from`.
fn assignments<T: Copy + PartialEq>(from: &[T], to: &[T]) -> Vec<Vec<(T, T)>> {
    from.iter().fold(vec![Vec::new()], |all, &old| {
        let longer = |done: Vec<(T, T)>| {
            let free = to.iter().filter(|new| !done.iter().any(|(_, taken)| taken == *new));
            free.map(|&new| done.iter().copied().chain([(old, new)]).collect()).collect::<Vec<_>>()
        };
        all.into_iter().flat_map(longer).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::{DefectObserver, Small, spellings};
    use blockgraph_model::machines::Defect;
    use blockgraph_model::machines::museum::{Room, rooms};
    use blockgraph_model::menu::Action;
    use blockgraph_model::{Kind, NodeId, Op, Outcome, Pair, Spec, UserFlags, UserId, execute};

    fn add(node: u8) -> Action {
        Action::single(Op::Add { node: NodeId(node), spec: Spec::plain(Kind::Protocol) })
    }

    /// A menu knows the first free name only; a file may use any.
    #[test]
    fn free_names_are_spelled_in_all_ways_and_others_are_kept() {
        let Outcome::Done { next, .. } = execute(&Small::default(), &add(1).ops, &[]) else { unreachable!() };
        let (user, node, pair, user_flags) = (UserId(4), NodeId(1), Pair::FREE, UserFlags::NONE);
        let attach = Action::single(Op::AttachUser { user, node, pair, user_flags, context: None });
        let all = spellings(&next, &add(5), &attach);
        let spelled: Vec<_> = all.iter().map(|s| (s.action(&add(5)), s.user(user), s.node(node))).collect();
        let expected: Vec<_> = [0, 2, 3, 4, 5].map(|free| (add(free), UserId(0), node)).into();
        assert_eq!(spelled, expected);
        // Two different free names stay different.
        assert_eq!(spellings(&next, &add(5), &add(3)).len(), 5 * 4);
        assert_eq!(spellings(&next, &add(5), &add(5)).len(), 5);
    }

    #[test]
    fn every_defect_with_a_room_has_a_machine() {
        for &defect in Defect::ALL {
            let has = |room: &Room| room.defects.contains(&defect);
            assert_eq!(DefectObserver::with(defect).is_some(), rooms().iter().any(has), "{defect:?}");
        }
    }
}
