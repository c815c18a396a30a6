//! The museum's catalogue: the facts about each defect.

/// The kind of machine that shows a defect.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Hall {
    /// Seed 0 as it was.
    Recursive,
    /// Seed 0 with the reopen of its time, which the seed does not contain; it is written from the history.
    History,
    /// Seed 1 as it was.
    Transactional,
    /// Seed 1, with other operations running where it polls.
    Polling,
    /// The model's own step with the defect put in.
    Flawed,
}

/// The facts about a defect.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its number: H.. is from QEMU's history, N.. was found here.
    pub id: &'static str,
    /// A short description.
    pub title: &'static str,
    /// The QEMU commit that fixed it; empty if no such commit is known.
    pub commit: &'static str,
    /// The release with that commit.
    pub release: &'static str,
    /// The kind of machine that shows it.
    pub hall: Hall,
    /// What it breaks.
    pub breaks: &'static str,
}

macro_rules! catalogue {
    ($($name:ident $hall:ident $commit:literal $release:literal $title:literal $breaks:literal;)*) => {
        /// A defect of the museum.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[allow(missing_docs, reason = "each is described by its row of the catalogue")]
        pub enum Defect { $($name),* }

        impl Defect {
            /// All defects, in the order of the catalogue.
            pub const ALL: &[Defect] = &[$(Defect::$name),*];

            /// Returns its row of the catalogue.
            pub const fn about(self) -> About {
                match self {
                    $(Defect::$name => About {
                        id: stringify!($name),
                        title: $title,
                        commit: $commit,
                        release: $release,
                        hall: Hall::$hall,
                        breaks: $breaks,
                    },)*
                }
            }
        }
    };
}

