//! The driver that the tests give to the crate: a preset that refuses in chosen hooks and logs every call.

use crate::translate::{context_back, node_id, node_name, option, preset};
use blockgraph::{
    ChildContext, ContextId, Driver, DriverOption, Grant, NodeView, Pair, Policy, Preset, Refusal, Slot,
    UnsupportedOption,
};
use blockgraph_model::{Context, Hook, NodeId, Spec};
use std::cell::RefCell;

/// What a hook asks of a driver, with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Request {
    /// Flush what is not written yet. No second call follows.
    Flush,
    /// Become read-only or writable.
    Prepare(bool),
    /// Store this backing name. `None` in an abort, because the graph may already show the old name again.
    Rename(Option<NodeId>),
    /// Give the image away.
    Inactivate,
    /// Move the I/O to this context. `None` if the tests never named it.
    Context(Option<Context>),
    /// Check this grant.
    Check(Grant),
    /// Take the image over.
    Activate,
}

impl Request {
    /// Returns the hook that makes this request.
    pub fn hook(self) -> Hook {
        match self {
            Request::Flush => Hook::Flush,
            Request::Prepare(_) => Hook::Prepare,
            Request::Rename(_) => Hook::Rename,
            Request::Inactivate => Hook::Inactivate,
            Request::Context(_) => Hook::Context,
            Request::Check(_) => Hook::Check,
            Request::Activate => Hook::Activate,
        }
    }

    /// Returns the request as its abort shows it.
    fn aborted(self) -> Request {
        if let Request::Rename(_) = self { Request::Rename(None) } else { self }
    }
}

/// A call of a hook, with its arguments.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Call {
    /// The driver was asked and agreed.
    Agreed(Request, NodeId),
    /// The driver was asked and refused.
    Refused(Request, NodeId),
    /// What the driver agreed to takes effect.
    Commit(Request, NodeId),
    /// What the driver agreed to is undone.
    Abort(Request, NodeId),
    /// The driver must become quiet, before anything takes effect.
    Quiesce(NodeId),
    /// Everything has taken effect.
    PostCommit(NodeId),
    /// The driver may go on.
    Resume(NodeId),
    /// The node is closed.
    Closed(NodeId),
    /// The hook was called with the view of another node.
    Astray(NodeId),
}

