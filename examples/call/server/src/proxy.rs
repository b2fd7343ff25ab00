//! Passes a page's conversation with the media server through, so that all of a call comes from one address.

use axum::{
    extract::{
        State,
        ws::{Message, WebSocket, WebSocketUpgrade},
    },
    response::Response,
};
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message as Forwarded;

use crate::{Call, janus::PROTOCOL};

pub(crate) async fn open(State(call): State<Call>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.protocols([PROTOCOL]).on_upgrade(|page| async move { pass(&call, page).await })
}

/// Ends when either side does.
async fn pass(call: &Call, mut page: WebSocket) {
    let Ok(mut janus) = call.janus.connect().await else { return };
    loop {
        tokio::select! {
            message = page.recv() => match message {
                Some(Ok(Message::Text(text))) => {
                    if janus.send(Forwarded::text(text.as_str())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                _ => return,
            },
            message = janus.next() => match message {
                Some(Ok(Forwarded::Text(text))) => {
                    if page.send(Message::Text(text.as_str().into())).await.is_err() {
                        return;
                    }
                }
                Some(Ok(Forwarded::Ping(_) | Forwarded::Pong(_))) => {}
                _ => return,
            },
        }
    }
}
