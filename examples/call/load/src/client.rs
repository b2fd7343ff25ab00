//! One participant: its place in the group, and what it sends.

use std::{
    net::{SocketAddr, UdpSocket as Probe},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use call_crypto::{FrameCipher, Invite, Member, Received, Stream};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use str0m::{
    Candidate, Event, IceConnectionState, Input, Output, Rtc,
    change::SdpAnswer,
    format::Codec,
    media::{Direction, Frequency, MediaKind, MediaTime, Mid},
    net::{Protocol, Receive},
};
use tokio::{
    net::{TcpStream, UdpSocket},
    time::{Interval, interval, sleep_until},
};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, tungstenite::Message};

use crate::{janus::Janus, recording::Recording};

/// How long the old key is used after somebody has come, as by the page.
const HANDOVER: Duration = Duration::from_millis(500);

type Mailbox = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// Where a link leads.
pub(crate) struct Place {
    /// `ws://host:port`.
    address: String,
    room: String,
    invite: Invite,
}

impl Place {
    pub(crate) fn parse(link: &str) -> Result<Self> {
        let (address, rest) =
            link.split_once("/r/").context("a link has the form http://HOST/r/ROOM#SECRET")?;
        let (room, secret) = rest.split_once('#').context("a link ends with # and a secret")?;
        Ok(Self {
            address: address.replacen("http", "ws", 1),
            room: room.to_owned(),
            invite: Invite::parse(room, secret)?,
        })
    }
}

/// Clients that speak one after the other; meanwhile the others are not muted, but silent.
#[derive(Clone, Copy)]
pub(crate) struct Turns {
    start: Instant,
    length: Duration,
    clients: usize,
}

impl Turns {
    pub(crate) fn new(length: Duration, clients: usize) -> Self {
        Self { start: Instant::now(), length, clients }
    }

    /// Whether it is the turn of the client with this number.
    fn is_of(&self, number: usize) -> bool {
        let turn = self.start.elapsed().as_secs_f64() / self.length.as_secs_f64();
        turn as usize % self.clients == number
    }
}

pub(crate) struct Client {
    address: String,
    room: String,
    invite: Invite,
    number: usize,
    voice: Option<Arc<Recording>>,
    camera: Option<Arc<Recording>>,
    turns: Option<Turns>,
}

impl Client {
    pub(crate) fn new(
        place: &Place,
        number: usize,
        voice: Option<Arc<Recording>>,
        camera: Option<Arc<Recording>>,
        turns: Option<Turns>,
    ) -> Self {
        let Place { address, room, invite } = place;
        Self {
            address: address.clone(),
            room: room.clone(),
            invite: invite.clone(),
            number,
            voice,
            camera,
            turns,
        }
    }

    /// Joins and sends, until something ends it.
    pub(crate) async fn run(self) -> Result<()> {
        let peer = format!("load-participant-{:04}", self.number);
        let mut group = Group::join(&self, &peer).await?;
        let mut janus = Janus::join(&self.address, &self.room, &peer).await?;

        let mut rtc = Rtc::new(Instant::now());
        let socket = UdpSocket::bind((local_address()?, 0)).await?;
        let local = socket.local_addr()?;
        rtc.add_local_candidate(Candidate::host(local, "udp")?);
        let mut changes = rtc.sdp_api();
        let microphone = changes.add_media(MediaKind::Audio, Direction::SendOnly, None, None, None);
        let mut descriptions = vec![json!({ "mid": microphone.to_string(), "description": "microphone" })];
        let camera = self
            .camera
            .as_ref()
            .map(|_| changes.add_media(MediaKind::Video, Direction::SendOnly, None, None, None));
        descriptions.extend(camera.map(|mid| json!({ "mid": mid.to_string(), "description": "camera" })));
        let (offer, pending) = changes.apply().context("an offer without media")?;
        let answer = janus.publish(&offer.to_sdp_string(), Value::from(descriptions)).await?;
        rtc.sdp_api().accept_answer(pending, SdpAnswer::from_sdp_string(&answer)?)?;

        let mut voice = self.voice.map(|recording| Source::new(recording, microphone, Stream::Microphone));
        let mut camera =
            self.camera.zip(camera).map(|(recording, mid)| Source::new(recording, mid, Stream::Camera));
        let mut keepalive = interval(Duration::from_secs(10));
        let mut buffer = vec![0; 2000];
        loop {
            let timeout = drain(&mut rtc, &socket).await?;
            tokio::select! {
                message = group.mailbox.next() => group.receive(message.context("the server has gone")??).await?,
                result = janus.read() => result?,
                _ = keepalive.tick() => janus.keep().await?,
                received = socket.recv_from(&mut buffer) => {
                    let (length, source) = received?;
                    take(&mut rtc, source, local, &buffer[..length])?;
                }
                () = sleep_until(timeout.into()) => rtc.handle_input(Input::Timeout(Instant::now()))?,
                frame = next(&mut voice) => {
                    let speaks = self.turns.is_none_or(|turns| turns.is_of(self.number));
                    frame.send(&mut rtc, &mut group.frames, speaks)?;
                }
                frame = next(&mut camera) => frame.send(&mut rtc, &mut group.frames, false)?,
            }
            group.hand_over();
        }
    }
}

/// Sends all that is to be sent; returns when to look again.
async fn drain(rtc: &mut Rtc, socket: &UdpSocket) -> Result<Instant> {
    loop {
        match rtc.poll_output()? {
            Output::Timeout(at) => return Ok(at),
            Output::Transmit(packet) => {
                socket.send_to(&packet.contents, packet.destination).await?;
            }
            Output::Event(Event::IceConnectionStateChange(IceConnectionState::Disconnected)) => {
                bail!("the media server cannot be reached")
            }
            Output::Event(_) => {}
        }
    }
}

