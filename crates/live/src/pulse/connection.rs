//! A connection to the server: for questions, or with one stream on it and one thread that serves it. Once the stream
//! runs, that thread neither allocates nor locks: messages lie in a buffer of fixed size, and answers are small.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::Shutdown;
use std::ops::Range;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant, SystemTime};

use pulseaudio::protocol::{
    self, AuthParams, AuthReply, Command, CommandReply, DESCRIPTOR_SIZE, Descriptor, DescriptorFlags,
    LatencyParams, MAX_VERSION, Prop, Props, ProtocolError, PulseError, SetClientNameReply, SubscriptionMask,
    TagStructReader,
};

/// Sound comes in pieces of 64 KiB at most; the longest messages are lists of devices, of a few KiB each.
const LONGEST_MESSAGE: usize = 1024 * 1024;

/// Time that the server may take to answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// Interval between queries of the latency.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The channel of messages that are no sound.
const COMMANDS: u32 = u32::MAX;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Returns whether the server has answered that there is no such thing.
pub(crate) fn is_absent(failure: &Failure) -> bool {
    matches!(failure.downcast_ref::<ProtocolError>(), Some(ProtocolError::ServerError(PulseError::NoEntity)))
}

/// Returns whether the server has answered, be it with a refusal: the connection is as good as before.
pub(crate) fn is_answer(failure: &Failure) -> bool {
    matches!(failure.downcast_ref::<ProtocolError>(), Some(ProtocolError::ServerError(_)))
}

pub(crate) struct Connection {
    socket: UnixStream,
    version: u16,
    /// The server's number for this client.
    client: u32,
    /// Something that was subscribed to has changed since the last [`Connection::wait`].
    changed: bool,
    /// Of the newest command.
    sequence: u32,
    received: Box<[u8]>,
    filled: usize,
    /// The length of the message at the front that has been given out.
    taken: usize,
    asked: Instant,
    last_received: Instant,
}

/// A message of the server.
pub(super) enum Message {
    /// Sound, in [`Connection::bytes`].
    Sound(Range<usize>),
    /// It requests this many bytes.
    Request(usize),
    /// It ran out of sound.
    Underflow,
    /// The latency; the answer lies in [`Connection::bytes`].
    Latency(Range<usize>),
    /// Nothing of interest, or nothing for a while.
    Other,
}

impl Connection {
    /// Connects, and tells the server who we are.
    pub(crate) fn open() -> Result<Self, Failure> {
        let path = pulseaudio::socket_path_from_env().ok_or("there is no socket of it")?;
        let socket = UnixStream::connect(path)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let now = Instant::now();
        let mut connection = Self {
            socket,
            version: MAX_VERSION,
            client: 0,
            changed: false,
            sequence: 0,
            received: vec![0; LONGEST_MESSAGE].into(),
            filled: 0,
            taken: 0,
            asked: now,
            last_received: now,
        };
        let cookie = pulseaudio::cookie_path_from_env().and_then(|path| std::fs::read(path).ok());
        let auth = AuthParams {
            version: MAX_VERSION,
            supports_shm: false,
            supports_memfd: false,
            cookie: cookie.unwrap_or_default(),
        };
        let reply: AuthReply = connection.ask(&Command::Auth(auth))?;
        connection.version = MAX_VERSION.min(reply.version);
        connection.introduce(Props::new())?;
        Ok(connection)
    }

    /// Tells the server who we are, in `properties` that other clients can read.
    pub(crate) fn introduce(&mut self, mut properties: Props) -> Result<(), Failure> {
        properties.set(Prop::ApplicationName, c"Sourdine");
        let reply: SetClientNameReply = self.ask(&Command::SetClientName(properties))?;
        self.client = reply.client_id;
        Ok(())
    }

    /// The server's number for this client.
    pub(crate) fn client(&self) -> u32 {
        self.client
    }

    /// Sends a command and waits for its reply. Before the stream runs.
    pub(crate) fn ask<R: CommandReply>(&mut self, command: &Command) -> Result<R, Failure> {
        let range = self.tell(command)?;
        self.answer(range)
    }

    /// The same for a command whose reply says no more than that it is done.
    pub(crate) fn tell(&mut self, command: &Command) -> Result<Range<usize>, Failure> {
        self.sequence += 1;
        protocol::write_command_message(&mut self.socket, self.sequence, command, self.version)?;
        loop {
            let Some((channel, range)) = self.next()? else {
                return Err("the server does not answer".into());
            };
            let mut bytes = &self.received[range.clone()];
            if channel != COMMANDS {
                continue;
            }
            match Command::read_tag_prefixed(&mut bytes, self.version)? {
                (sequence, Command::Reply) if sequence == self.sequence => {
                    return Ok(range.end - bytes.len()..range.end);
                }
                (_, Command::Error(error)) => return Err(ProtocolError::ServerError(error).into()),
                (_, Command::SubscribeEvent(_)) => self.changed = true,
                _ => {}
            }
        }
    }

