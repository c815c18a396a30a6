//! The rules by which QEMU deviates, and the result of a rule.

use blockgraph_model::State;

/// Defines the rules: variant, number, short description.
macro_rules! rules {
    ($($rule:ident $number:literal $what:literal)*) => {
        /// A rule.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs, reason = "each says in a few words what it is")]
        pub enum Rule {
            $($rule,)*
        }

        impl Rule {
            /// All rules.
            pub const EVERY: &[Rule] = &[$(Rule::$rule,)*];

            /// Returns its number in `specs/qemu-deviations.md`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Rule::$rule => $number,)*
                }
            }

            /// Returns its short description.
            pub const fn what(self) -> &'static str {
                match self {
                    $(Rule::$rule => $what,)*
                }
            }
        }
    };
}

rules! {
    Order "D1" "QEMU names another valid reason, because it tests conditions in another order"
    Between "D2" "the graph after a part of the turn causes the refusal"
    ActivateStays "D3" "a node activated for an export stays active when the export is refused"
    RootOnly "D4" "QMP starts a job only on a node without a node above"
    Unfiltered "D5" "a job treats two nodes with only filters between them as one"
    HalfActive "D6" "a refused change of activity keeps what it has already changed"
    Unjudged "D7" "activity changes without a check of the needs on inactive nodes"
    JobInactive "D8" "a job on an inactive node is refused before any other test"
    ExportSealed "D9" "a writable export of a read-only node is refused even while the node is inactive"
    OverInactive "D10" "a snapshot puts an active node over an inactive one (H63)"
    OptionStuck "D11" "a node opened with active=off or force-share=on cannot be reopened"
    LeftDrained "D12" "after a reopen that queued a node twice, commands that read the node hang (H61)"
    DoubleEdge "D13" "QEMU dies when it inactivates a node with two paths to it"
    ThreadOpen "D14" "opening a throttle node or an image above a node in an iothread dies or hangs"
    ThreadJob "D15" "a job on a node in an iothread hangs or dies"
    ThreadFirst "D16" "contexts are changed edge by edge, not settled on the whole graph"
    AbortMoves "D17" "an aborted snapshot moves the earlier parents of its overlay to the node below"
    Sealed "D18" "after a snapshot the node below is reopened read-only, if it can be"
    KeptShare "D19" "an edge that moves from or to a force-share node keeps its share"
    UserRobbed "D20" "a refused or unjudged inactivation takes permissions from users whose node stays active"
    JobInactivated "D21" "a node that a job uses is inactivated"
    OverlayRead "D22" "an overlay is refused if a parent reads it, and not if it has a user"
    AbortInactive "D23" "an aborted snapshot of an inactive node leaves its overlay inactive"
    OverlayTwice "D24" "QEMU dies when it undoes a transaction that names an overlay twice"
    HalfPairs "D25" "a refused activation leaves needs and shares that no parent asked for"
    Overridden "D26" "if a reopen lists a node twice, the first entry is ignored"
    NamedFilter "D27" "a job's filter with a given name is not implicit"
    CommitSets "D28" "a commit needs Z only if its base is shorter, its filter shares no write, and its main user is on the uppermost image"
    KeptUser "D29" "a user that a snapshot moves to an inactive overlay keeps its pair"
    InlineFirst "D30" "an inline child can be named as another child of the same node"
    CopyInherits "D31" "when a mirror or active commit ends, its target gets the read-only flag of the node that it replaces"
    Preallocated "D32" "the nodes below a preallocate node cannot be inactivated with it, because it still needs to write"
    StreamStays "D33" "a refused stream leaves a user on its node"
    OverlayFollows "D34" "a snapshot of an inactive node makes its overlay inactive first"
    MirrorBelow "D35" "a mirror to a node below its source is an active commit, or is refused"
    BackupHolds "D36" "QEMU dies when a backup ends whose source has no other holder"
    EndRefused "D37" "QEMU dies when the end of a job is refused"
    BackedUpGrows "D38" "QEMU dies when a job grows a file that is being backed up"
    HandedDown "D39" "a reopen passes inactivity down, and read-only only if it was given"
    TakenAway "D40" "QEMU dies when a reopen also reopens a node that it removes from its last parent"
    IdleStays "D41" "a user of an inactive job's filter keeps an empty pair on the active node to which the end of the job moves it"
    EndGivesUp "D42" "a job whose end is refused fails and is removed"
}

/// A rule that explains a difference, with the state of the model from which the episode goes on.
pub struct Explained<const N: usize, const E: usize> {
    /// The rule.
    pub rule: Rule,
    /// QEMU's graph as a state of the model; `None` if the model has no such state.
    pub next: Option<State<N, E>>,
}

impl Rule {
    /// The rule explains the case, and the episode goes on from this state.
    pub(super) fn then<const N: usize, const E: usize>(self, next: State<N, E>) -> Option<Explained<N, E>> {
        Some(Explained { rule: self, next: Some(next) })
    }

    /// The rule explains the case, and the episode ends.
    pub(super) fn ends<const N: usize, const E: usize>(self) -> Option<Explained<N, E>> {
        Some(Explained { rule: self, next: None })
    }
}
