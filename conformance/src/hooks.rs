//! The driver of the crate under test: a preset that refuses when told to, and writes down how it was called.

use crate::translate::{context_back, node_id, node_name};
use blockgraph::{
    ChildContext, ContextId, Driver, DriverOption, Grant, NodeView, Pair, Policy, Preset, Refusal, Slot,
    UnsupportedOption,
};
use blockgraph_model::{Context, Hook, NodeId};
use std::cell::RefCell;

/// What a driver is asked, or told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// To write out what is not written yet. Nothing follows it.
    Flush,
    /// To become read-only or writable.
    Prepare(bool),
    /// To store this backing name. In an abort, where the graph may be as before again already, `None`.
    Rename(Option<NodeId>),
    /// To give the image away.
    Inactivate,
    /// To live there from now on; nowhere that the tests ever named is `None`.
    Context(Option<Context>),
    /// To grant this.
    Check(Grant),
    /// To take the image over.
    Activate,
}

impl What {
    /// The hook in which it is asked.
    pub fn hook(self) -> Hook {
        match self {
            What::Flush => Hook::Flush,
            What::Prepare(_) => Hook::Prepare,
            What::Rename(_) => Hook::Rename,
            What::Inactivate => Hook::Inactivate,
            What::Context(_) => Hook::Context,
            What::Check(_) => Hook::Check,
            What::Activate => Hook::Activate,
        }
    }

    /// With what is known when it is aborted.
    fn aborted(self) -> What {
        if let What::Rename(_) = self { What::Rename(None) } else { self }
    }
}

/// One call of a hook, with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// Asked, and agreed.
    Agreed(What, NodeId),
    /// Asked, and refused.
    Refused(What, NodeId),
    /// What was agreed takes effect.
    Commit(What, NodeId),
    /// What was agreed does not happen.
    Abort(What, NodeId),
    /// To be quiet, before anything takes effect.
    Quiesce(NodeId),
    /// All has taken effect.
    PostCommit(NodeId),
    /// To go on.
    Resume(NodeId),
    /// The node is gone.
    Closed(NodeId),
    /// The hook was called for another node than the driver's.
    Astray(NodeId),
}

impl Call {
    /// Whose driver was called.
    pub fn node(self) -> NodeId {
        match self {
            Call::Agreed(_, node) | Call::Refused(_, node) | Call::Commit(_, node) | Call::Abort(_, node) => node,
            Call::Quiesce(node) | Call::PostCommit(node) | Call::Resume(node) => node,
            Call::Closed(node) | Call::Astray(node) => node,
        }
    }
}

thread_local! {
    static LOG: RefCell<Vec<Call>> = const { RefCell::new(Vec::new()) };
}

fn log(call: Call) {
    LOG.with_borrow_mut(|log| log.push(call));
}

/// Forgets the calls of this thread so far.
pub fn clear_log() {
    LOG.with_borrow_mut(Vec::clear);
}

/// Looks at the calls of this thread since [`clear_log`].
pub fn with_log<T>(look: impl FnOnce(&[Call]) -> T) -> T {
    LOG.with_borrow(|log| look(log))
}

/// V5.0, V5.1 and V6, as far as the calls alone show it: the drivers are asked in the order of the hooks, each once in each, the
/// flushed nodes are those that are prepared, and nobody is asked anything after a refusal that nothing can make good. Then either
/// everything agreed is aborted, newest first, with the same arguments, and nothing else happens; or, after the aborts of contexts
/// of which a mere wish was refused, newest first, and after each that is to be quiet was told so, everything agreed is
/// committed, with the same arguments: the checks from the back, activations, inactivations and contexts in the order of asking,
/// the renames from the back, the prepared nodes in some order (`ImplSubject` knows the graph, and which order it asks for), then
/// the prepared nodes are told in the order of their preparation, then each that may go on is told so, and then nodes are closed.
///
/// `taken_back`: whose drivers are closed, in this order, if it all comes to nothing (L5.10).
pub fn paired(calls: &[Call], taken_back: &[NodeId]) -> Result<(), String> {
    let is_question = |call: &Call| matches!(call, Call::Agreed(..) | Call::Refused(..));
    let (asked, told) = calls.split_at(calls.iter().position(|call| !is_question(call)).unwrap_or(calls.len()));
    let agreed = asked.iter().filter_map(|call| match *call {
        Call::Agreed(what, node) if what != What::Flush => Some((what, node)),
        _ => None,
    });
    let open: Vec<(What, NodeId)> = agreed.collect();
    let aborts = open.iter().rev().map(|&(what, node)| Call::Abort(what.aborted(), node));
    let closes = taken_back.iter().map(|&node| Call::Closed(node));
    let fitting = told.iter().copied().eq(aborts.chain(closes)) || may_commit(asked) && is_commit(asked, &open, told);
    if fitting && asked_in_order(asked) { Ok(()) } else { Err(format!("unpaired or out of order (V5, V6): {calls:?}")) }
}