    /// Has the server tell of changes, which [`Connection::wait`] waits for.
    pub(crate) fn subscribe(&mut self, to: SubscriptionMask) -> Result<(), Failure> {
        self.tell(&Command::Subscribe(to)).map(drop)
    }

    /// Waits for a change, `longest` at most. Returns whether there was one.
    pub(crate) fn wait(&mut self, longest: Duration) -> Result<bool, Failure> {
        self.socket.set_read_timeout(Some(longest))?;
        while !self.changed {
            let Some((channel, range)) = self.next()? else { break };
            let mut bytes = &self.received[range];
            self.changed = channel == COMMANDS
                && matches!(
                    Command::read_tag_prefixed(&mut bytes, self.version)?.1,
                    Command::SubscribeEvent(_)
                );
        }
        self.socket.set_read_timeout(Some(PATIENCE))?;
        Ok(std::mem::take(&mut self.changed))
    }

    /// Ends it; whatever comes then fails.
    pub(crate) fn close(&mut self) {
        // It may be closed already.
        let _ = self.socket.shutdown(Shutdown::Both);
    }

    /// A second handle, to end the stream with from another thread.
    pub(super) fn handle(&self) -> std::io::Result<UnixStream> {
        self.socket.set_read_timeout(Some(ASK_EVERY))?;
        self.socket.try_clone()
    }

    /// Waits for the next message about a stream, a fifth of a second at most. `latency` is the command that asks how
    /// late the stream is; it is sent from time to time.
    pub(super) fn receive(
        &mut self,
        stream: u32,
        latency: fn(LatencyParams) -> Command,
    ) -> Result<Message, Failure> {
        if self.asked.elapsed() >= ASK_EVERY {
            self.asked = Instant::now();
            self.sequence = self.sequence.wrapping_add(1);
            let command = latency(LatencyParams { channel: stream, now: SystemTime::now() });
            let mut bytes = [0; 128];
            let n = protocol::encode_command_message(&mut bytes[..], self.sequence, &command, self.version)?;
            self.socket.write_all(&bytes[..n])?;
        }
        let Some((channel, range)) = self.next()? else {
            if self.last_received.elapsed() > PATIENCE {
                return Err("the server does not answer".into());
            }
            return Ok(Message::Other);
        };
        self.last_received = Instant::now();
        if channel == stream {
            return Ok(Message::Sound(range));
        }
        if channel != COMMANDS {
            return Ok(Message::Other);
        }
        let mut bytes = &self.received[range.clone()];
        Ok(match Command::read_tag_prefixed(&mut bytes, self.version)?.1 {
            Command::Reply => Message::Latency(range.end - bytes.len()..range.end),
            Command::Request(request) => Message::Request(request.length as usize),
            Command::Underflow(_) => Message::Underflow,
            Command::Error(error) => return Err(ProtocolError::ServerError(error).into()),
            Command::PlaybackStreamKilled(_) | Command::RecordStreamKilled(_) => {
                return Err("the server has ended the stream".into());
            }
            _ => Message::Other,
        })
    }

    /// Returns the bytes of a message's range, until the next is received.
    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.received[range]
    }

    /// Reads the answer that a range stands for.
    pub(super) fn answer<R: CommandReply>(&self, range: Range<usize>) -> Result<R, Failure> {
        Ok(TagStructReader::new(&mut &self.received[range], self.version).read()?)
    }

    /// Sends sound: `message` is [`DESCRIPTOR_SIZE`] bytes of room, then samples.
    pub(super) fn send(&mut self, stream: u32, message: &mut [u8]) -> Result<(), Failure> {
        let Some((head, sound)) = message.split_first_chunk_mut::<DESCRIPTOR_SIZE>() else { return Ok(()) };
        let length = u32::try_from(sound.len())?;
        protocol::encode_descriptor(
            head,
            &Descriptor { length, channel: stream, offset: 0, flags: DescriptorFlags::empty() },
        );
        Ok(self.socket.write_all(message)?)
    }

    /// Waits for a whole message: its channel, and where its content lies. None if the time is up.
    fn next(&mut self) -> Result<Option<(u32, Range<usize>)>, Failure> {
        self.received.copy_within(self.taken..self.filled, 0);
        self.filled -= self.taken;
        self.taken = 0;
        loop {
            if let Some(mut head) = self.received[..self.filled].get(..DESCRIPTOR_SIZE) {
                let descriptor = protocol::read_descriptor(&mut head)?;
                let end = DESCRIPTOR_SIZE.saturating_add(descriptor.length as usize);
                if end > self.received.len() {
                    return Err(format!("a message of {} bytes", descriptor.length).into());
                }
                if end <= self.filled {
                    self.taken = end;
                    return Ok(Some((descriptor.channel, DESCRIPTOR_SIZE..end)));
                }
            }
            match self.socket.read(&mut self.received[self.filled..]) {
                Ok(0) => return Err("the server has closed the connection".into()),
                Ok(n) => self.filled += n,
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return Ok(None),
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(e.into()),
            }
        }
    }
}
