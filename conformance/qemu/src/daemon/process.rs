//! Does a process do anything? On Linux that can be seen, so that one that hangs need not be waited for.

use std::fs;

/// A process, by its number.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process(pub u32);

/// What its threads have done so far.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Done {
    /// For so many nanoseconds they have run, all together.
    run: u64,
    threads: usize,
}

impl Process {
    /// Do all of its threads sleep, none of them waiting for a disk? No, too, where that cannot be seen.
    pub fn is_asleep(self) -> bool {
        self.asleep().is_some()
    }

    /// What it has done, if all of its threads sleep; none, too, where that cannot be seen.
    fn asleep(self) -> Option<Done> {
        let mut done = Done { run: 0, threads: 0 };
        for thread in fs::read_dir(format!("/proc/{}/task", self.0)).ok()? {
            let folder = thread.ok()?.path();
            let status = fs::read_to_string(folder.join("stat")).ok()?;
            // The name, in parentheses, may have anything in it.
            let (_, after) = status.rsplit_once(") ")?;
            let run = fs::read_to_string(folder.join("schedstat")).ok()?;
            done.run += run.split(' ').next()?.parse::<u64>().ok()?;
            done.threads += 1;
            if !after.starts_with('S') {
                return None;
            }
        }
        Some(done)
    }
}

/// So often in a row a process has to be seen not to have done anything.
const LOOKS: u32 = 4;

/// How long a process has done nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Still {
    last: Option<Done>,
    looks: u32,
}

impl Still {
    /// Looks again: has it done nothing since several looks?
    pub fn is_idle(&mut self, process: Process) -> bool {
        let now = process.asleep();
        self.looks = if now.is_some() && now == self.last { self.looks + 1 } else { 0 };
        self.last = now;
        self.looks >= LOOKS
    }
}

#[cfg(test)]
mod tests {
    use super::{LOOKS, Process, Still};
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn who_sleeps_is_idle_and_who_works_is_not() {
        let mut sleeper = Command::new("sleep").arg("60").spawn().unwrap();
        let mut still = Still::default();
        let deadline = Instant::now() + Duration::from_secs(30);
        while !still.is_idle(Process(sleeper.id())) {
            assert!(Instant::now() < deadline);
            std::thread::sleep(Duration::from_millis(5));
        }
        sleeper.kill().unwrap();
        sleeper.wait().unwrap();
        // This thread runs.
        let (own, mut still) = (Process(std::process::id()), Still::default());
        assert!((0..10 * LOOKS).all(|_| !still.is_idle(own)));
    }

    #[test]
    fn who_is_not_there_is_not_idle() {
        assert!((0..2 * LOOKS).all(|_| !Still::default().is_idle(Process(u32::MAX))));
    }
}
