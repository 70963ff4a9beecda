//! Messages: casts, floods, rings, pairs, payloads, broadcasts.

use crate::{measure, per_item, per_second, random};
use std::sync::Arc;
use tokio::sync::mpsc::{channel, unbounded_channel, UnboundedReceiver, UnboundedSender};

pub const SENDERS: usize = 8;
/// Floods go through a bounded channel, as tokio advises; of 64 to 4,096 places 64 were
/// the fastest here.
const MAILBOX: usize = 64;
const PAIRS: usize = 1000;
const RING: usize = 503;
const BIG: usize = 500;
const SUBSCRIBERS: usize = 10_000;

// --- casts ---

/// Sends `count` copies of a message from `senders` tasks to one server, which adds up
/// what `weigh` says of each.
pub async fn cast<M>(name: &str, count: usize, senders: usize, message: M, weigh: fn(&M) -> u64)
where
    M: Clone + Send + Sync + 'static,
{
    let message = &message;
    let took = measure(count, |count| async move {
        let share = (count / senders).max(1);
        let (inbox, mut messages) = channel::<M>(MAILBOX);
        let server = tokio::spawn(async move {
            let mut sum = 0;
            while let Some(message) = messages.recv().await {
                sum += weigh(&message);
            }
            sum
        });
        for _ in 0..senders {
            let (inbox, message) = (inbox.clone(), message.clone());
            tokio::spawn(async move {
                for _ in 0..share {
                    assert!(inbox.send(message.clone()).await.is_ok());
                }
            });
        }
        drop(inbox);
        let sum = server.await.unwrap();
        assert_eq!(sum, (share * senders) as u64 * weigh(message));
    })
    .await;
    per_second(name, took, count);
}

/// The bytes are shared.
pub async fn payload_64k(count: usize) {
    let data: Arc<[u8]> = vec![7u8; 65536].into();
    cast("payload_64k", count, 1, data, |data| data.len() as u64).await;
}

/// 1 KB by value: a flat array, less than the nested term of OTP.
pub async fn payload_1k(count: usize) {
    let order = [12345u64; 128];
    cast("payload_1k", count, 1, order, |order| order[0]).await;
}

// --- pairs ---

pub async fn ping_pong(count: usize) {
    let rounds = (count / (2 * PAIRS)).max(1);
    let took = measure(rounds, |rounds| async move {
        let pairs: Vec<_> = (0..PAIRS).map(|_| tokio::spawn(ping(rounds))).collect();
        for pair in pairs {
            pair.await.unwrap();
        }
    })
    .await;
    per_second("ping_pong", took, 2 * PAIRS * rounds);
}

async fn ping(rounds: usize) {
    let (pings, mut pings_in) = unbounded_channel();
    let (pongs, mut pongs_in) = unbounded_channel();
    tokio::spawn(async move {
        while let Some(ping) = pings_in.recv().await {
            assert!(pongs.send(ping).is_ok());
        }
    });
    for i in 0..rounds {
        assert!(pings.send(i).is_ok());
        assert_eq!(pongs_in.recv().await, Some(i));
    }
}

// --- rings ---

type Tokens = UnboundedSender<usize>;

/// Makes a ring of tasks that pass a falling number on, linked in the order given, and
/// returns their channels in that order.
fn start_ring(order: &[usize], done: &Tokens) -> Vec<Tokens> {
    let mut channels: Vec<_> = order.iter().map(|_| Some(unbounded_channel())).collect();
    let ends: Vec<_> = order.iter().map(|i| channels[*i].take().unwrap()).collect();
    let ring: Vec<Tokens> = ends.iter().map(|(node, _)| node.clone()).collect();
    for (i, (_, inbox)) in ends.into_iter().enumerate() {
        tokio::spawn(ring_node(
            inbox,
            ring[(i + 1) % ring.len()].clone(),
            done.clone(),
        ));
    }
    ring
}

/// Ends at token 0, which the closing of a ring sends: its tasks hold each other's ends.
async fn ring_node(mut inbox: UnboundedReceiver<usize>, next: Tokens, done: Tokens) {
    while let Some(token) = inbox.recv().await {
        match token {
            0 => return,
            1 => assert!(done.send(token).is_ok()),
            _ => assert!(next.send(token - 1).is_ok()),
        }
    }
}

async fn pass_tokens(starts: &[Tokens], hops: usize, finished: &mut UnboundedReceiver<usize>) {
    for start in starts {
        assert!(start.send(hops).is_ok());
    }
    for _ in starts {
        finished.recv().await;
    }
}

async fn measure_ring(
    starts: &[Tokens],
    hops: usize,
    mut finished: UnboundedReceiver<usize>,
) -> std::time::Duration {
    pass_tokens(starts, (hops / 10).max(1), &mut finished).await;
    let start = std::time::Instant::now();
    pass_tokens(starts, hops, &mut finished).await;
    start.elapsed()
}