/// V5.1, V7: the order of the questions, and that none follows a refusal that undoes everything.
fn asked_in_order(asked: &[Call]) -> bool {
    let question = |call: &Call| match *call {
        Call::Agreed(what, node) | Call::Refused(what, node) => Some((what, node)),
        _ => None,
    };
    let all = |hook| asked.iter().filter_map(question).filter(move |(what, _)| what.hook() == hook).map(|(_, n)| n);
    let sorted = asked.iter().filter_map(question).is_sorted_by_key(|(what, _)| what.hook());
    let (flushed, prepared) = (all(Hook::Flush).count(), all(Hook::Prepare).count());
    let same = all(Hook::Flush).zip(all(Hook::Prepare)).all(|(a, b)| a == b);
    // Fewer are prepared than flushed only where a refusal came between.
    let cut = matches!(asked.last(), Some(Call::Refused(What::Flush | What::Prepare(_), _)));
    let whole = prepared == flushed || prepared < flushed && cut;
    let fatal = asked.iter().position(is_fatal);
    sorted && same && whole && once(asked) && fatal.is_none_or(|place| place + 1 == asked.len())
}

/// Is nobody asked or told the same twice?
fn once(calls: &[Call]) -> bool {
    let alike = |a: &Call, b: &Call| match (*a, *b) {
        (Call::Agreed(a, m) | Call::Refused(a, m), Call::Agreed(b, n) | Call::Refused(b, n)) => {
            (a.hook(), m) == (b.hook(), n)
        }
        _ => a == b,
    };
    calls.iter().enumerate().all(|(place, call)| !calls[..place].iter().any(|earlier| alike(earlier, call)))
}

/// Was it refused in a hook that knows neither loosening nor wishes (V7)? (Whether a context was a mere wish the graph knows.)
fn is_fatal(call: &Call) -> bool {
    matches!(call, Call::Refused(what, _) if !matches!(what.hook(), Hook::Check | Hook::Context))
}

/// Did all that must agree?
fn may_commit(asked: &[Call]) -> bool {
    let of =
        |hook: Hook| asked.iter().filter(move |c| matches!(c, Call::Agreed(what, _) if what.hook() == hook)).count();
    !asked.iter().any(is_fatal) && of(Hook::Flush) == of(Hook::Prepare)
}

/// The second half of V6.
fn is_commit(asked: &[Call], open: &[(What, NodeId)], told: &[Call]) -> bool {
    let of = |hook| open.iter().copied().filter(move |(what, _)| what.hook() == hook);
    let commit = |(what, node)| Call::Commit(what, node);
    let (stay, told) = while_alike(told, |call| matches!(call, Call::Abort(..)));
    let (quiet, told) = while_alike(told, |call| matches!(call, Call::Quiesce(_)));
    let moved = of(Hook::Context).filter(|(what, node)| !stay.contains(&Call::Abort(*what, *node)));
    let checks = of(Hook::Check).collect::<Vec<_>>().into_iter().rev();
    let renames = of(Hook::Rename).collect::<Vec<_>>().into_iter().rev();
    let plain = checks.chain(of(Hook::Activate)).chain(of(Hook::Inactivate)).chain(moved).chain(renames).map(commit);
    let plain: Vec<Call> = plain.collect();
    let prepared: Vec<_> = of(Hook::Prepare).collect();
    let Some((first, told)) = told.split_at_checked(plain.len()) else { return false };
    let Some((commits, told)) = told.split_at_checked(prepared.len()) else { return false };
    let Some((posts, told)) = told.split_at_checked(prepared.len()) else { return false };
    let (on, closed) = while_alike(told, |call| matches!(call, Call::Resume(_)));
    stays(asked, open, stay)
        && first == plain
        && prepared.iter().all(|step| commits.iter().filter(|call| **call == commit(*step)).count() == 1)
        && posts.iter().copied().eq(prepared.iter().map(|&(_, node)| Call::PostCommit(node)))
        && [quiet, on, closed].iter().all(|calls| once(calls))
        && closed.iter().all(|call| matches!(call, Call::Closed(_)))
}

