//! The shape and rule of a driver under test that has a preset inside.

/// What a [`Policy`](blockgraph::Policy) says of itself, as the field `preset` says it.
macro_rules! shape_of_preset {
    () => {
        fn filter_slot(&self) -> Option<blockgraph::Slot> {
            self.preset.filter_slot()
        }

        fn supports_backing(&self) -> bool {
            self.preset.supports_backing()
        }

        fn takes_children(&self) -> bool {
            self.preset.takes_children()
        }

        fn takes_filtered(&self) -> bool {
            self.preset.takes_filtered()
        }

        fn child_pair(&self, context: &blockgraph::ChildContext<'_>) -> blockgraph::Pair {
            self.preset.child_pair(context)
        }
    };
}
