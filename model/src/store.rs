//! The visited states in as few words each as the facet needs.

use crate::pack::{Packed, WORDS};

/// States by index. All have the same number of words, which is that of the widest state so far.
#[derive(Clone, Debug, Default)]
pub struct Store {
    words: Vec<u64>,
    width: usize,
    len: usize,
}

impl Store {
    /// Returns the number of states.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One state.
    ///
    /// # Panics
    /// If there is no such state.
    pub fn get(&self, index: usize) -> Packed {
        let mut packed = [0; WORDS];
        packed[..self.width].copy_from_slice(&self.words[index * self.width..][..self.width]);
        packed
    }

    /// Returns whether the state with this index, which must exist, is this one.
    pub fn holds(&self, index: usize, packed: &Packed) -> bool {
        let (kept, rest) = packed.split_at(self.width);
        self.words[index * self.width..][..self.width] == *kept && rest.iter().all(|word| *word == 0)
    }

    /// Adds a state. O(1), or O(states) the few times that a state is wider than all before.
    pub fn push(&mut self, packed: &Packed) {
        let needed = WORDS - packed.iter().rev().take_while(|word| **word == 0).count();
        if needed > self.width {
            self.widen(needed);
        }
        self.words.extend_from_slice(&packed[..self.width]);
        self.len += 1;
    }

    fn widen(&mut self, width: usize) {
        let mut words = Vec::with_capacity((self.len + 1) * width);
        for index in 0..self.len {
            words.extend_from_slice(&self.get(index)[..width]);
        }
        (self.words, self.width) = (words, width);
    }
}

#[cfg(test)]
mod tests {
    use super::Store;
    use crate::pack::{Packed, WORDS};

    /// States of growing and changing width are returned unchanged, including the one without any word.
    #[test]
    fn states_of_all_widths_come_back() {
        let state = |number: u64| -> Packed {
            let mut packed = [0; WORDS];
            for (place, word) in packed.iter_mut().take(number as usize % (WORDS + 1)).enumerate() {
                *word = number * 100 + place as u64;
            }
            packed
        };
        let mut store = Store::default();
        for number in 0..40 {
            store.push(&state(number));
            for index in 0..=number {
                assert_eq!(store.get(index as usize), state(index), "{index} of {number}");
                for other in 0..40 {
                    let same = state(index) == state(other);
                    assert_eq!(store.holds(index as usize, &state(other)), same, "{index} and {other} of {number}");
                }
            }
        }
        assert_eq!(store.len(), 40);
    }
}
