//! The conversation with the media server, as far as a publisher needs it.

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

pub(crate) struct Janus {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: Value,
    handle: Value,
}

impl Janus {
    pub(crate) async fn join(address: &str, room: &str, peer: &str) -> Result<Self> {
        let mut request = format!("{address}/media").into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static("janus-protocol"));
        let (socket, _) = tokio_tungstenite::connect_async(request).await.context("no media server")?;
        let mut janus = Self { socket, session: Value::Null, handle: Value::Null };
        janus.session = janus.ask(json!({ "janus": "create" })).await?["data"]["id"].take();
        janus.handle =
            janus.ask(json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" })).await?["data"]["id"]
                .take();
        janus
            .message(json!({ "request": "join", "ptype": "publisher", "room": room, "id": peer }), None)
            .await?;
        Ok(janus)
    }

    /// Publishes what an offer describes; returns the answer.
    pub(crate) async fn publish(&mut self, offer: &str, descriptions: Value) -> Result<String> {
        let request = json!({ "request": "publish", "descriptions": descriptions });
        let answer = self.message(request, Some(json!({ "type": "offer", "sdp": offer }))).await?;
        Ok(answer["jsep"]["sdp"].as_str().context("the media server gives no answer")?.to_owned())
    }

    /// Keeps the session alive.
    pub(crate) async fn keep(&mut self) -> Result<()> {
        let message = json!({ "janus": "keepalive", "session_id": self.session, "transaction": "keepalive" });
        Ok(self.socket.send(Message::text(message.to_string())).await?)
    }

    /// Reads what comes, and forgets it.
    pub(crate) async fn read(&mut self) -> Result<()> {
        self.socket.next().await.context("the media server has gone")??;
        Ok(())
    }

    async fn message(&mut self, body: Value, jsep: Option<Value>) -> Result<Value> {
        let mut request = json!({ "janus": "message", "handle_id": self.handle, "body": body });
        if let Some(jsep) = jsep {
            request["jsep"] = jsep;
        }
        let answer = self.ask(request).await?;
        match answer["plugindata"]["data"]["error"].as_str() {
            Some(error) => bail!("the media server refuses: {error}"),
            None => Ok(answer),
        }
    }

    async fn ask(&mut self, mut request: Value) -> Result<Value> {
        request["transaction"] = json!("ask");
        if !self.session.is_null() {
            request["session_id"] = self.session.clone();
        }
        self.socket.send(Message::text(request.to_string())).await?;
        loop {
            let Message::Text(text) = self.socket.next().await.context("the media server has gone")?? else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text)?;
            if answer["transaction"] == "ask" && answer["janus"] != "ack" {
                return Ok(answer);
            }
        }
    }
}
