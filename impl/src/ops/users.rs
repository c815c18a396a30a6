//! Root users (O3, O4, O5).

use super::UserSpec;
use crate::error::{Error, ErrorKind};
use crate::graph::arena::{Core, NodeKey, UserKey};
use crate::permission::Pair;

impl Core {
    /// Attaches a user (O3).
    pub(crate) fn attach_user(&mut self, spec: UserSpec, node: NodeKey) -> Result<UserKey, Error> {
        if self.user_named(&spec.name).is_some() {
            return Err(ErrorKind::DuplicateUser { name: spec.name }.into());
        }
        self.live(node)?;
        Ok(self.add_user(spec, node))
    }

    /// Detaches a user (O4).
    pub(crate) fn detach_user(&mut self, key: UserKey) -> Result<(), Error> {
        let edge = self.live_user(key)?.edge;
        let node = self.edges[edge].child;
        self.remove_user(key);
        self.doom_if_unreferenced(node);
        Ok(())
    }

    /// Changes a user's pair (O5).
    pub(crate) fn set_user(&mut self, key: UserKey, pair: Pair) -> Result<(), Error> {
        let edge = self.live_user(key)?.edge;
        if self.nodes[self.edges[edge].child].inactive {
            self.set_wanted(key, pair.known());
        } else {
            self.set_pair(edge, pair.known());
        }
        Ok(())
    }
}
