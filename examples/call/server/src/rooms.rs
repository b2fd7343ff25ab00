//! Who is in a room, and in which order its messages are delivered.
//!
//! The members of a room are a group of MLS, whose epochs follow one another. A commit ends an epoch: of those that arrive for
//! one epoch, the first is delivered to all, and the others are refused.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::janus::Janus;

/// Commits kept for members that were away for a moment.
const LOG: usize = 256;

/// How long a room waits for members whose connections broke.
const GRACE: Duration = Duration::from_secs(20);

/// Where a member's group is.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub(crate) struct Position {
    pub(crate) group: String,
    pub(crate) epoch: u64,
}

/// What a page sends. Everything in it but names and numbers is sealed, and passed on as it is, in base64.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum FromPage {
    /// First message: who is there, and where its group is, if it is in one.
    Hello { room: String, peer: String, at: Option<Position> },
    /// Has begun a group, as told.
    Created { at: Position },
    /// Asks to be added.
    Join { request: String },
    /// Tells somebody that its request was not valid.
    Refuse { peer: String },
    /// Ends an epoch; adds those in `welcomed`.
    Commit { at: Position, commit: String, welcome: Option<String>, welcomed: Vec<String> },
    /// A message to all.
    Message { content: String },
    /// Goes, and does not come back.
    Leave,
}

/// What a page receives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum ToPage {
    /// Who is online, in no order.
    Peers { peers: Vec<String> },
    /// Somebody has gone for good.
    Left { peer: String },
    /// There is no group: begin one.
    Create,
    /// Your group is not this room's, or went on too long without you: join anew.
    Outdated,
    /// Somebody asks to be added.
    Join { peer: String, request: String },
    /// A member says that your request was not valid.
    Refused,
    /// The commit that ends the epoch, which may be your own.
    Commit { from: String, epoch: u64, commit: String },
    /// Your commit came after another one.
    Late { epoch: u64 },
    /// You are in the group, from this epoch on.
    Welcome { epoch: u64, welcome: String },
    /// A member's message.
    Message { from: String, content: String },
}

/// All rooms of this server.
pub(crate) struct Rooms {
    rooms: Mutex<HashMap<String, Room>>,
    janus: Janus,
}

/// A way to a page. One that is full belongs to a page that does not read.
pub(crate) type Queue = mpsc::Sender<ToPage>;

impl Rooms {
    pub(crate) fn new(janus: Janus) -> Self {
        Self { rooms: Mutex::default(), janus }
    }

    /// A peer comes, or comes back; `connection` is a number of its own.
    pub(crate) fn enter(&self, name: &str, peer: &str, connection: u64, at: Option<Position>, queue: Queue) {
        self.janus.open_room(name);
        self.lock().entry(name.to_owned()).or_default().enter(peer, connection, at, queue);
    }

    /// A peer says something.
    pub(crate) fn receive(&self, name: &str, peer: &str, message: FromPage) {
        if let Some(room) = self.lock().get_mut(name) {
            room.receive(peer, message);
        }
    }

    /// A peer's connection has ended.
    pub(crate) fn exit(self: &Arc<Self>, name: &str, peer: &str, connection: u64) {
        if let Some(room) = self.lock().get_mut(name) {
            room.exit(peer, connection);
        }
        let (rooms, name, peer) = (self.clone(), name.to_owned(), peer.to_owned());
        tokio::spawn(async move {
            tokio::time::sleep(GRACE).await;
            rooms.give_up(&name, &peer);
        });
    }

