//! Properties of everything that reads text of others, checked on arbitrary and on mutated input.
//!
//! `cargo test` runs a few hundred cases of each with a fixed seed. With `SLIMDIFF_FUZZ_SECONDS` set, each property
//! runs for that long with fresh seeds: `scripts/fuzz` does so. Either way a watchdog ends the process, showing the
//! input, when a case takes more than five seconds of processor time or two gigabytes of memory.

mod manifest;
pub(crate) mod mutate;
mod project;
mod yaml;

use std::fmt::Debug;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// What a case may take.
const LONGEST: Duration = Duration::from_secs(5);
/// A case that waits for something takes no processor time.
const LONGEST_WAIT: Duration = Duration::from_secs(120);
/// In bytes, of the whole process.
const LARGEST: u64 = 2 << 30;
/// Cases between two looks at the clock while fuzzing.
const ROUND: u32 = 500;

/// Checks `property`, which panics where it does not hold: on `cases` inputs, or for as long as the fuzzer is told.
pub(crate) fn check<T: Debug + Clone + Send + 'static>(
    name: &str,
    cases: u32,
    strategy: &impl Strategy<Value = T>,
    property: impl Fn(&T),
) {
    let watch = Watch::start(name);
    let run = |runner: &mut TestRunner| {
        let outcome = runner.run(strategy, |input| {
            watch.begin(&input);
            property(&input);
            Ok(())
        });
        match outcome {
            Ok(()) => {}
            Err(TestError::Fail(why, input)) => panic!("{name}: {why}\nminimal input: {input:#?}"),
            Err(TestError::Abort(why)) => panic!("{name}: {why}"),
        }
    };
    let config = |cases| Config { cases, failure_persistence: None, max_shrink_iters: 4_000, ..Config::default() };
    match seconds() {
        None => run(&mut TestRunner::new_with_rng(config(cases), TestRng::deterministic_rng(RngAlgorithm::ChaCha))),
        Some(seconds) => {
            let started = Instant::now();
            while started.elapsed() < seconds {
                run(&mut TestRunner::new(config(ROUND)));
            }
            say(&format!("fuzz {name}: {} cases in {} s", watch.cases(), started.elapsed().as_secs()));
        }
    }
}

fn seconds() -> Option<Duration> {
    std::env::var("SLIMDIFF_FUZZ_SECONDS").ok()?.parse().ok().map(Duration::from_secs)
}

#[expect(clippy::print_stderr, reason = "the fuzzer has no other way to tell what it did")]
fn say(text: &str) {
    eprintln!("{text}");
}

/// Looks at the running case from another thread.
struct Watch {
    shared: Arc<Shared>,
}

struct Shared {
    cases: AtomicU64,
    input: Mutex<Option<Box<dyn Debug + Send>>>,
    done: AtomicBool,
}

impl Watch {
    fn start(name: &str) -> Self {
        let shared =
            Arc::new(Shared { cases: AtomicU64::new(0), input: Mutex::default(), done: AtomicBool::new(false) });
        let (watched, name) = (Arc::clone(&shared), name.to_owned());
        std::thread::spawn(move || watched.watch(&name));
        Self { shared }
    }

    fn begin<T: Debug + Clone + Send + 'static>(&self, input: &T) {
        *self.shared.input.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(input.clone()));
        self.shared.cases.fetch_add(1, Ordering::SeqCst);
    }

    fn cases(&self) -> u64 {
        self.shared.cases.load(Ordering::SeqCst)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.done.store(true, Ordering::SeqCst);
    }
}

impl Shared {
    fn watch(&self, name: &str) {
        let (mut case, mut began, mut since) = (0, Used::now(), Instant::now());
        while !self.done.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(200));
            let now = Used::now();
            let running = self.cases.load(Ordering::SeqCst);
            if running != case {
                (case, began, since) = (running, now, Instant::now());
            } else if case > 0 && now.time.saturating_sub(began.time) > LONGEST && seconds().is_some() {
                self.end(name, "takes more than five seconds");
            } else if case > 0 && since.elapsed() > LONGEST_WAIT {
                self.end(name, "waits for ever");
            }
            if now.memory > LARGEST {
                self.end(name, "takes more than two gigabytes");
            }
        }
    }

    fn end(&self, name: &str, why: &str) -> ! {
        let input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
        say(&format!("{name}: a case {why}\ninput: {input:#?}"));
        std::process::abort()
    }
}

/// What the process has used: processor time where the system tells it, else time; memory where the system tells it.
#[derive(Clone, Copy)]
struct Used {
    time: Duration,
    memory: u64,
}

impl Used {
    fn now() -> Self {
        static BEGAN: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        Self { time: processor_time().unwrap_or_else(|| BEGAN.elapsed()), memory: memory().unwrap_or(0) }
    }
}

/// User and system time, which Linux counts in hundredths of a second.
fn processor_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

fn memory() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    statm.split_whitespace().nth(1)?.parse::<u64>().ok().map(|pages| pages * 4096)
}