impl Call {
    /// Returns the node whose driver was called.
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

/// Clears the log of this thread.
pub fn clear_log() {
    LOG.with_borrow_mut(Vec::clear);
}

/// Calls `look` with the calls that this thread has logged since [`clear_log`].
pub fn with_log<T>(look: impl FnOnce(&[Call]) -> T) -> T {
    LOG.with_borrow(|log| look(log))
}

/// Checks the order of the calls of one operation, as far as the calls alone show it (V5.0, V5.1, V6).
///
/// The drivers are asked hook by hook, each once in each hook. The flushed nodes are those that are prepared. No driver
/// is asked after a refusal that undoes the operation. Then one of two things follows:
///
/// * Everything agreed is aborted, newest first, with the same arguments, and nothing else happens.
/// * Changes of context are aborted where a driver refused an optional move, newest first. Drivers that must become
///   quiet are told so. Everything else agreed is committed with the same arguments: checks in reverse order;
///   activations, inactivations and contexts in the order of asking; renames in reverse order; prepared nodes in an
///   order that only the graph determines (`ImplSubject` checks it). Then follow the post-commits in the order of
///   preparation, the drivers that may go on, and the closed nodes.
///
/// `taken_back` lists the nodes whose drivers are closed, in this order, if the operation is undone (L5.10).
///
/// # Errors
/// The calls that do not fit.
pub fn check_call_order(calls: &[Call], taken_back: &[NodeId]) -> Result<(), String> {
    let is_question = |call: &Call| matches!(call, Call::Agreed(..) | Call::Refused(..));
    let (asked, report) = calls.split_at(calls.iter().position(|call| !is_question(call)).unwrap_or(calls.len()));
    let agreed = asked.iter().filter_map(|call| match *call {
        Call::Agreed(what, node) if what != Request::Flush => Some((what, node)),
        _ => None,
    });
    let open: Vec<(Request, NodeId)> = agreed.collect();
    let aborts = open.iter().rev().map(|&(what, node)| Call::Abort(what.aborted(), node));
    let closes = taken_back.iter().map(|&node| Call::Closed(node));
    let fitting =
        report.iter().copied().eq(aborts.chain(closes)) || may_commit(asked) && is_commit(asked, &open, report);
    if fitting && asked_in_order(asked) { Ok(()) } else { Err(format!("unpaired or out of order (V5, V6): {calls:?}")) }
}

/// V5.1, V7: returns whether the requests come in the order of the hooks, and none follows a refusal that undoes the
/// operation.
fn asked_in_order(asked: &[Call]) -> bool {
    let question = |call: &Call| match *call {
        Call::Agreed(what, node) | Call::Refused(what, node) => Some((what, node)),
        _ => None,
    };
    let all = |hook| asked.iter().filter_map(question).filter(move |(what, _)| what.hook() == hook).map(|(_, n)| n);
    let sorted = asked.iter().filter_map(question).is_sorted_by_key(|(what, _)| what.hook());
    let (flushed, prepared) = (all(Hook::Flush).count(), all(Hook::Prepare).count());
    let same = all(Hook::Flush).zip(all(Hook::Prepare)).all(|(a, b)| a == b);
    // Fewer nodes are prepared than flushed only if a refusal came between.
    let cut = matches!(asked.last(), Some(Call::Refused(Request::Flush | Request::Prepare(_), _)));
    let whole = prepared == flushed || prepared < flushed && cut;
    let fatal = asked.iter().position(is_fatal);
    sorted && same && whole && once(asked) && fatal.is_none_or(|place| place + 1 == asked.len())
}

/// Returns whether no call occurs twice.
fn once(calls: &[Call]) -> bool {
    let alike = |a: &Call, b: &Call| match (*a, *b) {
        (Call::Agreed(a, m) | Call::Refused(a, m), Call::Agreed(b, n) | Call::Refused(b, n)) => {
            (a.hook(), m) == (b.hook(), n)
        }
        _ => a == b,
    };
    calls.iter().enumerate().all(|(place, call)| !calls[..place].iter().any(|earlier| alike(earlier, call)))
}

/// Returns whether the request was refused in a hook in which every refusal undoes the operation (V7). Whether a move
/// to another context was optional only the graph knows.
fn is_fatal(call: &Call) -> bool {
    matches!(call, Call::Refused(what, _) if !matches!(what.hook(), Hook::Check | Hook::Context))
}

/// Returns whether every driver agreed whose agreement is needed.
fn may_commit(asked: &[Call]) -> bool {
    let of =
        |hook: Hook| asked.iter().filter(move |c| matches!(c, Call::Agreed(what, _) if what.hook() == hook)).count();
    !asked.iter().any(is_fatal) && of(Hook::Flush) == of(Hook::Prepare)
}

/// Checks the second half of V6.
fn is_commit(asked: &[Call], open: &[(Request, NodeId)], report: &[Call]) -> bool {
    let of = |hook| open.iter().copied().filter(move |(what, _)| what.hook() == hook);
    let commit = |(what, node)| Call::Commit(what, node);
    let (stay, report) = while_alike(report, |call| matches!(call, Call::Abort(..)));
    let (quiet, report) = while_alike(report, |call| matches!(call, Call::Quiesce(_)));
    let moved = of(Hook::Context).filter(|(what, node)| !stay.contains(&Call::Abort(*what, *node)));
    let checks = of(Hook::Check).collect::<Vec<_>>().into_iter().rev();
    let renames = of(Hook::Rename).collect::<Vec<_>>().into_iter().rev();
    let plain = checks.chain(of(Hook::Activate)).chain(of(Hook::Inactivate)).chain(moved).chain(renames).map(commit);
    let plain: Vec<Call> = plain.collect();
    let prepared: Vec<_> = of(Hook::Prepare).collect();
    let Some((first, report)) = report.split_at_checked(plain.len()) else { return false };
    let Some((commits, report)) = report.split_at_checked(prepared.len()) else { return false };
    let Some((posts, report)) = report.split_at_checked(prepared.len()) else { return false };
    let (on, closed) = while_alike(report, |call| matches!(call, Call::Resume(_)));
    stays(asked, open, stay)
        && first == plain
        && prepared.iter().all(|step| commits.iter().filter(|call| **call == commit(*step)).count() == 1)
        && posts.iter().copied().eq(prepared.iter().map(|&(_, node)| Call::PostCommit(node)))
        && [quiet, on, closed].iter().all(|calls| once(calls))
        && closed.iter().all(|call| matches!(call, Call::Closed(_)))
}

/// Splits the calls at the first one that is not like this.
fn while_alike(calls: &[Call], like: impl Fn(&Call) -> bool) -> (&[Call], &[Call]) {
    calls.split_at(calls.iter().take_while(|call| like(call)).count())
}

/// C3: returns whether the aborts before a commit are changes of context that were agreed, newest first, and some
/// driver refused such a change.
fn stays(asked: &[Call], open: &[(Request, NodeId)], aborts: &[Call]) -> bool {
    let refused = asked.iter().any(|call| matches!(call, Call::Refused(Request::Context(_), _)));
    let mut agreed = open.iter().rev().filter(|(what, _)| what.hook() == Hook::Context);
    let in_order = |abort: &Call| agreed.any(|&(what, node)| Call::Abort(what, node) == *abort);
    aborts.is_empty() || refused && aborts.iter().all(in_order)
}

/// What a commit reports.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CommitReport {
    /// What the drivers were asked, in order.
    pub plan: Vec<(Request, NodeId)>,
    /// The nodes whose check was refused, where the refusal is tolerated.
    pub refused: Vec<NodeId>,
    /// The nodes whose driver refused to move to the main context, so that its component stays (C3).
    pub stayed: Vec<NodeId>,
    /// What was aborted for that reason, in order.
    pub aborts: Vec<(Request, NodeId)>,
    /// The nodes whose drivers became quiet.
    pub quiesce: Vec<NodeId>,
    /// What took effect, in order.
    pub commits: Vec<(Request, NodeId)>,
    /// The nodes that were notified afterwards.
    pub post_commits: Vec<NodeId>,
    /// The nodes whose drivers went on.
    pub resume: Vec<NodeId>,
    /// The nodes whose drivers were closed.
    pub closed: Vec<NodeId>,
    /// The nodes that lost their drivers, which get no call.
    pub ejected: Vec<NodeId>,
}

