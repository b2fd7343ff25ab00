//! The same for JavaScript. Errors become `Error`s with the same words.

use wasm_bindgen::prelude::*;

use crate::{EpochKeys, FrameCipher, Invite, Member, Received, Stream};

type Result<T> = std::result::Result<T, JsError>;

/// The part of a new room's link after `#`.
#[wasm_bindgen(js_name = newSecret)]
pub fn new_secret(room: &str) -> Result<String> {
    Ok(Invite::generate(room)?.fragment())
}

/// See [`Member`].
#[wasm_bindgen(js_name = Member)]
pub struct JsMember(Member);

/// See [`crate::Commit`].
#[wasm_bindgen(js_name = Commit, getter_with_clone)]
pub struct JsCommit {
    /// The epoch that it ends; fits JavaScript's numbers for longer than calls last.
    pub epoch: f64,
    /// For the members.
    pub commit: Vec<u8>,
    /// For those who are added.
    pub welcome: Option<Vec<u8>>,
}

/// See [`Received`]: `kind` is `epoch`, `removed` or `message`.
#[wasm_bindgen(js_name = Received, getter_with_clone)]
pub struct JsReceived {
    /// `epoch`, `removed` or `message`.
    pub kind: String,
    /// Who says it, of a `message`.
    pub peer: Option<String>,
    /// What it says.
    pub content: Option<Vec<u8>>,
}

/// See [`EpochKeys`].
#[wasm_bindgen(js_name = EpochKeys, getter_with_clone)]
pub struct JsEpochKeys {
    /// The epoch's number.
    pub number: f64,
    /// This participant's leaf.
    #[wasm_bindgen(js_name = ownLeaf)]
    pub own_leaf: u32,
    /// The secret that all keys of the epoch are derived from.
    #[wasm_bindgen(js_name = baseKey)]
    pub base_key: Vec<u8>,
    /// The members' leaves …
    pub leaves: Vec<u32>,
    /// … and their names, in the same order.
    pub peers: Vec<String>,
}

#[wasm_bindgen(js_class = Member)]
impl JsMember {
    /// `fragment` is the part of the link after `#`.
    #[wasm_bindgen(constructor)]
    pub fn new(room: &str, fragment: &str, peer: &str) -> Result<JsMember> {
        Ok(Self(Member::new(Invite::parse(room, fragment)?, peer)?))
    }

    /// See [`Member::create`].
    pub fn create(&mut self) -> Result<()> {
        Ok(self.0.create()?)
    }

    /// See [`Member::join_request`].
    #[wasm_bindgen(js_name = joinRequest)]
    pub fn join_request(&self) -> Result<Vec<u8>> {
        Ok(self.0.join_request()?)
    }

    /// See [`Member::check_request`].
    #[wasm_bindgen(js_name = checkRequest)]
    pub fn check_request(&self, request: &[u8]) -> Result<String> {
        Ok(self.0.check_request(request)?)
    }

    /// See [`Member::join`].
    pub fn join(&mut self, welcome: &[u8]) -> Result<()> {
        Ok(self.0.join(welcome)?)
    }

    /// See [`Member::commit`].
    pub fn commit(&mut self, requests: Vec<js_sys::Uint8Array>, removed: Vec<String>) -> Result<JsCommit> {
        let requests: Vec<Vec<u8>> = requests.iter().map(js_sys::Uint8Array::to_vec).collect();
        let commit = self.0.commit(&requests, &removed)?;
        Ok(JsCommit { epoch: commit.epoch as f64, commit: commit.commit, welcome: commit.welcome })
    }

    /// See [`Member::accepted`].
    pub fn accepted(&mut self) -> Result<()> {
        Ok(self.0.accepted()?)
    }

    /// See [`Member::discard`].
    pub fn discard(&mut self) {
        self.0.discard();
    }

    /// See [`Member::receive`].
    pub fn receive(&mut self, message: &[u8]) -> Result<JsReceived> {
        let (kind, peer, content) = match self.0.receive(message)? {
            Received::Epoch => ("epoch", None, None),
            Received::Removed => ("removed", None, None),
            Received::Message { peer, content } => ("message", Some(peer), Some(content)),
        };
        Ok(JsReceived { kind: kind.to_owned(), peer, content })
    }

    /// See [`Member::message`].
    pub fn message(&mut self, content: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.message(content)?)
    }

    /// The group's id; none before it is joined.
    #[wasm_bindgen(getter, js_name = groupId)]
    pub fn group_id(&self) -> Option<Vec<u8>> {
        self.0.position().map(|(id, _)| id.to_vec())
    }

    /// The group's epoch; none before it is joined.
    #[wasm_bindgen(getter)]
    pub fn epoch(&self) -> Option<f64> {
        self.0.position().map(|(_, epoch)| epoch as f64)
    }

    /// See [`Member::epoch_keys`].
    #[wasm_bindgen(js_name = epochKeys)]
    pub fn epoch_keys(&self) -> Result<JsEpochKeys> {
        let keys = self.0.epoch_keys()?;
        let (leaves, peers) = keys.members().iter().cloned().unzip();
        Ok(JsEpochKeys {
            number: keys.number() as f64,
            own_leaf: keys.own_leaf(),
            base_key: keys.base_key().to_vec(),
            leaves,
            peers,
        })
    }

    /// See [`Member::safety_code`].
    #[wasm_bindgen(js_name = safetyCode)]
    pub fn safety_code(&self) -> Result<String> {
        Ok(self.0.safety_code()?)
    }
}

/// See [`FrameCipher`]. Streams are numbers: 0 microphone, 1 camera, 2 screen, 3 the screen's sound.
#[wasm_bindgen(js_name = FrameCipher)]
#[derive(Default)]
pub struct JsFrameCipher(FrameCipher);

#[wasm_bindgen(js_class = FrameCipher)]
impl JsFrameCipher {
    /// Knows no key yet.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self::default()
    }

    /// See [`FrameCipher::add_epoch`].
    #[wasm_bindgen(js_name = addEpoch)]
    pub fn add_epoch(
        &mut self,
        number: f64,
        own_leaf: u32,
        base_key: &[u8],
        leaves: Vec<u32>,
        peers: Vec<String>,
    ) {
        let members = leaves.into_iter().zip(peers).collect();
        self.0.add_epoch(EpochKeys::new(number as u64, own_leaf, base_key, members));
    }

    /// See [`FrameCipher::send_with_newest`].
    #[wasm_bindgen(js_name = sendWithNewest)]
    pub fn send_with_newest(&mut self) {
        self.0.send_with_newest();
    }

    /// See [`FrameCipher::forget_before`].
    #[wasm_bindgen(js_name = forgetBefore)]
    pub fn forget_before(&mut self, number: f64) {
        self.0.forget_before(number as u64);
    }

    /// See [`FrameCipher::encrypt`].
    pub fn encrypt(&mut self, stream: usize, frame: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.encrypt(stream_of(stream)?, frame)?)
    }

    /// See [`FrameCipher::decrypt`].
    pub fn decrypt(&mut self, peer: &str, stream: usize, frame: &[u8]) -> Result<Vec<u8>> {
        Ok(self.0.decrypt(peer, stream_of(stream)?, frame)?)
    }
}

fn stream_of(number: usize) -> Result<Stream> {
    Stream::ALL.get(number).copied().ok_or_else(|| JsError::new(&format!("no stream {number}")))
}
