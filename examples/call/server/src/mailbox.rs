//! The WebSocket over which a page exchanges sealed messages.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    extract::{
        State,
        ws::{Message, Utf8Bytes, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use tokio::sync::mpsc;

use crate::{
    Call,
    rooms::{FromPage, Rooms, ToPage},
};

/// Messages that wait for a page. It gets all that it missed at once: as many commits as are kept, and room for more.
const QUEUE: usize = 1024;

/// The largest message: a welcome to a group of a thousand.
const LARGEST: usize = 1 << 20;

/// A connection that says nothing for so long is dead: pages answer pings.
const SILENCE: Duration = Duration::from_secs(10);

pub(crate) async fn open(State(call): State<Call>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(LARGEST).on_upgrade(|socket| async move { serve(&call, socket).await })
}

async fn serve(call: &Call, mut socket: WebSocket) {
    static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
    let Some(FromPage::Hello { room, peer, at }) = first(&mut socket).await else { return };
    if !is_name(&room) || !is_name(&peer) {
        return;
    }
    let connection = CONNECTIONS.fetch_add(1, Ordering::Relaxed);
    let (queue, mut outgoing) = mpsc::channel(QUEUE);
    call.rooms.enter(&room, &peer, connection, at, queue);
    exchange(&call.rooms, &room, &peer, &mut socket, &mut outgoing).await;
    call.rooms.exit(&room, &peer, connection);
}

/// Passes messages on until either side ends.
async fn exchange(
    rooms: &Rooms,
    room: &str,
    peer: &str,
    socket: &mut WebSocket,
    outgoing: &mut mpsc::Receiver<ToPage>,
) {
    let mut ping = tokio::time::interval(SILENCE / 2);
    let mut heard = tokio::time::Instant::now();
    loop {
        tokio::select! {
            message = outgoing.recv() => {
                let Some(Ok(text)) = message.map(|message| serde_json::to_string(&message)) else { return };
                if socket.send(Message::Text(text.into())).await.is_err() {
                    return;
                }
            }
            message = socket.recv() => {
                heard = tokio::time::Instant::now();
                match message {
                    Some(Ok(Message::Text(text))) => {
                        let Some(message) = parse(&text) else { return };
                        rooms.receive(room, peer, message);
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    _ => return,
                }
            }
            _ = ping.tick() => {
                if heard.elapsed() > SILENCE || socket.send(Message::Ping(Default::default())).await.is_err() {
                    return;
                }
            }
        }
    }
}

async fn first(socket: &mut WebSocket) -> Option<FromPage> {
    match tokio::time::timeout(SILENCE, socket.recv()).await {
        Ok(Some(Ok(Message::Text(text)))) => parse(&text),
        _ => None,
    }
}

fn parse(text: &Utf8Bytes) -> Option<FromPage> {
    serde_json::from_str(text).ok()
}

/// Names of rooms and peers are random bytes in base64url.
fn is_name(name: &str) -> bool {
    (16..=64).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}