/// Checks that a commit reports exactly the calls that the drivers received, in that order and with those arguments
/// (V5.3). The order in which drivers become quiet and go on is free (Q4).
///
/// # Errors
/// The calls and the report that differ.
pub fn check_against_report(calls: &[Call], report: &CommitReport) -> Result<(), String> {
    let mut observed = CommitReport { ejected: report.ejected.clone(), ..CommitReport::default() };
    for &call in calls {
        match call {
            Call::Agreed(what, node) => observed.plan.push((what, node)),
            Call::Refused(what, node) => {
                observed.plan.push((what, node));
                if what.hook() == Hook::Context { observed.stayed.push(node) } else { observed.refused.push(node) }
            }
            Call::Abort(what, node) if what.hook() == Hook::Context => observed.aborts.push((what, node)),
            Call::Commit(what, node) => observed.commits.push((what, node)),
            Call::Quiesce(node) => observed.quiesce.push(node),
            Call::Resume(node) => observed.resume.push(node),
            Call::PostCommit(node) => observed.post_commits.push(node),
            Call::Closed(node) => observed.closed.push(node),
            Call::Abort(..) | Call::Astray(_) => return Err(format!("{call:?} in a commit: {calls:?}")),
        }
    }
    if let Some(call) = calls.iter().find(|call| report.ejected.contains(&call.node())) {
        return Err(format!("{call:?}, but that driver was handed back (L3.4): {calls:?}"));
    }
    let mut report = report.clone();
    for list in [&mut observed.quiesce, &mut observed.resume, &mut report.quiesce, &mut report.resume] {
        list.sort_unstable();
    }
    if observed == report { Ok(()) } else { Err(format!("the commit says {report:?}, but the hooks were {calls:?}")) }
}

/// A set of hooks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hooks(u8);

impl Hooks {
    /// Returns the hooks in which the driver of `node` must refuse.
    pub fn of(node: NodeId, refusals: &[blockgraph_model::Refusal]) -> Hooks {
        let mine = refusals.iter().filter(|refusal| refusal.node == node);
        Hooks(mine.fold(0, |set, refusal| set | 1 << refusal.hook as u8))
    }

    fn has(self, hook: Hook) -> bool {
        self.0 >> hook as u8 & 1 == 1
    }
}

/// A preset that refuses in chosen hooks and logs every call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TestDriver {
    /// The preset.
    pub preset: Preset,
    /// The node's name in the log.
    pub id: NodeId,
    /// The hooks in which it refuses.
    pub refuses: Hooks,
}

impl TestDriver {
    /// Makes the driver of a node with these options. It refuses in the hooks that `refusals` name for the node.
    pub(crate) fn of_spec(id: NodeId, spec: Spec, refusals: &[blockgraph_model::Refusal]) -> TestDriver {
        let mut driver = TestDriver { preset: preset(spec.kind), id, refuses: Hooks::of(id, refusals) };
        if spec.opt != spec.kind.default_opt() {
            // Options that do not suit are offered again inside the transaction, which refuses them.
            let _ = driver.set_option(option(spec.opt));
        }
        driver
    }

