//! Jobs (J1 to J6): O42 to O46, each made of the steps of other operations.

use super::job_parameters::{Commit, Copy};
use super::{Done, Work};
use crate::op::{
    Act, ChildName, Context, Flags, Kind, NodeId, Op, OpKind, OpKinds, Opt, Phase, Role, Spec, StepError as E,
    UserFlags, UserId,
};
use crate::perm::{ALL, G, NONE, Pair, Perms, R, U, W, Z};

/// The kinds of operation that a job's users block (J3).
const BUSY: OpKinds = OpKinds(!OpKinds::of(OpKind::DATAPLANE).0);
/// Everything except resizing.
const NO_RESIZE: Perms = Perms(ALL.0 & !Z.0);
/// J5, O42, O45: reads what is below its filter.
const READER: Pair = Pair::new(R, NO_RESIZE);
/// O43, O44: a node whose content becomes inconsistent while it is committed.
const COMMITTED: Pair = Pair::new(NONE, Perms(W.0 | U.0 | G.0));

impl<const N: usize, const M: usize> Work<'_, N, M> {
    /// J4
    fn filter(kind: Kind, opt: Opt) -> Spec {
        Spec { kind, opt, flags: Flags { implicit: true, ..Flags::NONE } }
    }

    /// J3
    fn job_user(&mut self, job: UserId, part: u8, node: NodeId, pair: Pair) -> Done {
        let user = job.further(part);
        let context: Option<Context> = None;
        self.apply(Op::AttachUser { user, node, pair, user_flags: UserFlags::STAY, context })?;
        self.apply(Op::Block { user, kinds: BUSY })
    }

    /// J3: detaches the main user and this many further ones.
    fn detach_users(&mut self, job: UserId, further: usize) -> Done {
        (0..=further as u8).try_for_each(|part| self.apply(Op::DetachUser { user: job.further(part) }))
    }

    /// J5, J6: the nodes of a chain, both ends included.
    fn links(&self, top: NodeId, base: NodeId) -> Result<super::Names<N>, E> {
        self.exists(top)?;
        self.exists(base)?;
        let edges = self.chain(top, Some(base)).ok_or(E::NotInChain { top, base: Some(base) })?;
        let below = edges.iter().map(|&edge| self.graph.edges()[edge].child);
        Ok(std::iter::once(top).chain(below).collect())
    }

    // ---- O42

    pub(super) fn stream(&mut self, act: Act, job: UserId, node: NodeId, bottom: NodeId, filter: NodeId) -> Done {
        if act == Act::Start {
            return self.stream_start(job, node, bottom, filter);
        }
        let links = self.links(node, bottom)?;
        self.set_frozen(node, Some(bottom), false)?;
        if act == Act::Finish {
            let base = self.graph.chain_edge(bottom).map(|edge| self.graph.edges()[edge].child);
            self.set_backing(node, base)?;
            if self.kind(node).supports_cow() {
                self.rename(node, base.map(|base| Self::explicit(&self.graph, base)));
            }
        }
        self.detach_users(job, links.len())?;
        self.drop_filter(filter)
    }

    fn stream_start(&mut self, job: UserId, node: NodeId, bottom: NodeId, filter: NodeId) -> Done {
        let links = self.links(node, bottom)?;
        links.iter().try_for_each(|link| self.not_blocked(*link, OpKind::STREAM))?;
        let spec = Self::filter(Kind::CopyOnRead, Opt::None);
        self.apply(Op::Insert { new: filter, spec, top: node })?;
        self.set_frozen(node, Some(bottom), true)?;
        self.job_user(job, 0, filter, READER)?;
        for (part, &link) in (1..).zip(&links) {
            let share = if link == node { NO_RESIZE } else { Perms(R.0 | U.0 | G.0) };
            self.job_user(job, part, link, Pair::new(NONE, share))?;
        }
        Ok(())
    }

    // ---- O43, O44

    pub(super) fn commit(&mut self, act: Act, commit: Commit, name: Option<NodeId>) -> Done {
        let Commit { job, top, base, filter } = commit;
        if act == Act::Start {
            let spec = Self::filter(Kind::CommitTop, Opt::None);
            let pairs = [Pair::FREE, COMMITTED, Pair::new(R | W | Z, R | U | G)];
            return self.commit_start(commit, spec, pairs);
        }
        let links = self.links(top, base)?;
        self.set_frozen(filter, Some(base), false)?;
        self.detach_users(job, links.len())?;
        if act == Act::Cancel {
            return self.drop_filter(filter);
        }
        self.drop_intermediate(filter, base, name)?;
        self.release(filter)
    }

    pub(super) fn commit_active(&mut self, act: Act, commit: Commit) -> Done {
        let Commit { job, top, base, filter } = commit;
        if act == Act::Start {
            let spec = Self::filter(Kind::MirrorTop, Opt::Phase(Phase::Commit));
            let pairs = [READER, Pair::new(NONE, NO_RESIZE), Pair::new(W | Z, NO_RESIZE)];
            return self.commit_start(commit, spec, pairs);
        }
        let links = self.links(top, base)?;
        self.set_frozen(filter, Some(base), false)?;
        self.detach_users(job, links.len())?;
        if act == Act::Finish {
            self.apply(Op::SetOption { node: filter, opt: Opt::Phase(Phase::Stopped) })?;
            self.replace_node(top, base)?;
        }
        self.drop_filter(filter)
    }

    /// The common part of the two commits; the pairs are those on the filter, on the top and on the base.
    fn commit_start(&mut self, commit: Commit, spec: Spec, [on_filter, on_top, on_base]: [Pair; 3]) -> Done {
        let Commit { job, top, base, filter } = commit;
        self.exists(top)?;
        self.exists(base)?;
        if top == base {
            return Err(E::SameNode { node: top });
        }
        let links = self.links(top, base)?;
        links.iter().try_for_each(|link| self.not_blocked(*link, OpKind::COMMIT_TARGET))?;
        self.apply(Op::Insert { new: filter, spec, top })?;
        self.set_frozen(filter, Some(base), true)?;
        self.job_user(job, 0, filter, on_filter)?;
        // The filters right above the base show the base, which stays consistent, and grow with it.
        let is_filter = |link: &NodeId| self.kind(*link).filter_slot().is_some();
        let on_base_from = links.len() - 1 - links.iter().rev().skip(1).take_while(|link| is_filter(link)).count();
        for (place, &link) in links.iter().enumerate() {
            let pair = match link {
                _ if link == base => on_base,
                _ if link == top => on_top,
                _ if place >= on_base_from => Pair::FREE,
                _ => COMMITTED,
            };
            self.job_user(job, place as u8 + 1, link, pair)?;
        }
        Ok(())
    }

    // ---- O45, O46

    pub(super) fn mirror(&mut self, act: Act, copy: Copy) -> Done {
        let Copy { job, source, target, filter } = copy;
        if act == Act::Start {
            self.copies(copy, OpKind::MIRROR_SOURCE, OpKind::MIRROR_TARGET)?;
            let spec = Self::filter(Kind::MirrorTop, Opt::Phase(Phase::Mirror));
            self.apply(Op::Insert { new: filter, spec, top: source })?;
            self.job_user(job, 0, filter, READER)?;
            self.job_user(job, 1, source, Pair::new(NONE, NO_RESIZE))?;
            return self.job_user(job, 2, target, Pair::new(W, U | G));
        }
        self.detach_users(job, 2)?;
        if act == Act::Finish {
            self.apply(Op::SetOption { node: filter, opt: Opt::Phase(Phase::Stopped) })?;
            self.replace_node(source, target)?;
        }
        self.drop_filter(filter)
    }

    pub(super) fn backup(&mut self, act: Act, copy: Copy) -> Done {
        let Copy { job, source, target, filter } = copy;
        if act == Act::Start {
            self.copies(copy, OpKind::BACKUP_SOURCE, OpKind::BACKUP_TARGET)?;
            self.add(filter, Self::filter(Kind::CopyBeforeWrite, Opt::None))?;
            self.attach(filter, target, ChildName::TARGET, Role::DATA)?;
            self.append(filter, source, false)?;
            self.job_user(job, 0, filter, Pair::FREE)?;
            return self.job_user(job, 1, target, Pair::FREE);
        }
        self.detach_users(job, 1)?;
        self.drop_filter(filter)
    }

    /// Tests the preconditions of a copy.
    fn copies(&self, Copy { source, target, .. }: Copy, from: OpKind, to: OpKind) -> Done {
        self.exists(source)?;
        self.exists(target)?;
        if source == target {
            return Err(E::SameNode { node: source });
        }
        self.not_blocked(source, from)?;
        self.not_blocked(target, to)
    }
}
