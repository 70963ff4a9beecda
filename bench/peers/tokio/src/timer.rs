//! Timers: what one costs among a million, and how late they come.

use crate::{per_item, random};
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::mpsc::unbounded_channel;
use tokio::time::{sleep, sleep_until, Instant, Sleep};

const ALIVE: usize = 1_000_000;
const PER_SECOND: usize = 50_000;

/// Between ten and twenty minutes, so that none of these timers comes.
fn far(seed: u32) -> Duration {
    Duration::from_millis((600_000 + seed % 600_000) as u64)
}

/// A sleep is armed when it is first polled, and cancelled when it is dropped.
fn arm(duration: Duration) -> Arm {
    Arm(Some(Box::pin(sleep(duration))))
}

/// Polls its sleep once and gives it back.
struct Arm(Option<Pin<Box<Sleep>>>);

impl Future for Arm {
    type Output = Pin<Box<Sleep>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut timer = self.0.take().expect("polled once");
        assert!(timer.as_mut().poll(context).is_pending());
        Poll::Ready(timer)
    }
}

/// Cancels the oldest of a million timers and arms one in its stead.
pub async fn timer_cancel(count: usize) {
    let mut seed = 42;
    let mut timers = Vec::with_capacity(ALIVE);
    for _ in 0..ALIVE {
        timers.push(arm(far(seed)).await);
        seed = random(seed);
    }
    let mut oldest = 0;
    let mut start = Instant::now();
    let warm_up = count / 10;
    for i in 0..warm_up + count {
        if i == warm_up {
            start = Instant::now();
        }
        timers[oldest] = arm(far(seed)).await;
        seed = random(seed);
        oldest = (oldest + 1) % ALIVE;
    }
    per_item("timer_cancel", start.elapsed(), count);
}

/// Timers of whole milliseconds, spread evenly, after half a second for the arming; a task
/// for each sleeps and tells one receiver.
pub async fn timer_lateness(count: usize) {
    let spread = (count * 1000 / PER_SECOND).max(1) as u32;
    let (inbox, mut fired) = unbounded_channel();
    let mut seed = 42;
    for _ in 0..count {
        let inbox = inbox.clone();
        let due = Instant::now() + Duration::from_millis((500 + seed % spread) as u64);
        tokio::spawn(async move {
            sleep_until(due).await;
            let _ = inbox.send(due);
        });
        seed = random(seed);
    }
    let mut late = Vec::with_capacity(count);
    for _ in 0..count {
        late.push(fired.recv().await.unwrap().elapsed());
    }
    late.sort();
    println!(
        "timer_lateness_p50 {:.4} ms",
        late[count / 2].as_secs_f64() * 1000.0
    );
    println!(
        "timer_lateness_p99 {:.4} ms",
        late[count * 99 / 100].as_secs_f64() * 1000.0
    );
}
