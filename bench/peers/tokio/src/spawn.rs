//! Life and death of tasks, and what an idle one costs.

use crate::call::{call_server, start_server, Server};
use crate::{measure, per_item};
use std::time::Instant;
use tokio::sync::mpsc::{unbounded_channel, UnboundedReceiver, UnboundedSender};

const BATCH: usize = 100_000;

/// Waits for the end of each task before it starts the next one.
pub async fn spawn_exit(count: usize) {
    let took = measure(count, |count| async move {
        for i in 0..count {
            assert_eq!(tokio::spawn(async move { i }).await.unwrap(), i);
        }
    })
    .await;
    per_item("spawn_exit", took, count);
}

pub async fn spawn_batch(count: usize) {
    let rounds = (count / BATCH).max(1);
    let took = measure(rounds, |rounds| async move {
        for _ in 0..rounds {
            let tasks: Vec<_> = (0..BATCH).map(|i| tokio::spawn(async move { i })).collect();
            for (i, task) in tasks.into_iter().enumerate() {
                assert_eq!(task.await.unwrap(), i);
            }
        }
    })
    .await;
    per_item("spawn_batch", took, rounds * BATCH);
}

/// Starts `count` servers that wait for a request, and has some of them answer. The table
/// that holds them (8 bytes a server) is allowed for.
pub async fn idle(count: usize) {
    let mut servers: Vec<Server> = Vec::with_capacity(count);
    let before = resident();
    let start = Instant::now();
    for _ in 0..count {
        servers.push(start_server());
    }
    let took = start.elapsed();
    for server in servers.iter().step_by(1000) {
        call_server(server, 7).await;
    }
    // The last one answers when all before it have run and wait.
    call_server(servers.last().unwrap(), 7).await;
    println!(
        "idle_start {:.4} us",
        took.as_nanos() as f64 / 1000.0 / count as f64
    );
    println!(
        "idle_bytes {:.1} B",
        (resident() - before) as f64 / count as f64 - 8.0
    );
}

fn resident() -> usize {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    statm
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 4096
}

/// tokio has no supervisor: a task that panics is reported by its handle to the task that
/// starts the next.
pub async fn restart(count: usize) {
    std::panic::set_hook(Box::new(|_| ()));
    crash_many((count / 10).max(1)).await;
    let mut took = crash_many(count).await;
    took.sort();
    println!(
        "restart {:.4} us",
        took[count / 2].as_nanos() as f64 / 1000.0
    );
}

type Crashes = UnboundedReceiver<()>;

async fn crash_many(count: usize) -> Vec<std::time::Duration> {
    let (up, mut ups) = unbounded_channel();
    tokio::spawn(supervise(up));
    let mut child: UnboundedSender<()> = ups.recv().await.unwrap();
    let mut took = Vec::with_capacity(count);
    for _ in 0..count {
        let start = Instant::now();
        assert!(child.send(()).is_ok());
        child = ups.recv().await.unwrap();
        took.push(start.elapsed());
    }
    took
}

/// Ends with the first child that ends without a panic.
async fn supervise(up: UnboundedSender<UnboundedSender<()>>) {
    loop {
        let (child, crashes) = unbounded_channel();
        let up = up.clone();
        let task = tokio::spawn(async move {
            let _ = up.send(child);
            be_child(crashes).await
        });
        if task.await.is_ok() {
            return;
        }
    }
}

async fn be_child(mut crashes: Crashes) {
    if crashes.recv().await.is_some() {
        panic!("crash");
    }
}
