//! The life of a group: who gets in, who does not, and what those who left or have not come yet can read.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use call_crypto::{Commit, Error, FrameCipher, FrameError, Invite, Member, Received, Stream};

const VOICE: Stream = Stream::Microphone;

/// A member with its frames' side.
struct Person {
    member: Member,
    frames: FrameCipher,
}

impl Person {
    fn new(invite: &Invite, name: &str) -> Self {
        Self { member: Member::new(invite.clone(), name).unwrap(), frames: FrameCipher::new() }
    }

    /// Takes over the keys of the epoch that has begun.
    fn turn(&mut self) {
        self.frames.add_epoch(self.member.epoch_keys().unwrap());
        self.frames.send_with_newest();
    }

    fn accept(&mut self) {
        self.member.accepted().unwrap();
        self.turn();
    }

    fn follow(&mut self, commit: &Commit) {
        assert_eq!(self.member.receive(&commit.commit).unwrap(), Received::Epoch);
        self.turn();
    }

    fn enter(&mut self, commit: &Commit) {
        self.member.join(commit.welcome.as_ref().unwrap()).unwrap();
        self.turn();
    }

    fn epoch(&self) -> u64 {
        self.member.position().unwrap().1
    }
}

/// `count` people in a group, each of whom the first has added.
fn group(count: usize) -> (Invite, Vec<Person>) {
    let invite = Invite::generate("room").unwrap();
    let mut people = vec![Person::new(&invite, "0")];
    people[0].member.create().unwrap();
    people[0].turn();
    for number in 1..count {
        let mut joiner = Person::new(&invite, &number.to_string());
        let request = joiner.member.join_request().unwrap();
        let commit = people[0].member.commit(&[request], &[]).unwrap();
        people[0].accept();
        people[1..].iter_mut().for_each(|person| person.follow(&commit));
        joiner.enter(&commit);
        people.push(joiner);
    }
    (invite, people)
}

#[test]
fn all_members_hear_each_other_and_see_one_safety_code() {
    let (_, mut people) = group(5);
    let code = people[0].member.safety_code().unwrap();
    for speaker in 0..5 {
        assert_eq!(people[speaker].member.safety_code().unwrap(), code);
        let frame = people[speaker].frames.encrypt(VOICE, b"hello").unwrap();
        for listener in (0..5).filter(|&listener| listener != speaker) {
            let heard = people[listener].frames.decrypt(&speaker.to_string(), VOICE, &frame);
            assert_eq!(heard.as_deref(), Ok(b"hello".as_slice()), "{speaker} to {listener}");
        }
    }
}

#[test]
fn a_joiner_hears_nothing_of_what_came_before() {
    let (invite, mut people) = group(2);
    let before = people[0].frames.encrypt(VOICE, b"before").unwrap();
    let mut joiner = Person::new(&invite, "late");
    let request = joiner.member.join_request().unwrap();
    let commit = people[0].member.commit(&[request], &[]).unwrap();
    people[0].accept();
    people[1].follow(&commit);
    joiner.enter(&commit);
    assert_eq!(joiner.frames.decrypt("0", VOICE, &before), Err(FrameError::Foreign));
    let after = people[0].frames.encrypt(VOICE, b"after").unwrap();
    assert_eq!(joiner.frames.decrypt("0", VOICE, &after).as_deref(), Ok(b"after".as_slice()));
    assert_eq!(
        people[1].frames.decrypt("0", VOICE, &before).as_deref(),
        Ok(b"before".as_slice()),
        "frames on their way"
    );
}

#[test]
fn who_has_left_neither_hears_nor_is_heard() {
    let (_, mut people) = group(3);
    let code = people[0].member.safety_code().unwrap();
    let mut gone = people.pop().unwrap();
    let commit = people[0].member.commit(&[], &["2".to_owned()]).unwrap();
    people[0].accept();
    people[1].follow(&commit);
    assert_ne!(people[0].member.safety_code().unwrap(), code);

    // With all that it had, and the message that removed it.
    let after = people[0].frames.encrypt(VOICE, b"after").unwrap();
    assert_eq!(gone.frames.decrypt("0", VOICE, &after), Err(FrameError::Foreign));
    assert_eq!(gone.member.receive(&commit.commit).unwrap(), Received::Removed);
    assert!(gone.member.epoch_keys().is_err());

    let last_words = gone.frames.encrypt(VOICE, b"still here").unwrap();
    assert_eq!(people[0].frames.decrypt("2", VOICE, &last_words), Err(FrameError::Misplaced));
}