    fn give_up(&self, name: &str, peer: &str) {
        let mut rooms = self.lock();
        let Some(room) = rooms.get_mut(name) else { return };
        room.give_up(peer);
        if room.peers.is_empty() && room.away.is_empty() {
            rooms.remove(name);
            self.janus.close_room(name);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Room>> {
        self.rooms.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[derive(Default)]
struct Room {
    peers: BTreeMap<String, Peer>,
    /// Members whose connection broke, and who may come back.
    away: BTreeSet<String>,
    /// The group, once somebody has begun it.
    at: Option<Position>,
    /// Who was told to begin it.
    creator: Option<String>,
    /// Commits with the epochs that they ended and those who sent them.
    log: VecDeque<(u64, String, String)>,
}

struct Peer {
    queue: Queue,
    connection: u64,
    is_member: bool,
    request: Option<String>,
}

impl Room {
    fn enter(&mut self, peer: &str, connection: u64, at: Option<Position>, queue: Queue) {
        let is_member = match at {
            None => false,
            Some(at) => self.take_back(at, &queue),
        };
        self.away.remove(peer);
        self.peers.insert(peer.to_owned(), Peer { queue, connection, is_member, request: None });
        self.announce_peers();
        if is_member {
            self.repeat_requests(peer);
        }
        self.begin_if_nobody_has();
    }

    /// Whether a group that a page says it is in is this room's; sends the page what it missed.
    fn take_back(&mut self, at: Position, queue: &Queue) -> bool {
        let Some(ours) = &self.at else {
            // This server was restarted. The members know.
            self.at = Some(at);
            return true;
        };
        if ours.group == at.group && at.epoch > ours.epoch {
            // Restarted, and those who came back first had missed something that is gone.
            self.at = Some(at);
            self.log.clear();
            self.tell_members(|_| Some(ToPage::Outdated));
            return true;
        }
        let missed = ours.epoch - at.epoch.min(ours.epoch);
        let kept = self.log.iter().filter(|(epoch, ..)| *epoch >= at.epoch).count() as u64;
        if ours.group != at.group || kept < missed {
            let _ = queue.try_send(ToPage::Outdated);
            return false;
        }
        for (epoch, from, commit) in self.log.iter().filter(|(epoch, ..)| *epoch >= at.epoch) {
            let _ =
                queue.try_send(ToPage::Commit { from: from.clone(), epoch: *epoch, commit: commit.clone() });
        }
        true
    }

    fn receive(&mut self, from: &str, message: FromPage) {
        let Some(sender) = self.peers.get_mut(from) else { return };
        let is_member = sender.is_member;
        match message {
            FromPage::Hello { .. } => {}
            FromPage::Created { at } if self.creator.as_deref() == Some(from) && self.at.is_none() => {
                sender.is_member = true;
                sender.request = None;
                self.at = Some(at);
                self.repeat_requests(from);
            }
            FromPage::Join { request } if !is_member => {
                sender.request = Some(request.clone());
                self.tell_members(|_| Some(ToPage::Join { peer: from.to_owned(), request: request.clone() }));
            }
            FromPage::Refuse { peer } if is_member => self.tell(&peer, ToPage::Refused),
            FromPage::Commit { at, commit, welcome, welcomed } if is_member => {
                if self.at.as_ref() == Some(&at) {
                    self.deliver(from, at.epoch, commit, welcome, &welcomed);
                } else {
                    self.tell(from, ToPage::Late { epoch: at.epoch });
                }
            }
            FromPage::Message { content } if is_member => self.tell_members(|peer| {
                (peer != from).then(|| ToPage::Message { from: from.to_owned(), content: content.clone() })
            }),
            FromPage::Leave => {
                self.peers.remove(from);
                for peer in self.names() {
                    self.tell(&peer, ToPage::Left { peer: from.to_owned() });
                }
                self.announce_peers();
                self.begin_if_nobody_has();
            }
            // A page that is not where it believes to be: it is told otherwise by what it has not read yet.
            _ => {}
        }
    }

    /// Ends an epoch.
    fn deliver(
        &mut self,
        from: &str,
        epoch: u64,
        commit: String,
        welcome: Option<String>,
        welcomed: &[String],
    ) {
        if let Some(at) = &mut self.at {
            at.epoch = epoch + 1;
        }
        self.log.push_back((epoch, from.to_owned(), commit.clone()));
        if self.log.len() > LOG {
            self.log.pop_front();
        }
        self.tell_members(|_| Some(ToPage::Commit { from: from.to_owned(), epoch, commit: commit.clone() }));
        for name in welcomed {
            if let (Some(peer), Some(welcome)) = (self.peers.get_mut(name), &welcome) {
                peer.is_member = true;
                peer.request = None;
                self.tell(name, ToPage::Welcome { epoch: epoch + 1, welcome: welcome.clone() });
            }
        }
    }

    fn exit(&mut self, name: &str, connection: u64) {
        // It may have come back before its old connection ended.
        if self.peers.get(name).is_none_or(|peer| peer.connection != connection) {
            return;
        }
        if self.peers.remove(name).is_some_and(|peer| peer.is_member) {
            self.away.insert(name.to_owned());
        }
        self.announce_peers();
        self.begin_if_nobody_has();
    }

    /// A member that was away has not come back.
    fn give_up(&mut self, name: &str) {
        if !self.peers.contains_key(name) {
            self.away.remove(name);
            self.begin_if_nobody_has();
        }
    }

    /// If there is no member that could add anybody, lets somebody begin a group.
    fn begin_if_nobody_has(&mut self) {
        if !self.away.is_empty() || self.peers.values().any(|peer| peer.is_member) {
            return;
        }
        self.at = None;
        self.log.clear();
        if self.creator.as_ref().is_some_and(|creator| self.peers.contains_key(creator)) {
            return;
        }
        self.creator = self.peers.keys().next().cloned();
        if let Some(creator) = self.creator.clone() {
            self.tell(&creator, ToPage::Create);
        }
    }

    fn repeat_requests(&mut self, to: &str) {
        let requests: Vec<ToPage> = self
            .peers
            .iter()
            .filter_map(|(peer, state)| {
                Some(ToPage::Join { peer: peer.clone(), request: state.request.clone()? })
            })
            .collect();
        for request in requests {
            self.tell(to, request);
        }
    }

    fn announce_peers(&mut self) {
        let peers = self.names();
        for peer in &peers {
            self.tell(peer, ToPage::Peers { peers: peers.clone() });
        }
    }

    fn tell_members(&mut self, message: impl Fn(&str) -> Option<ToPage>) {
        for name in self.names() {
            if self.peers.get(&name).is_some_and(|peer| peer.is_member)
                && let Some(message) = message(&name)
            {
                self.tell(&name, message);
            }
        }
    }

    /// Queues a message. A page that misses one would be lost: its connection is closed instead, and it comes back.
    fn tell(&mut self, name: &str, message: ToPage) {
        let Some(peer) = self.peers.get(name) else { return };
        if peer.queue.try_send(message).is_err() && self.peers.remove(name).is_some_and(|peer| peer.is_member)
        {
            self.away.insert(name.to_owned());
        }
    }

    fn names(&self) -> Vec<String> {
        self.peers.keys().cloned().collect()
    }
}

/// Letters, digits, - and _ for so many random bytes.
pub(crate) fn random_name(bytes: usize) -> Result<String> {
    let mut name = vec![0; bytes];
    getrandom::fill(&mut name).context("the system gives no random numbers")?;
    Ok(URL_SAFE_NO_PAD.encode(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page's side of its queue.
    struct Page(mpsc::Receiver<ToPage>);

    impl Page {
        /// All that has come, without the lists of who is online.
        fn read(&mut self) -> Vec<ToPage> {
            std::iter::from_fn(|| self.0.try_recv().ok())
                .filter(|message| !matches!(message, ToPage::Peers { .. }))
                .collect()
        }
    }

    fn at(epoch: u64) -> Position {
        Position { group: "group".to_owned(), epoch }
    }

    fn enter(room: &mut Room, peer: &str, at: Option<Position>) -> Page {
        let (queue, page) = mpsc::channel(2 * LOG);
        room.enter(peer, 0, at, queue);
        Page(page)
    }

    fn join(room: &mut Room, peer: &str) -> Page {
        let page = enter(room, peer, None);
        room.receive(peer, FromPage::Join { request: format!("{peer} asks") });
        page
    }

    fn commit(at: Position, welcomed: &[&str]) -> FromPage {
        let welcomed: Vec<String> = welcomed.iter().map(|&name| name.to_owned()).collect();
        FromPage::Commit { at, commit: "commit".to_owned(), welcome: Some("welcome".to_owned()), welcomed }
    }

    fn committed(from: &str, epoch: u64) -> ToPage {
        ToPage::Commit { from: from.to_owned(), epoch, commit: "commit".to_owned() }
    }

    fn asked(peer: &str) -> ToPage {
        ToPage::Join { peer: peer.to_owned(), request: format!("{peer} asks") }
    }

    /// A room with two members in epoch 1.
    fn room() -> (Room, Page, Page) {
        let mut room = Room::default();
        let mut ann = join(&mut room, "ann");
        assert_eq!(ann.read(), [ToPage::Create]);
        let mut ben = join(&mut room, "ben");
        assert_eq!(ben.read(), []);
        room.receive("ann", FromPage::Created { at: at(0) });
        assert_eq!(ann.read(), [asked("ben")]);
        room.receive("ann", commit(at(0), &["ben"]));
        assert_eq!(ann.read(), [committed("ann", 0)]);
        assert_eq!(ben.read(), [ToPage::Welcome { epoch: 1, welcome: "welcome".to_owned() }]);
        (room, ann, ben)
    }

    #[test]
    fn the_first_begins_and_adds_the_second() {
        room();
    }

    #[test]
    fn the_first_commit_of_an_epoch_wins() {
        let (mut room, mut ann, mut ben) = room();
        let mut carl = join(&mut room, "carl");
        assert_eq!((ann.read(), ben.read()), (vec![asked("carl")], vec![asked("carl")]));
        room.receive("ben", commit(at(1), &["carl"]));
        room.receive("ann", commit(at(1), &["carl"]));
        assert_eq!(ann.read(), [committed("ben", 1), ToPage::Late { epoch: 1 }]);
        assert_eq!(ben.read(), [committed("ben", 1)]);
        assert_eq!(carl.read(), [ToPage::Welcome { epoch: 2, welcome: "welcome".to_owned() }]);
    }

    #[test]
    fn a_member_that_comes_back_gets_what_it_missed() {
        let (mut room, mut ann, _ben) = room();
        room.exit("ben", 0);
        join(&mut room, "carl");
        room.receive("ann", commit(at(1), &["carl"]));
        let mut ben = enter(&mut room, "ben", Some(at(1)));
        assert_eq!(ben.read(), [committed("ann", 1)]);
        room.receive("ben", commit(at(2), &[]));
        assert_eq!(ann.read().last(), Some(&committed("ben", 2)));
    }

    #[test]
    fn after_a_restart_the_members_say_where_they_are() {
        let mut room = Room::default();
        let mut behind = enter(&mut room, "behind", Some(at(4)));
        assert_eq!(behind.read(), []);
        let mut ahead = enter(&mut room, "ahead", Some(at(5)));
        assert_eq!((behind.read(), ahead.read()), (vec![ToPage::Outdated], vec![]));
        room.receive("ahead", commit(at(5), &[]));
        assert_eq!(ahead.read(), [committed("ahead", 5)]);
        let mut other = enter(&mut room, "other", Some(Position { group: "another".to_owned(), epoch: 6 }));
        assert_eq!(other.read(), [ToPage::Outdated]);
    }

    #[test]
    fn a_log_that_does_not_reach_back_is_outdated() {
        let (mut room, _ann, _ben) = room();
        for epoch in 1..=LOG as u64 + 1 {
            room.receive("ann", commit(at(epoch), &[]));
        }
        let mut ben = enter(&mut room, "ben", Some(at(1)));
        assert_eq!(ben.read(), [ToPage::Outdated]);
        let mut ben = enter(&mut room, "ben", Some(at(2)));
        assert_eq!(ben.read().len(), LOG);
    }

    #[test]
    fn strangers_cannot_speak_for_the_group() {
        let (mut room, mut ann, _ben) = room();
        let mut carl = join(&mut room, "carl");
        ann.read();
        room.receive("carl", commit(at(1), &["carl"]));
        room.receive("carl", FromPage::Message { content: "hello".to_owned() });
        room.receive("carl", FromPage::Refuse { peer: "ann".to_owned() });
        room.receive("carl", FromPage::Created { at: at(0) });
        assert_eq!((ann.read(), carl.read()), (vec![], vec![]));
    }

    #[test]
    fn when_all_members_have_left_another_begins_anew() {
        let (mut room, _ann, _ben) = room();
        room.receive("ann", FromPage::Leave);
        room.exit("ben", 0);
        let mut carl = join(&mut room, "carl");
        assert_eq!(carl.read(), [], "ben may come back");
        room.give_up("ben");
        assert_eq!(carl.read(), [ToPage::Create]);
    }

    #[test]
    fn a_page_that_does_not_read_is_cut_off() {
        let (mut room, mut ann, ben) = room();
        for _ in 0..=2 * LOG {
            room.receive("ann", FromPage::Message { content: "hello".to_owned() });
            ann.read();
        }
        assert!(!room.peers.contains_key("ben") && room.away.contains("ben"));
        drop(ben);
    }
}
