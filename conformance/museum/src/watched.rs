//! Watches the exploration of a room: when each defect is first met, and how often the machine was right to differ.

use blockgraph_model::explore::Visitor;
use blockgraph_model::invariants::Broken;
use blockgraph_model::machine::{Machine, Variant};
use blockgraph_model::machines::Exception;
use blockgraph_model::machines::museum::Noted;
use blockgraph_model::menu::{Action, Facet, Small};
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// The first time that a defect is met.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub name: Broken,
    pub after: Duration,
    pub did: &'static str,
}

/// A machine, with the time at which it started.
pub(super) struct Watched<'a, M> {
    machine: &'a M,
    pub start: Instant,
    first: Mutex<Vec<First>>,
}

impl<'a, M> Watched<'a, M> {
    pub fn new(machine: &'a M) -> Self {
        Watched { machine, start: Instant::now(), first: Mutex::default() }
    }

    pub fn firsts(self) -> Vec<First> {
        self.first.into_inner().unwrap_or_else(|e| e.into_inner())
    }

    fn stamp(&self, broken: &[Broken], noted: &Noted) {
        let mut known = self.first.lock().unwrap_or_else(|e| e.into_inner());
        for (place, &name) in broken.iter().enumerate() {
            if !known.iter().any(|first| first.name == name) {
                known.push(First { name, after: self.start.elapsed(), did: did(noted, place) });
            }
        }
    }
}

/// Returns what the machine did wrong in a variant, for the defect at this place of its list.
pub(super) fn did(noted: &Noted, place: usize) -> &'static str {
    match noted {
        Noted::Defect(did) => did.get(place).copied().unwrap_or_default(),
        _ => "",
    }
}

impl<M: Machine<Outcome = Noted>> Machine for Watched<'_, M> {
    type Outcome = Noted;

    fn opening(&self) -> Vec<Action> {
        self.machine.opening()
    }

    fn broken(&self, state: &Small) -> Option<Broken> {
        self.machine.broken(state)
    }

    fn each(&self, facet: &Facet, state: &Small, action: &Action, mut report: impl FnMut(Variant<'_, Noted>)) {
        self.machine.each(facet, state, action, |tried| {
            if !tried.broken.is_empty() {
                self.stamp(tried.broken, tried.outcome);
            }
            report(tried);
        });
    }
}

/// Counts exceptions by reason.
#[derive(Default)]
pub(super) struct Count(pub Vec<(Exception, u64)>);

impl Visitor<Noted> for Count {
    fn transition(&mut self, _: &Action, noted: &Noted) {
        if let Noted::Exception(exception) = *noted {
            match self.0.iter_mut().find(|(known, _)| *known == exception) {
                Some((_, count)) => *count += 1,
                None => self.0.push((exception, 1)),
            }
        }
    }
}