/// The first calls that are like this, and the others.
fn while_alike(calls: &[Call], like: impl Fn(&Call) -> bool) -> (&[Call], &[Call]) {
    calls.split_at(calls.iter().take_while(|call| like(call)).count())
}

/// C3: who agreed to move and does not, newest first; only if somebody refused to.
fn stays(asked: &[Call], open: &[(What, NodeId)], aborts: &[Call]) -> bool {
    let refused = asked.iter().any(|call| matches!(call, Call::Refused(What::Context(_), _)));
    let mut agreed = open.iter().rev().filter(|(what, _)| what.hook() == Hook::Context);
    let in_order = |abort: &Call| agreed.any(|&(what, node)| Call::Abort(what, node) == *abort);
    aborts.is_empty() || refused && aborts.iter().all(in_order)
}

/// What a commit says of itself.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Told {
    /// What was asked, in order.
    pub plan: Vec<(What, NodeId)>,
    /// Whose check was refused, and the refusal tolerated.
    pub refused: Vec<NodeId>,
    /// Who refused to go home, so that all that it is connected with stay (C3).
    pub stayed: Vec<NodeId>,
    /// What was taken back therefore, in order.
    pub aborts: Vec<(What, NodeId)>,
    /// Who was told to be quiet.
    pub quiesce: Vec<NodeId>,
    /// What took effect, in order.
    pub commits: Vec<(What, NodeId)>,
    /// Who was told so afterwards.
    pub post_commits: Vec<NodeId>,
    /// Who was told to go on.
    pub resume: Vec<NodeId>,
    /// Whose driver was closed.
    pub closed: Vec<NodeId>,
    /// Who lost their driver: nobody calls them.
    pub ejected: Vec<NodeId>,
}

/// V5.3: what a commit says of itself is what the drivers were asked and told, in that order and with those arguments. (Who is to
/// be quiet, and who may go on, is told in any order, Q4.)
pub fn as_told(calls: &[Call], told: &Told) -> Result<(), String> {
    let mut heard = Told { ejected: told.ejected.clone(), ..Told::default() };
    for &call in calls {
        match call {
            Call::Agreed(what, node) => heard.plan.push((what, node)),
            Call::Refused(what, node) => {
                heard.plan.push((what, node));
                if what.hook() == Hook::Context { heard.stayed.push(node) } else { heard.refused.push(node) }
            }
            Call::Abort(what, node) if what.hook() == Hook::Context => heard.aborts.push((what, node)),
            Call::Commit(what, node) => heard.commits.push((what, node)),
            Call::Quiesce(node) => heard.quiesce.push(node),
            Call::Resume(node) => heard.resume.push(node),
            Call::PostCommit(node) => heard.post_commits.push(node),
            Call::Closed(node) => heard.closed.push(node),
            Call::Abort(..) | Call::Astray(_) => return Err(format!("{call:?} in a commit: {calls:?}")),
        }
    }
    if let Some(call) = calls.iter().find(|call| told.ejected.contains(&call.node())) {
        return Err(format!("{call:?}, but that driver was handed back (L3.4): {calls:?}"));
    }
    let mut told = told.clone();
    for list in [&mut heard.quiesce, &mut heard.resume, &mut told.quiesce, &mut told.resume] {
        list.sort_unstable();
    }
    if heard == told { Ok(()) } else { Err(format!("the commit says {told:?}, but the hooks were {calls:?}")) }
}

/// A set of hooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hooks(u8);

impl Hooks {
    /// The hooks in which the driver of `node` is to refuse.
    pub fn of(node: NodeId, refusals: &[blockgraph_model::Refusal]) -> Hooks {
        let mine = refusals.iter().filter(|refusal| refusal.node == node);
        Hooks(mine.fold(0, |set, refusal| set | 1 << refusal.hook as u8))
    }

    fn has(self, hook: Hook) -> bool {
        self.0 >> hook as u8 & 1 == 1
    }
}

/// See the module.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestDriver {
    /// The rule.
    pub preset: Preset,
    /// The node's name in the log.
    pub id: NodeId,
    /// Refuses in this hook.
    pub refuses: Hooks,
}

impl TestDriver {
    fn asked(&self, view: &NodeView<'_>, what: What) -> Result<(), Refusal> {
        self.answers(view, what, Ok(()))
    }

