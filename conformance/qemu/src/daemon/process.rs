//! Detects whether a process does anything. Linux shows that in `/proc`, so that the client need not wait for a process
//! that hangs.

use std::fs;

/// A process, by its process id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process(pub u32);

/// What the threads of a process have done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct ThreadActivity {
    /// The total time in nanoseconds for which the threads have run.
    run_time: u64,
    threads: usize,
}

impl Process {
    /// Returns whether all threads sleep and none of them waits for a disk; `false` if that cannot be observed.
    pub fn is_asleep(self) -> bool {
        self.sleeping_activity().is_some()
    }

    /// Returns the activity of the threads if all of them sleep; `None` if not, or if that cannot be observed.
    fn sleeping_activity(self) -> Option<ThreadActivity> {
        let mut activity = ThreadActivity { run_time: 0, threads: 0 };
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).ok()? {
            let folder = thread.ok()?.path();
            let status = fs::read_to_string(folder.join("stat")).ok()?;
            // The name, in parentheses, may contain any character.
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

/// The number of consecutive unchanged samples after which a process counts as idle.
const IDLE_SAMPLES: u32 = 4;

/// Counts for how long a process has done nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct IdleDetector {
    last: Option<ThreadActivity>,
    unchanged_samples: u32,
}

impl IdleDetector {
    /// Takes a sample, and returns whether the process has done nothing for several samples.
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
        // The thread of this test runs.
        let (own, mut detector) = (Process(std::process::id()), IdleDetector::default());
        assert!((0..10 * IDLE_SAMPLES).all(|_| !detector.is_idle(own)));
    }

    #[test]
    fn a_process_that_does_not_exist_is_not_idle() {
        assert!((0..2 * IDLE_SAMPLES).all(|_| !IdleDetector::default().is_idle(Process(u32::MAX))));
    }
}