fn take(rtc: &mut Rtc, source: SocketAddr, destination: SocketAddr, packet: &[u8]) -> Result<()> {
    let receive = Receive { proto: Protocol::Udp, source, destination, contents: packet.try_into()? };
    Ok(rtc.handle_input(Input::Receive(Instant::now(), receive))?)
}

/// This machine's address as others see it: that of a socket that would send to them.
fn local_address() -> Result<std::net::IpAddr> {
    let probe = Probe::bind("0.0.0.0:0")?;
    // Nothing is sent: this only chooses the interface.
    probe.connect("192.0.2.1:9").context("no network interface")?;
    Ok(probe.local_addr()?.ip())
}

/// A recording on its way.
struct Source {
    recording: Arc<Recording>,
    mid: Mid,
    stream: Stream,
    sent: u64,
    tick: Interval,
}

impl Source {
    fn new(recording: Arc<Recording>, mid: Mid, stream: Stream) -> Self {
        let tick = interval(recording.interval);
        Self { recording, mid, stream, sent: 0, tick }
    }

    /// Sends the next frame. Only its header says whether its sender is speaking.
    fn send(&mut self, rtc: &mut Rtc, frames: &mut FrameCipher, speaks: bool) -> Result<()> {
        let recorded = &self.recording.frames[self.sent as usize % self.recording.frames.len()];
        let time = self.recording.interval.as_micros() as u64 * self.sent;
        self.sent += 1;
        if !rtc.is_connected() {
            return Ok(());
        }
        // No key yet: not sent.
        let Ok(frame) = frames.encrypt(self.stream, recorded) else { return Ok(()) };
        let Some(writer) = rtc.writer(self.mid) else { return Ok(()) };
        let codec = if self.stream == Stream::Microphone { Codec::Opus } else { Codec::Vp8 };
        let Some(pt) =
            writer.payload_params().find(|params| params.spec().codec == codec).map(|params| params.pt())
        else {
            return Ok(());
        };
        let now = Instant::now();
        writer.audio_level(if speaks { -30 } else { -127 }, speaks).write(
            pt,
            now,
            MediaTime::new(time, Frequency::MICROS),
            frame,
        )?;
        // Packs it at once: another frame may be due already.
        rtc.handle_input(Input::Timeout(now))?;
        Ok(())
    }
}

/// Waits until a source's next frame is due; for ever if there is no source.
async fn next(source: &mut Option<Source>) -> &mut Source {
    match source {
        Some(source) => {
            source.tick.tick().await;
            source
        }
        None => std::future::pending().await,
    }
}

/// The participant's place in the group. It never commits: others do.
struct Group {
    mailbox: Mailbox,
    member: Member,
    frames: FrameCipher,
    status: String,
    hand_over_at: Option<Instant>,
}

impl Group {
    /// Asks to join, and waits until somebody has added it.
    async fn join(client: &Client, peer: &str) -> Result<Self> {
        let (mailbox, _) = tokio_tungstenite::connect_async(format!("{}/mailbox", client.address))
            .await
            .context("no server")?;
        let member = Member::new(client.invite.clone(), peer)?;
        let status = json!({
            "name": format!("Participant {}", client.number),
            "microphone": client.voice.is_some(),
            "camera": client.camera.is_some(),
            "screen": false,
        });
        let mut group = Self {
            mailbox,
            member,
            frames: FrameCipher::new(),
            status: status.to_string(),
            hand_over_at: None,
        };
        group.send(json!({ "type": "hello", "room": client.room, "peer": peer, "at": null })).await?;
        let request = STANDARD.encode(group.member.join_request()?);
        group.send(json!({ "type": "join", "request": request })).await?;
        while group.member.position().is_none() {
            let message = group.mailbox.next().await.context("the server has gone")??;
            group.receive(message).await?;
        }
        Ok(group)
    }

    async fn receive(&mut self, message: Message) -> Result<()> {
        let Message::Text(text) = message else { return Ok(()) };
        let message: Value = serde_json::from_str(&text)?;
        let bytes = |field: &str| -> Result<Vec<u8>> {
            Ok(STANDARD.decode(message[field].as_str().unwrap_or_default())?)
        };
        match message["type"].as_str() {
            Some("welcome") => {
                self.member.join(&bytes("welcome")?)?;
                self.turn().await?;
            }
            Some("commit") => match self.member.receive(&bytes("commit")?)? {
                Received::Removed => bail!("removed from the call"),
                _ => self.turn().await?,
            },
            Some("create") => bail!("nobody is in the call; join it in a browser first"),
            Some("refused") => bail!("the link is not the call's"),
            Some("outdated") => bail!("the call went on without it"),
            _ => {}
        }
        Ok(())
    }

    async fn turn(&mut self) -> Result<()> {
        self.frames.add_epoch(self.member.epoch_keys()?);
        self.hand_over_at = Some(Instant::now() + HANDOVER);
        let status = STANDARD.encode(self.member.message(self.status.as_bytes())?);
        self.send(json!({ "type": "message", "content": status })).await
    }

    /// Uses the new key, when the others have it.
    fn hand_over(&mut self) {
        if self.hand_over_at.take_if(|at| *at <= Instant::now()).is_some() {
            self.frames.send_with_newest();
        }
    }

    async fn send(&mut self, message: Value) -> Result<()> {
        Ok(self.mailbox.send(Message::text(message.to_string())).await?)
    }
}
