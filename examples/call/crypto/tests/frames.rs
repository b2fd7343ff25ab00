//! Frames on the wire: their form (RFC 9605), and what a server could try with them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use call_crypto::{EpochKeys, FrameCipher, FrameError, Stream};

/// A sender at leaf 0 and a listener at leaf 1 in epoch `number`.
fn pair(number: u64) -> (FrameCipher, FrameCipher) {
    let people = [0, 1].map(|leaf| {
        let mut frames = FrameCipher::new();
        frames.add_epoch(epoch(number, leaf));
        frames.send_with_newest();
        frames
    });
    people.into()
}

fn epoch(number: u64, leaf: u32) -> EpochKeys {
    let base_key: Vec<u8> = (0..16).map(|byte| byte ^ number as u8).collect();
    EpochKeys::new(number, leaf, &base_key, vec![(0, "ann".into()), (1, "ben".into())])
}

#[test]
fn frames_of_all_streams_and_sizes_come_back() {
    let (mut ann, mut ben) = pair(7);
    for stream in Stream::ALL {
        let is_video = matches!(stream, Stream::Camera | Stream::Screen);
        for length in [0, 1, 2, 9, 10, 11, 100, 20_000] {
            // As key frames and as others, by VP8's lowest bit.
            for first in [0, 1] {
                let frame: Vec<u8> = (0..length).map(|i| if i == 0 { first } else { i as u8 }).collect();
                if is_video && length < 10 {
                    // The shortest headers of VP8 are 3 and 10 bytes.
                    assert_eq!(ann.encrypt(stream, &frame).is_err(), length < 3 || first == 0);
                    continue;
                }
                let sent = ann.encrypt(stream, &frame).unwrap();
                assert_eq!(ben.decrypt("ann", stream, &sent).unwrap(), frame, "{stream:?} {length}");
            }
        }
    }
}

#[test]
fn nothing_but_what_depacketizers_need_is_readable() {
    let (mut ann, _) = pair(7);
    let frame = [0xAA; 64];
    for (stream, first, clear) in
        [(Stream::Microphone, 0xAA, 0), (Stream::Camera, 0xAA, 10), (Stream::Screen, 0xAB, 3)]
    {
        let mut frame = frame;
        frame[0] = first;
        let sent = ann.encrypt(stream, &frame).unwrap();
        assert_eq!(sent[..clear], frame[..clear]);
        assert!(!sent[clear..].windows(3).any(|window| window == [0xAA; 3]), "{stream:?}");
    }
}

#[test]
fn frames_begin_with_key_id_and_counter() {
    let mut sender = FrameCipher::new();
    sender.add_epoch(EpochKeys::new(0x23, 1, &[0; 16], vec![(1, "ann".into())]));
    sender.send_with_newest();
    // RFC 9605, 4.3: a key id of two bytes, and the counter in the first byte, then in one of its own.
    for (counter, header) in (0u8..).zip([[0x90, 0x01, 0x23], [0x91, 0x01, 0x23]]) {
        let frame = sender.encrypt(Stream::Microphone, b"hello").unwrap();
        assert_eq!((&frame[..3], frame.len()), (&header[..], 3 + 5 + 16), "{counter}");
    }
}

#[test]
fn another_sender_stream_or_listener_is_refused() {
    let (mut ann, mut ben) = pair(7);
    let sent = ann.encrypt(Stream::Microphone, b"hello").unwrap();
    assert_eq!(ben.decrypt("ben", Stream::Microphone, &sent), Err(FrameError::Misplaced));
    assert_eq!(ben.decrypt("ann", Stream::ScreenSound, &sent), Err(FrameError::Misplaced));
    assert_eq!(ben.decrypt("carl", Stream::Microphone, &sent), Err(FrameError::Misplaced));
    assert!(ben.decrypt("ann", Stream::Microphone, &sent).is_ok());
}

#[test]
fn changed_bytes_are_refused() {
    let (mut ann, mut ben) = pair(7);
    for stream in [Stream::Microphone, Stream::Camera] {
        let sent = ann.encrypt(stream, &[1; 40]).unwrap();
        for at in 0..sent.len() {
            for bit in 0..8 {
                let mut changed = sent.clone();
                changed[at] ^= 1 << bit;
                assert!(ben.decrypt("ann", stream, &changed).is_err(), "{stream:?}, byte {at}");
            }
            assert!(ben.decrypt("ann", stream, &sent[..at]).is_err(), "{stream:?}, cut at {at}");
        }
        assert!(ben.decrypt("ann", stream, &sent).is_ok(), "the forgeries did not harm it");
    }
}

#[test]
fn a_frame_is_taken_once() {
    let (mut ann, mut ben) = pair(7);
    let frames: Vec<_> = (0..10).map(|_| ann.encrypt(Stream::Microphone, b"hello").unwrap()).collect();
    for frame in frames.iter().rev() {
        assert!(ben.decrypt("ann", Stream::Microphone, frame).is_ok(), "in any order");
    }
    for frame in &frames {
        assert_eq!(ben.decrypt("ann", Stream::Microphone, frame), Err(FrameError::Repeated));
    }
}

#[test]
fn plaintext_is_foreign_and_nothing_is_sent_without_a_key() {
    let (_, mut ben) = pair(7);
    for length in 0..200 {
        let frame: Vec<u8> = (0..length).map(|i| (i * 37 + 0x78) as u8).collect();
        assert!(ben.decrypt("ann", Stream::Microphone, &frame).is_err());
    }
    let mut alone = FrameCipher::new();
    assert_eq!(alone.encrypt(Stream::Microphone, b"hello"), Err(FrameError::NoKey));
    alone.add_epoch(epoch(1, 0));
    assert_eq!(alone.encrypt(Stream::Microphone, b"hello"), Err(FrameError::NoKey));
}

#[test]
fn epochs_overlap_until_they_are_forgotten() {
    let (mut ann, mut ben) = pair(254);
    for number in 255..260 {
        let old = ann.encrypt(Stream::Microphone, b"old").unwrap();
        let late = ann.encrypt(Stream::Microphone, b"late").unwrap();
        ann.add_epoch(epoch(number, 0));
        ben.add_epoch(epoch(number, 1));
        assert!(ben.decrypt("ann", Stream::Microphone, &old).is_ok(), "{number}: what was on its way");
        ann.send_with_newest();
        let new = ann.encrypt(Stream::Microphone, b"new").unwrap();
        assert!(ben.decrypt("ann", Stream::Microphone, &new).is_ok(), "{number}");
        ben.forget_before(number);
        assert_eq!(ben.decrypt("ann", Stream::Microphone, &late), Err(FrameError::Foreign), "{number}");
        assert_eq!(ben.decrypt("ann", Stream::Microphone, &new), Err(FrameError::Repeated), "{number}");
    }
}

/// Beginning an epoch again would use its counters twice, which breaks AES-GCM.
#[test]
fn an_epoch_never_begins_again() {
    let (mut ann, mut ben) = pair(7);
    let first = ann.encrypt(Stream::Microphone, b"first").unwrap();
    ann.add_epoch(epoch(7, 0));
    ann.send_with_newest();
    let second = ann.encrypt(Stream::Microphone, b"second").unwrap();
    assert_ne!(first[1..4], second[1..4]);
    assert!(ben.decrypt("ann", Stream::Microphone, &first).is_ok());
    assert!(ben.decrypt("ann", Stream::Microphone, &second).is_ok());
}