catalogue! {
    H01 Recursive "bd57f8f7f8" "6.1" "depth-first order is not topological" "V1: the final graph is judged";
    H02 Recursive "3bb0e2980a" "6.1" "what is ignored is not ignored further below" "V1: the final graph is judged";
    H02b Recursive "3bb0e2980a" "6.1" "the node that edges led to before is not refreshed" "P4: pairs follow the rule";
    H03 Recursive "2272edcfff" "6.1" "append judges an intermediate graph" "V1: the final graph is judged";
    H04 Recursive "f962e96150" "4.0" "a diamond is judged half old, half new" "P3: no conflict between two parents";
    H07 Recursive "160333e1fe" "6.1" "the old backing goes before the new one is accepted" "V1: all or nothing";
    H08 Recursive "3108a15cf0" "6.1" "a dropped filter's leftover edge conflicts" "V1: the final graph is judged";
    H08b Transactional "" "10.0.13" "a registered filter without a child" "S2: a filter keeps its child";
    H09 Recursive "ec9f10fe06" "3.0" "replace-node makes a cycle" "V3.1: acyclic";
    H10 Transactional "bfb8aa6d58" "6.2" "attach and append accept a cycle" "V3.1: acyclic";
    H11 Transactional "a225369bce" "6.2" "an edge without a target, or in one list only, is visible" "S1: each edge stands in both lists";
    H14 Flawed "234ac1a902" "2.9" "parents are moved and judged one by one" "V1: all or nothing";
    H15 Recursive "d669ed6ab0" "5.2" "drop-intermediate is not all or nothing" "V1: all or nothing";
    H16 History "3045025991" "2.11" "reopen judges by the old read-only flag" "P4: pairs follow the rule";
    H17 History "72373e40fb" "6.1" "reopen judges the graph before the change" "R2: the final graph is judged";
    H24 Flawed "a13de40a05" "6.2" "inactivation ignores writers" "A1: no user or active parent is overlooked";
    H30 History "1857c97b76" "2.11" "a parent's commit writes before its child is writable" "R2: children are committed first";
    H33a Flawed "0f0998f621" "4.0" "freezing a chain that does not reach its base" "S7: not in the chain is an error";
    H33b Flawed "7b99a26600" "5.2" "filter edges are not frozen" "S7: every edge of the chain";
    H33c Flawed "17a7c39248" "4.1" "the error path thaws one edge too many" "S7: an error changes nothing";
    H33d Flawed "e5182c1c57" "4.1" "a node that must never be frozen below is" "S7: never-freeze";
    H34 Flawed "132ada80c4" "4.1" "attaching does not align contexts" "C1: both ends in one context";
    H35 Flawed "53a7d04185" "4.1" "a move ignores the other parents" "C2: all nodes of a component move, or none";
    H37 Polling "7e8c182fb5" "7.2" "polling while half of them have moved" "C4: all are switched at once";
    H40 Flawed "804db8ea00" "4.1" "a parent that leaves inside a drain hook is undrained twice" "Q1: quiesce counters";
    H40b Flawed "804db8ea00" "4.1" "a parent that leaves inside a drain hook is not undrained" "Q1: quiesce counters";
    H42 Flawed "4be6a6d118" "3.0" "attaching to a drained node does not quiesce" "Q1: quiesce counters";
    H44 Flawed "0f12264e7a" "3.0" "a node that comes inside a drain-all does not join" "Q1: quiesce counters";
    H44b Flawed "1a6d3bd229" "5.2" "a node that goes inside a drain-all does not end it" "Q1: quiesce counters";
    H46 Polling "637d54a5f3" "4.2" "drop-intermediate keeps edges over a poll" "Nothing freed is used";
    H47 Polling "8d3dd037d9" "6.2" "stream installs a base chosen before it drained" "Nothing freed is used";
    H53 Polling "f6d38c9f6d" "9.0" "an iterator drops the reference of the wrong node" "L1: references";
    N61 Polling "" "" "replace-node keeps an unreferenced target over its drain" "Nothing freed is used";
    N62 Polling "" "" "drop-filter takes the filter's child before it drains the filter" "O14: parents go to the filter's child";
    N63 Polling "" "" "drop-intermediate keeps an unreferenced base over its drain" "Nothing freed is used";
    N64 Polling "" "" "drop-intermediate moves an edge that came meanwhile, and writes no name for it" "S6: each moved edge's image is told";
    N65 Polling "" "" "an overlay goes while its name is written" "Nothing freed is used";
    N66 Polling "" "" "a name is written after a poll in which the child became another" "S6: the stored name is the child's";
    N67 Polling "" "" "a move walks a list of unreferenced nodes, and misses nodes that are added" "C2: all nodes of a component move, or none";
    N68 Polling "" "" "a node on its way out is there to others while its drain ends" "L2: a doomed node cannot be named";
    N69 Polling "" "" "the end of a stream can be met half done" "J1: a job ends in one step";
    N70 Polling "" "" "an iterator keeps the reference of a node whose user has gone" "L1: references";
    N71 Polling "" "" "an operation goes on with a node that only it still refers to" "L2: a doomed node cannot be named";
    N72 Polling "" "" "drop-intermediate looks at the chain before its last drain" "O24.5: the base is in the chain";
    H61 Flawed "" "" "a node queued twice stays drained" "Q1: quiesce counters";
    H62 Transactional "" "" "what a reopen comes to depends on the order of its list" "R4: the order does not matter";
    H63 Flawed "" "" "an active parent over an inactive child by snapshot" "A4: no active parent over an inactive child";
    N01 Recursive "" "" "a detach is settled before the edge has left" "P4: pairs follow the rule";
    N02 Recursive "" "" "what one parent does not share another one shares" "P2: the cumulative share is an intersection";
    N11 Transactional "" "" "set-backing does not refresh the child that it takes away" "P4: pairs follow the rule";
    N12 Transactional "" "" "replace-node does not align contexts" "C2: contexts are settled";
    N13 Transactional "" "" "a change that loosens for a driver fails because it refuses" "V7: a refused loosening is tolerated";
    N14 Transactional "" "" "a loosening that was refused reports success, and nothing is loosened" "V7: edges take the new pair";
    N15 Transactional "" "" "the first new edge alone says where a component lives" "C2: all new edges have a say";
    N16 Transactional "" "" "a component that replace-node leaves without a user does not move to the main context" "C3: orphans go to the main context";
    N41 Flawed "" "" "an edge that is put back comes to the head of its lists" "S1: undo restores the order";
    N42 Flawed "" "" "names that are written stay when another one is refused" "S6.1: a name is written with all the rest";
    N43 Flawed "" "" "a node that is not a child of a closed node keeps inheriting from it" "S8.5: no pointer to a closed node";
    N44 Flawed "" "" "a blocker survives its owner" "L4.1: no blocker without its owner";
    N45 Flawed "" "" "a driver is stale, and this is not recorded" "V7.1: stale nodes";
    N46 Flawed "" "" "a force-share child does not widen its edges" "P8: shares everything";
    N47 Flawed "" "" "a reopen throws out an implicit filter whose child it names" "R3.2: implicit children are skipped";
    N48 Flawed "" "" "half of an inactivation stays when a user objects" "V1: all or nothing";
    N49 Flawed "" "" "the users of a node that lost a parent are moved to the main context" "C3: only components without users move to the main context";
    N50 Flawed "" "" "a refused loosening leaves those below unasked" "V7: the plan goes on";
    N51 Flawed "" "" "half of an activation stays when the rest is refused" "V1: all or nothing";
    N52 Flawed "" "" "a parent is resumed while its edge moves between two drained nodes" "Q4: quiet before and after is told nothing";
    N53 Flawed "" "5.2" "a node that gets a backing image forgets the stored name" "S6: attaching does not change the name";
    N54 Flawed "" "" "a new filter drags what it is put on to the main context" "C2.2: what is made has no say";
}

impl Defect {
    /// Returns its number.
    pub const fn id(self) -> &'static str {
        self.about().id
    }

    /// Returns the defect with this number, in upper or lower case.
    pub fn of(id: &str) -> Option<Defect> {
        Self::ALL.iter().copied().find(|defect| defect.id().eq_ignore_ascii_case(id))
    }
}
