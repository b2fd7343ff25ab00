//! The media server: starts it, starts it again when it ends, and makes its rooms.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{net::TcpStream, process::Command, sync::Notify};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest, http::HeaderValue},
};

use crate::say;

/// The WebSocket protocol that Janus speaks.
pub(crate) const PROTOCOL: &str = "janus-protocol";

/// A room sends its members' video at most with so many bits a second each.
const BITRATE: u32 = 2_000_000;

/// Who speaks: the level of so many packets of 20 ms is above -40 dB on average. Pages with too many members receive those.
const SPEAKING_PACKETS: u32 = 10;
const SPEAKING_LEVEL: u32 = 40;

/// How often what Janus has is made what it should have; sessions end after a minute of silence.
const INTERVAL: Duration = Duration::from_secs(20);

/// How long a restart of Janus waits.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) type Connection = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A handle to the media server, which goes on in the background.
#[derive(Clone)]
pub(crate) struct Janus(Arc<Shared>);

struct Shared {
    port: u16,
    key: String,
    rooms: Mutex<BTreeSet<String>>,
    changed: Notify,
    stop: Notify,
    stopped: Notify,
}

impl Janus {
    /// Starts the program and keeps it running.
    pub(crate) fn start(program: &Path, port: u16, key: String) -> Result<Self> {
        std::net::TcpListener::bind(("127.0.0.1", port)).with_context(|| {
            format!("port {port} is not free for the media server; choose another with --janus-port")
        })?;
        let folder = tempfile::Builder::new()
            .prefix("call-janus-")
            .tempdir()
            .context("no folder for Janus' settings")?;
        for (name, text) in settings(port, &key) {
            std::fs::write(folder.path().join(name), text).context("cannot write Janus' settings")?;
        }
        let janus = Self(Arc::new(Shared {
            port,
            key,
            rooms: Mutex::default(),
            changed: Notify::new(),
            stop: Notify::new(),
            stopped: Notify::new(),
        }));
        tokio::spawn(janus.clone().keep_running(program.to_owned(), folder));
        tokio::spawn(janus.clone().keep_rooms());
        Ok(janus)
    }

    pub(crate) async fn connect(&self) -> Result<Connection> {
        let mut request = format!("ws://127.0.0.1:{}/", self.0.port).into_client_request()?;
        request.headers_mut().insert("sec-websocket-protocol", HeaderValue::from_static(PROTOCOL));
        Ok(tokio_tungstenite::connect_async(request).await.context("Janus does not answer")?.0)
    }

    /// From now on the room is there, if not at once.
    pub(crate) fn open_room(&self, name: &str) {
        if self.rooms().insert(name.to_owned()) {
            self.0.changed.notify_one();
        }
    }

    /// The room is not needed any more.
    pub(crate) fn close_room(&self, name: &str) {
        if self.rooms().remove(name) {
            self.0.changed.notify_one();
        }
    }

    /// Ends the program, for good.
    pub(crate) async fn stop(&self) {
        self.0.stop.notify_one();
        self.0.stopped.notified().await;
    }

