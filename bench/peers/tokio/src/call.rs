//! Calls: one server, many servers by name.

use crate::{measure, per_item, random};
use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use tokio::sync::{mpsc, oneshot};

const NAMED: usize = 10_000;

pub struct Request {
    number: u64,
    reply: oneshot::Sender<u64>,
}

pub type Server = mpsc::UnboundedSender<Request>;

/// Starts a server that answers every number with the next one.
pub fn start_server() -> Server {
    let (server, mut requests) = mpsc::unbounded_channel::<Request>();
    tokio::spawn(async move {
        while let Some(request) = requests.recv().await {
            let _ = request.reply.send(request.number + 1);
        }
    });
    server
}

pub async fn call_server(server: &Server, number: u64) {
    let (reply, answer) = oneshot::channel();
    assert!(server.send(Request { number, reply }).is_ok());
    assert_eq!(answer.await, Ok(number + 1));
}

pub async fn call(name: &str, count: usize) {
    let server = &start_server();
    let took = measure(count, |count| async move {
        for i in 0..count as u64 {
            call_server(server, i).await;
        }
    })
    .await;
    per_item(name, took, count);
}

/// Servers by name as a program with many of them would keep them.
type Registry = Arc<RwLock<HashMap<String, Server>>>;

fn lookup(registry: &Registry, name: &str) -> Server {
    registry.read().unwrap().get(name).unwrap().clone()
}

pub async fn named_call(count: usize) {
    let names: Vec<String> = (0..NAMED).map(|i| format!("server_{}", i)).collect();
    let registry: &Registry = &Arc::new(RwLock::new(
        names
            .iter()
            .map(|name| (name.clone(), start_server()))
            .collect(),
    ));
    let names = &names;
    let took = measure(count, |count| async move {
        let mut seed = 42;
        for i in 0..count as u64 {
            let server = lookup(registry, &names[seed as usize / 8 % NAMED]);
            call_server(&server, i).await;
            seed = random(seed);
        }
    })
    .await;
    per_item("named_call", took, count);
}