    /// Says what the preset says, or no if told to.
    fn answers(&self, view: &NodeView<'_>, what: What, preset: Result<(), Refusal>) -> Result<(), Refusal> {
        let answer = if self.refuses.has(what.hook()) { Err(Refusal::new("injected")) } else { preset };
        self.told(view, if answer.is_err() { Call::Refused } else { Call::Agreed }, what);
        answer
    }

    /// A call that nothing is said about.
    fn heard(&self, view: &NodeView<'_>, call: fn(NodeId) -> Call) {
        log(if self.is_at(view.name()) { call(self.id) } else { Call::Astray(self.id) });
    }

    fn told(&self, view: &NodeView<'_>, call: impl FnOnce(What, NodeId) -> Call, what: What) {
        log(if self.is_at(view.name()) { call(what, self.id) } else { Call::Astray(self.id) });
    }

    fn is_at(&self, name: &str) -> bool {
        *name == *node_name(self.id)
    }
}

/// The name that a hook is shown; a text that is no node's name is nobody's.
fn stored(view: &NodeView<'_>) -> What {
    What::Rename(view.stored_backing().and_then(|name| node_id(name)))
}

impl Policy for TestDriver {
    fn name(&self) -> &str {
        self.preset.name()
    }

    fn filter_slot(&self) -> Option<Slot> {
        self.preset.filter_slot()
    }

    fn supports_backing(&self) -> bool {
        self.preset.supports_backing()
    }

    fn takes_children(&self) -> bool {
        self.preset.takes_children()
    }

    fn children_replaceable(&self) -> bool {
        self.preset.children_replaceable()
    }

    fn takes_filtered(&self) -> bool {
        self.preset.takes_filtered()
    }

    fn live_children(&self) -> bool {
        self.preset.live_children()
    }

    fn child_pair(&self, context: &ChildContext<'_>) -> Pair {
        self.preset.child_pair(context)
    }
}

impl Driver for TestDriver {
    fn flush(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.asked(view, What::Flush)
    }

    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        self.asked(view, What::Prepare(read_only))
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.told(view, Call::Commit, What::Prepare(read_only));
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.told(view, Call::Abort, What::Prepare(read_only));
    }

    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.asked(view, stored(view))
    }

    fn commit_rename(&mut self, view: &NodeView<'_>) {
        self.told(view, Call::Commit, stored(view));
    }

    fn abort_rename(&mut self, view: &NodeView<'_>) {
        self.told(view, Call::Abort, What::Rename(None));
    }

    fn check(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        let preset = self.preset.check(view, new);
        self.answers(view, What::Check(new), preset)
    }

    fn set(&mut self, view: &NodeView<'_>, new: Grant) {
        self.told(view, Call::Commit, What::Check(new));
    }

    fn abort(&mut self, view: &NodeView<'_>, new: Grant) {
        self.told(view, Call::Abort, What::Check(new));
    }

    fn post_commit(&mut self, view: &NodeView<'_>) {
        self.heard(view, Call::PostCommit);
    }

    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.asked(view, What::Inactivate)
    }

    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        self.told(view, Call::Commit, What::Inactivate);
    }

    fn abort_inactivate(&mut self, view: &NodeView<'_>) {
        self.told(view, Call::Abort, What::Inactivate);
    }

    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        self.asked(view, What::Context(context_back(to)))
    }

    fn commit_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        self.told(view, Call::Commit, What::Context(context_back(to)));
    }

    fn abort_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        self.told(view, Call::Abort, What::Context(context_back(to)));
    }

    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.asked(view, What::Activate)
    }

    fn commit_activate(&mut self, view: &NodeView<'_>) {
        self.told(view, Call::Commit, What::Activate);
    }

    fn abort_activate(&mut self, view: &NodeView<'_>) {
        self.told(view, Call::Abort, What::Activate);
    }

    fn quiesce(&mut self, view: &NodeView<'_>) {
        self.heard(view, Call::Quiesce);
    }

    fn resume(&mut self, view: &NodeView<'_>) {
        self.heard(view, Call::Resume);
    }

    fn close(&mut self, name: &str) {
        log(if self.is_at(name) { Call::Closed(self.id) } else { Call::Astray(self.id) });
    }

    fn set_option(&mut self, option: DriverOption) -> Result<DriverOption, UnsupportedOption> {
        self.preset.set_option(option)
    }

    fn default_option(&self) -> Option<DriverOption> {
        self.preset.default_option()
    }
}

#[cfg(test)]
mod tests;