#[test]
fn who_has_left_can_come_back_at_the_same_leaf() {
    let (invite, mut people) = group(3);
    people.pop();
    let commit = people[0].member.commit(&[], &["2".to_owned()]).unwrap();
    people[0].accept();
    people[1].follow(&commit);
    let mut back = Person::new(&invite, "2");
    let request = back.member.join_request().unwrap();
    // By the other one this time: anybody can.
    let commit = people[1].member.commit(&[request], &[]).unwrap();
    people[1].accept();
    people[0].follow(&commit);
    back.enter(&commit);
    let frame = back.frames.encrypt(VOICE, b"back").unwrap();
    for person in &mut people {
        assert_eq!(person.frames.decrypt("2", VOICE, &frame).as_deref(), Ok(b"back".as_slice()));
    }
}

#[test]
fn a_wrong_link_is_not_let_in() {
    let (_, mut people) = group(2);
    let stranger = Person::new(&Invite::generate("room").unwrap(), "stranger");
    let request = stranger.member.join_request().unwrap();
    assert!(matches!(people[0].member.check_request(&request), Err(Error::NotInvited)));
    assert!(matches!(people[0].member.commit(&[request], &[]), Err(Error::NotInvited)));
    assert_eq!(people[0].epoch(), 1);
}

/// The server knows requests that were valid, and may be in league with a member's former self; without the link's secret it
/// gets no keys even if a member adds it.
#[test]
fn without_the_links_secret_a_welcome_is_of_no_use() {
    let room = "room";
    let real = Invite::generate(room).unwrap();
    let mut inside = Person::new(&real, "inside");
    inside.member.create().unwrap();
    let mut outside = Person::new(&Invite::generate(room).unwrap(), "outside");
    // The key package of one who does not know the secret, with a code as if it did.
    let request = outside.member.join_request().unwrap();
    let forged = real_seal(&real, &request[32..]);
    let commit = inside.member.commit(&[forged], &[]).unwrap();
    assert!(outside.member.join(commit.welcome.as_ref().unwrap()).is_err());
}

/// What [`Invite`] does inside the crate: HMAC-SHA-256 under a key that HKDF makes of the secret.
fn real_seal(invite: &Invite, key_package: &[u8]) -> Vec<u8> {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    use hmac::{Hmac, Mac};
    use sha2::Sha256;
    let secret = URL_SAFE_NO_PAD.decode(invite.fragment()).unwrap();
    let mut key = [0; 32];
    hkdf::Hkdf::<Sha256>::new(Some(b"room"), &secret).expand(b"sourdine call 1 admission", &mut key).unwrap();
    let mut code = <Hmac<Sha256> as Mac>::new_from_slice(&key).unwrap();
    code.update(key_package);
    [&code.finalize().into_bytes()[..], key_package].concat()
}

#[test]
fn what_is_not_encrypted_by_a_member_is_refused() {
    let (invite, mut people) = group(2);
    let outside = Person::new(&invite, "outside");
    // A key package, though valid, does not come in this way; nor does anything else in the clear, or noise.
    let request = outside.member.join_request().unwrap();
    assert!(matches!(people[0].member.receive(&request[32..]), Err(Error::NotA(_))));
    assert!(people[0].member.receive(b"noise").is_err());
    // Nor do messages of another group.
    let (_, mut others) = group(2);
    let message = others[0].member.message(b"hello").unwrap();
    assert!(people[0].member.receive(&message).is_err());
    assert_eq!(people[0].epoch(), 1);
}

#[test]
fn of_two_commits_in_one_epoch_the_first_counts() {
    let (invite, mut people) = group(2);
    let mut joiners = [Person::new(&invite, "2"), Person::new(&invite, "3")];
    let requests = joiners.each_ref().map(|joiner| joiner.member.join_request().unwrap());
    let first = people[0].member.commit(&requests[..1], &[]).unwrap();
    let second = people[1].member.commit(&requests[1..], &[]).unwrap();
    assert_eq!(first.epoch, second.epoch);

    // The server has ordered them so.
    people[0].accept();
    people[1].member.discard();
    people[1].follow(&first);
    joiners[0].enter(&first);
    assert!(people[0].member.receive(&second.commit).is_err(), "the late one changes nothing");

    let again = people[1].member.commit(&requests[1..], &[]).unwrap();
    people[1].accept();
    people[0].follow(&again);
    joiners[0].follow(&again);
    joiners[1].enter(&again);
    let code = people[0].member.safety_code().unwrap();
    assert!(people.iter().chain(&joiners).all(|person| person.member.safety_code().unwrap() == code));
}

#[test]
fn messages_come_from_whom_they_say() {
    let (_, mut people) = group(3);
    let message = people[1].member.message(b"muted").unwrap();
    let expected = Received::Message { peer: "1".to_owned(), content: b"muted".to_vec() };
    for listener in [0, 2] {
        assert_eq!(people[listener].member.receive(&message).unwrap(), expected);
    }
    assert!(people[0].member.receive(&message).is_err(), "once only");
}