    fn request(&self, view: &NodeView<'_>, what: Request) -> Result<(), Refusal> {
        self.answer(view, what, Ok(()))
    }

    /// Returns the preset's answer, or a refusal if the driver must refuse here, and logs the call.
    fn answer(&self, view: &NodeView<'_>, what: Request, preset: Result<(), Refusal>) -> Result<(), Refusal> {
        let answer = if self.refuses.has(what.hook()) { Err(Refusal::new("injected")) } else { preset };
        self.log_request(view, if answer.is_err() { Call::Refused } else { Call::Agreed }, what);
        answer
    }

    /// Logs a call that has no answer.
    fn log_call(&self, view: &NodeView<'_>, call: fn(NodeId) -> Call) {
        log(if self.is_at(view.name()) { call(self.id) } else { Call::Astray(self.id) });
    }

    fn log_request(&self, view: &NodeView<'_>, call: impl FnOnce(Request, NodeId) -> Call, what: Request) {
        log(if self.is_at(view.name()) { call(what, self.id) } else { Call::Astray(self.id) });
    }

    fn is_at(&self, name: &str) -> bool {
        *name == *node_name(self.id)
    }
}

/// Returns the stored name that the hook sees. A text that is not the name of a node counts as none.
fn stored(view: &NodeView<'_>) -> Request {
    Request::Rename(view.stored_backing().and_then(|name| node_id(name)))
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
        self.request(view, Request::Flush)
    }

    fn prepare(&mut self, view: &NodeView<'_>, read_only: bool) -> Result<(), Refusal> {
        self.request(view, Request::Prepare(read_only))
    }

    fn commit_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.log_request(view, Call::Commit, Request::Prepare(read_only));
    }

    fn abort_prepare(&mut self, view: &NodeView<'_>, read_only: bool) {
        self.log_request(view, Call::Abort, Request::Prepare(read_only));
    }

    fn rename(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.request(view, stored(view))
    }

    fn commit_rename(&mut self, view: &NodeView<'_>) {
        self.log_request(view, Call::Commit, stored(view));
    }

    fn abort_rename(&mut self, view: &NodeView<'_>) {
        self.log_request(view, Call::Abort, Request::Rename(None));
    }

    fn check_permissions(&mut self, view: &NodeView<'_>, new: Grant) -> Result<(), Refusal> {
        let preset = self.preset.check_permissions(view, new);
        self.answer(view, Request::Check(new), preset)
    }

    fn set_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        self.log_request(view, Call::Commit, Request::Check(new));
    }

    fn abort_permissions(&mut self, view: &NodeView<'_>, new: Grant) {
        self.log_request(view, Call::Abort, Request::Check(new));
    }

    fn post_commit(&mut self, view: &NodeView<'_>) {
        self.log_call(view, Call::PostCommit);
    }

    fn inactivate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.request(view, Request::Inactivate)
    }

    fn commit_inactivate(&mut self, view: &NodeView<'_>) {
        self.log_request(view, Call::Commit, Request::Inactivate);
    }

    fn abort_inactivate(&mut self, view: &NodeView<'_>) {
        self.log_request(view, Call::Abort, Request::Inactivate);
    }

    fn change_context(&mut self, view: &NodeView<'_>, to: ContextId) -> Result<(), Refusal> {
        self.request(view, Request::Context(context_back(to)))
    }

    fn commit_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        self.log_request(view, Call::Commit, Request::Context(context_back(to)));
    }

    fn abort_context(&mut self, view: &NodeView<'_>, to: ContextId) {
        self.log_request(view, Call::Abort, Request::Context(context_back(to)));
    }

    fn activate(&mut self, view: &NodeView<'_>) -> Result<(), Refusal> {
        self.request(view, Request::Activate)
    }

    fn commit_activate(&mut self, view: &NodeView<'_>) {
        self.log_request(view, Call::Commit, Request::Activate);
    }

    fn abort_activate(&mut self, view: &NodeView<'_>) {
        self.log_request(view, Call::Abort, Request::Activate);
    }

    fn quiesce(&mut self, view: &NodeView<'_>) {
        self.log_call(view, Call::Quiesce);
    }

    fn resume(&mut self, view: &NodeView<'_>) {
        self.log_call(view, Call::Resume);
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
