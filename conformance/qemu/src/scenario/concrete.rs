//! The plays of scenario files, with the bounds of scenario files. These types are not generic, so the crates that use
//! them do not compile the comparison again.

use crate::scenario::play::{Play, StepResult, TurnReport, contexts};
use crate::scenario::scenario_names::ScenarioNames;
use crate::scenario::script::Script;
use crate::session::{DaemonSetup, Session};
use blockgraph_story::text::Scenario;
use blockgraph_story::text::scenario::{MOST_EDGES, MOST_NODES};
use std::io;

/// The result of a step of a scenario file.
pub type ScenarioStepResult = StepResult<MOST_NODES, MOST_EDGES>;
/// An executed turn of a scenario file.
pub type ScenarioTurnReport = TurnReport<MOST_NODES, MOST_EDGES>;

/// A scenario that is being played on a real QEMU.
#[derive(Debug)]
pub struct QemuPlay<'a>(Play<'a, Session<'a, MOST_NODES, MOST_EDGES>, MOST_NODES, MOST_EDGES>);

impl<'a> QemuPlay<'a> {
    /// Starts a daemon with the contexts of the scenario, before the first step.
    ///
    /// # Errors
    /// Fails if the daemon cannot be started or prepared.
    pub fn start(setup: &'a DaemonSetup, scenario: &'a Scenario) -> io::Result<Self> {
        let session = Session::start_with(setup, &contexts(scenario))?;
        Ok(QemuPlay(Play::new(session, scenario.steps().collect())))
    }

    /// Plays the next step.
    ///
    /// # Errors
    /// Fails if an image file cannot be created.
    pub fn play_next(&mut self) -> io::Result<ScenarioStepResult> {
        self.0.play_next()
    }

    /// Returns the steps that were not sent to QEMU, by number from 0.
    pub fn held(&self) -> Vec<usize> {
        self.0.held()
    }
}

/// A scenario that is being written as a script of QMP commands.
#[derive(Debug)]
pub struct ScriptPlay<'a>(Play<'a, Script<'a, MOST_NODES, MOST_EDGES>, MOST_NODES, MOST_EDGES>);

impl<'a> ScriptPlay<'a> {
    /// Starts before the first step, with a comment about the names.
    pub fn start(scenario: &'a Scenario) -> Self {
        let script = Script::new(ScenarioNames::of(scenario));
        let mut play = ScriptPlay(Play::new(script, scenario.steps().collect()));
        play.comment(&ScenarioNames::of(scenario).legend().join("\n"));
        play
    }

    /// Adds a comment. Each line of the text becomes one line.
    pub fn comment(&mut self, text: &str) {
        self.0.executor.comment(text);
    }

    /// Writes the next step.
    ///
    /// # Errors
    /// None: a script needs no I/O.
    pub fn play_next(&mut self) -> io::Result<ScenarioStepResult> {
        self.0.play_next()
    }

    /// Returns the steps that the script does not contain, by number from 0.
    pub fn held(&self) -> Vec<usize> {
        self.0.held()
    }

    /// Returns the lines of the script.
    pub fn lines(&self) -> Vec<String> {
        self.0.executor.lines()
    }
}