pub async fn ring(count: usize) {
    let (done, finished) = unbounded_channel();
    let order: Vec<usize> = (0..RING).collect();
    let ring = start_ring(&order, &done);
    let took = measure_ring(&ring[..1], count, finished).await;
    per_item("ring", took, count);
}

/// Tokens go round rings of growing size in random order, one token for every ten tasks,
/// so that the load grows with their number.
pub async fn growth(count: usize) {
    for size in (1..=6)
        .map(|n| 10usize.pow(n))
        .filter(|size| *size <= count)
    {
        let (done, finished) = unbounded_channel();
        let ring = start_ring(&shuffle(size), &done);
        let starts: Vec<Tokens> = ring.iter().step_by(10).cloned().collect();
        let hops = (count / starts.len()).max(1);
        let took = measure_ring(&starts, hops, finished).await;
        per_item(&format!("growth_{}", size), took, hops * starts.len());
        for node in ring {
            let _ = node.send(0);
        }
    }
}

fn shuffle(size: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..size).collect();
    let mut seed = 42;
    for i in (1..size).rev() {
        seed = random(seed);
        order.swap(i, seed as usize / 8 % (i + 1));
    }
    order
}

// --- all to all ---

#[derive(Clone, Copy)]
enum Big {
    Go,
    Ping(usize),
    Pong,
}

/// In each round every task sends a ping to every other one and answers theirs.
pub async fn big(count: usize) {
    let per_round = 2 * BIG * (BIG - 1);
    let rounds = (count / per_round).max(1);
    let (all, inboxes): (Vec<_>, Vec<_>) = (0..BIG).map(|_| unbounded_channel::<Big>()).unzip();
    let all: Arc<[UnboundedSender<Big>]> = all.into();
    let (done, mut finished) = unbounded_channel();
    for (i, inbox) in inboxes.into_iter().enumerate() {
        tokio::spawn(big_task(inbox, i, all.clone(), done.clone()));
    }
    big_rounds(&all, 1, &mut finished).await;
    let start = std::time::Instant::now();
    big_rounds(&all, rounds, &mut finished).await;
    per_second("big", start.elapsed(), per_round * rounds);
}

async fn big_rounds(
    all: &[UnboundedSender<Big>],
    rounds: usize,
    finished: &mut UnboundedReceiver<()>,
) {
    for _ in 0..rounds {
        for task in all {
            assert!(task.send(Big::Go).is_ok());
        }
        for _ in all {
            finished.recv().await;
        }
    }
}

async fn big_task(
    mut inbox: UnboundedReceiver<Big>,
    own: usize,
    all: Arc<[UnboundedSender<Big>]>,
    done: UnboundedSender<()>,
) {
    let mut pongs = 0;
    let mut pings = 0;
    let mut started = false;
    while let Some(message) = inbox.recv().await {
        match message {
            Big::Go => {
                started = true;
                for (i, task) in all.iter().enumerate() {
                    if i != own {
                        assert!(task.send(Big::Ping(own)).is_ok());
                    }
                }
            }
            Big::Ping(from) => {
                pings += 1;
                assert!(all[from].send(Big::Pong).is_ok());
            }
            Big::Pong => pongs += 1,
        }
        if started && pings == BIG - 1 && pongs == BIG - 1 {
            (started, pings, pongs) = (false, 0, 0);
            assert!(done.send(()).is_ok());
        }
    }
}

// --- broadcast ---

struct News {
    _topic: &'static str,
    _text: String,
    left: usize,
    done: UnboundedSender<usize>,
}

pub async fn broadcast(count: usize) {
    let rounds = (count / SUBSCRIBERS).max(1);
    let subscribers: &Vec<_> = &(0..SUBSCRIBERS).map(|_| start_subscriber()).collect();
    let took = measure(rounds, |rounds| async move {
        let (done, mut finished) = unbounded_channel();
        for left in (0..rounds).rev() {
            let text = "sunny ".repeat(8);
            let news = Arc::new(News {
                _topic: "weather",
                _text: text,
                left,
                done: done.clone(),
            });
            for subscriber in subscribers {
                assert!(subscriber.send(news.clone()).is_ok());
            }
        }
        for _ in subscribers {
            assert_eq!(finished.recv().await, Some(rounds));
        }
    })
    .await;
    per_item("broadcast", took, rounds * SUBSCRIBERS);
}

/// Counts what comes and tells at the last story of a run.
fn start_subscriber() -> UnboundedSender<Arc<News>> {
    let (subscriber, mut inbox) = unbounded_channel::<Arc<News>>();
    tokio::spawn(async move {
        let mut received = 0;
        while let Some(news) = inbox.recv().await {
            received += 1;
            if news.left == 0 {
                assert!(news.done.send(received).is_ok());
                received = 0;
            }
        }
    });
    subscriber
}
