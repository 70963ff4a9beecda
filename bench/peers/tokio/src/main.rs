//! The cases of bench/ on tokio: tasks, mpsc and oneshot channels. `bench CASE [COUNT]`
//! prints `case value unit` lines. A server is a task that owns the receiving end of an
//! unbounded channel; a call carries a oneshot sender for the reply.

mod call;
mod message;
mod spawn;
mod timer;

use std::future::Future;
use std::time::{Duration, Instant};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let case = arguments.get(1).cloned().unwrap_or_default();
    let count = arguments.get(2).map_or(Ok(100_000), |text| text.parse());
    let schedulers = if case == "call_1s" { 1 } else { 2 };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(schedulers)
        .enable_time()
        .build()
        .expect("runtime");
    // The case is itself a task, so that its worker does what a client's would.
    let known = runtime.block_on(async move {
        tokio::spawn(run(case, count.expect("a count")))
            .await
            .expect("case")
    });
    // Not waited for: a million tasks would be torn down one by one.
    runtime.shutdown_background();
    if !known {
        eprintln!("usage: bench CASE [COUNT]");
        std::process::exit(2);
    }
}

async fn run(case: String, count: usize) -> bool {
    match case.as_str() {
        "call_2s" | "call_1s" => call::call(&case, count).await,
        "named_call" => call::named_call(count).await,
        "cast_1_1" => message::cast(&case, count, 1, 1u64, |add| *add).await,
        "fan_in" => message::cast(&case, count, message::SENDERS, 1u64, |add| *add).await,
        "payload_64k" => message::payload_64k(count).await,
        "payload_1k" => message::payload_1k(count).await,
        "ping_pong" => message::ping_pong(count).await,
        "ring" => message::ring(count).await,
        "big" => message::big(count).await,
        "broadcast" => message::broadcast(count).await,
        "growth" => message::growth(count).await,
        "spawn_exit" => spawn::spawn_exit(count).await,
        "spawn_batch" => spawn::spawn_batch(count).await,
        "idle" => spawn::idle(count).await,
        "restart" => spawn::restart(count).await,
        "timer_cancel" => timer::timer_cancel(count).await,
        "timer_lateness" => timer::timer_lateness(count).await,
        _ => return false,
    }
    true
}

/// Runs the work with a tenth of the count as warm-up, then for the record.
pub async fn measure<W, F>(count: usize, mut work: W) -> Duration
where
    W: FnMut(usize) -> F,
    F: Future<Output = ()>,
{
    work((count / 10).max(1)).await;
    let start = Instant::now();
    work(count).await;
    start.elapsed()
}

pub fn per_item(name: &str, took: Duration, count: usize) {
    println!("{} {:.4} ns", name, took.as_nanos() as f64 / count as f64);
}

pub fn per_second(name: &str, took: Duration, count: usize) {
    println!(
        "{} {:.4} M/s",
        name,
        count as f64 * 1000.0 / took.as_nanos() as f64
    );
}

/// The next number of a linear congruential sequence, the same in every peer.
pub fn random(seed: u32) -> u32 {
    seed.wrapping_mul(1103515245).wrapping_add(12345) & 0x7fffffff
}