    /// Runs the program again and again. `folder` lives as long.
    async fn keep_running(self, program: PathBuf, folder: tempfile::TempDir) {
        loop {
            let child = Command::new(&program)
                .arg(format!("--configs-folder={}", folder.path().display()))
                .args(["--disable-colors", "--debug-level=2"])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .spawn();
            match child {
                Ok(mut child) => {
                    say(&format!("the media server runs as process {}", child.id().unwrap_or_default()));
                    tokio::select! {
                        _ = child.wait() => say("the media server has ended; it is started again"),
                        () = self.0.stop.notified() => {
                            let _ = child.kill().await;
                            self.0.stopped.notify_one();
                            return;
                        }
                    }
                }
                Err(error) => say(&format!(
                    "{} does not start: {error}; on Debian: apt-get install janus",
                    program.display()
                )),
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    fn rooms(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.0.rooms.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Makes and removes rooms as needed, on one connection after another.
    async fn keep_rooms(self) {
        loop {
            if let Ok(mut control) = Control::open(&self).await {
                let mut made = BTreeSet::new();
                while self.update(&mut control, &mut made).await.is_ok() {
                    let _ = tokio::time::timeout(INTERVAL, self.0.changed.notified()).await;
                }
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn update(&self, control: &mut Control, made: &mut BTreeSet<String>) -> Result<()> {
        let wanted = self.rooms().clone();
        for room in wanted.difference(made) {
            control.ask(json!({
                "request": "create", "room": room, "admin_key": self.0.key, "is_private": true, "publishers": 1000,
                "bitrate": BITRATE, "audiocodec": "opus", "videocodec": "vp8", "audiolevel_ext": true,
                "audiolevel_event": true, "audio_active_packets": SPEAKING_PACKETS, "audio_level_average": SPEAKING_LEVEL,
                "playoutdelay_ext": false, "transport_wide_cc_ext": true, "notify_joining": false,
            })).await?;
        }
        for room in made.difference(&wanted) {
            control.ask(json!({ "request": "destroy", "room": room })).await?;
        }
        *made = wanted;
        control.request(json!({ "janus": "keepalive" })).await?;
        Ok(())
    }
}

/// A session of ours with Janus, with a handle of the room plugin.
struct Control {
    connection: Connection,
    session: Option<u64>,
    handle: Option<u64>,
}

impl Control {
    async fn open(janus: &Janus) -> Result<Self> {
        let mut control = Self { connection: janus.connect().await?, session: None, handle: None };
        control.session = control.request(json!({ "janus": "create" })).await?["data"]["id"].as_u64();
        control.handle = control
            .request(json!({ "janus": "attach", "plugin": "janus.plugin.videoroom" }))
            .await?["data"]["id"]
            .as_u64();
        Ok(control)
    }

    /// Asks the plugin. What is there already, or is not any more, is no error.
    async fn ask(&mut self, body: Value) -> Result<()> {
        const NO_SUCH_ROOM: u64 = 426;
        const ROOM_EXISTS: u64 = 427;
        let answer = self.request(json!({ "janus": "message", "body": body })).await?;
        match answer["plugindata"]["data"]["error_code"].as_u64() {
            None | Some(NO_SUCH_ROOM | ROOM_EXISTS) => Ok(()),
            Some(_) => bail!("Janus refuses: {}", answer["plugindata"]["data"]["error"]),
        }
    }

    /// Sends a request and waits for its answer.
    async fn request(&mut self, mut request: Value) -> Result<Value> {
        request["transaction"] = json!("call");
        if let Some(session) = self.session {
            request["session_id"] = json!(session);
        }
        if let (Some(handle), Some("message")) = (self.handle, request["janus"].as_str()) {
            request["handle_id"] = json!(handle);
        }
        self.connection.send(Message::text(request.to_string())).await?;
        loop {
            let message =
                tokio::time::timeout(INTERVAL, self.connection.next()).await?.context("Janus has gone")??;
            let Message::Text(text) = message else { continue };
            let answer: Value = serde_json::from_str(&text)?;
            if answer["transaction"] == "call" {
                return Ok(answer);
            }
        }
    }
}

/// Janus' settings: a WebSocket on this machine, rooms with names, and nobody makes rooms or copies of streams without the key.
fn settings(port: u16, key: &str) -> [(&'static str, String); 3] {
    [
        (
            "janus.jcfg",
            "general: { admin_secret = \"\"; session_timeout = 30; }\n\
             media: { ipv6 = false; }\n\
             transports: { disable = \"libjanus_http.so,libjanus_pfunix.so,libjanus_rabbitmq.so,libjanus_mqtt.so,libjanus_nanomsg.so\"; }\n\
             plugins: { disable = \"libjanus_audiobridge.so,libjanus_echotest.so,libjanus_recordplay.so,libjanus_sip.so,libjanus_nosip.so,\
             libjanus_streaming.so,libjanus_textroom.so,libjanus_videocall.so,libjanus_voicemail.so,libjanus_lua.so,libjanus_duktape.so\"; }\n"
                .to_owned(),
        ),
        (
            "janus.transport.websockets.jcfg",
            format!("general: {{ json = \"compact\"; ws = true; ws_port = {port}; ws_ip = \"127.0.0.1\"; }}\nadmin: {{ admin_ws = false; }}\n"),
        ),
        (
            "janus.plugin.videoroom.jcfg",
            format!("general: {{ admin_key = \"{key}\"; lock_rtp_forward = true; string_ids = true; }}\n"),
        ),
    ]
}
