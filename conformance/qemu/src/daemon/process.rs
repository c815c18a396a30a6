//! Does a process do anything? On Linux that can be seen, so that one that hangs need not be waited for.

use std::fs;

/// A process, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process(pub u32);

/// What its threads have done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ThreadActivity {
    /// For so many nanoseconds they have run, all together.
    run_time: u64,
    threads: usize,
}

impl Process {
    /// Do all of its threads sleep, none of them waiting for a disk? No, too, where that cannot be seen.
    pub fn is_asleep(self) -> bool {
        self.sleeping_activity().is_some()
    }

    /// What it has done, if all of its threads sleep; none, too, where that cannot be seen.
    fn sleeping_activity(self) -> Option<ThreadActivity> {
        let mut activity = ThreadActivity { run_time: 0, threads: 0 };
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).ok()? {
            let folder = thread.ok()?.path();
            let status = fs::read_to_string(folder.join("stat")).ok()?;
            // The name, in parentheses, may have anything in it.
            let (_, after) = status.rsplit_once(") ")?;
            let run_time = fs::read_to_string(folder.join("schedstat")).ok()?;
            activity.run_time += run_time.split(' ').next()?.parse::<u64>().ok()?;
            activity.threads += 1;
            if !after.starts_with('S') {
                return None;
            }
        }
        Some(activity)
    }
}

/// So often in a row a process has to be seen not to have done anything.
const IDLE_SAMPLES: u32 = 4;

/// How long a process has done nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdleDetector {
    last: Option<ThreadActivity>,
    unchanged_samples: u32,
}

impl IdleDetector {
    /// Looks again: has it done nothing since several looks?
    pub fn is_idle(&mut self, process: Process) -> bool {
        let now = process.sleeping_activity();
        self.unchanged_samples = if now.is_some() && now == self.last { self.unchanged_samples + 1 } else { 0 };
        self.last = now;
        self.unchanged_samples >= IDLE_SAMPLES
    }
}

#[cfg(test)]
mod tests {
    use super::{IDLE_SAMPLES, IdleDetector, Process};
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn a_sleeping_process_is_idle_and_a_running_one_is_not() {
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let mut detector = IdleDetector::default();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !detector.is_idle(Process(sleeper.id())) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        // This thread runs.
        let (own, mut detector) = (Process(std::process::id()), IdleDetector::default());
        assert!((0..10 * IDLE_SAMPLES).all(|_| !detector.is_idle(own)));
    }

    #[test]
    fn a_process_that_does_not_exist_is_not_idle() {
        assert!((0..2 * IDLE_SAMPLES).all(|_| !IdleDetector::default().is_idle(Process(u32::MAX))));
    }
}
