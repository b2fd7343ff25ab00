//! Reads what the MP4 demuxer ignores: which part of a track is to be played (the edit list, ISO/IEC 14496-12, 8.6.6), and
//! how long it is.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;

/// Boxes are looked for at most this often, so that a hostile file cannot keep the search busy.
const MOST_BOXES: u32 = 4096;

/// The first edit of a track that is not silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Edit {
    /// Silence before it, in seconds.
    pub(crate) silence: f64,
    /// Its start, in units of the media, which for sound are frames.
    pub(crate) start: u64,
    /// Its length in seconds and the precision of that; `None` for up to the end.
    pub(crate) seconds: Option<(f64, f64)>,
}

/// The edit of the track with this number, if the file has one that can be read.
pub(crate) fn edit(source: &mut (impl Read + Seek), track: u32) -> Option<Edit> {
    let (mut search, timescale, trak) = self::track(source, track)?;
    let edits = search.find(trak, *b"edts")?;
    let list = search.find(edits, *b"elst")?;
    let wide = search.version(list.start)? == 1;
    let size = if wide { 8 } else { 4 };
    let entries = search.number(list.start + 4, 4)?.min(16);
    let tick = 1.0 / timescale.max(1) as f64;
    let mut silence = 0.0;
    for entry in 0..entries {
        let at = list.start + 8 + entry * (2 * size + 4);
        let duration = search.number(at, size)?;
        let start = search.number(at + size, size)?;
        // -1 stands for silence before the sound.
        if start >= 1 << (8 * size - 1) {
            silence += duration as f64 * tick;
            continue;
        }
        let seconds = Some((duration as f64 * tick, tick)).filter(|_| duration > 0);
        return Some(Edit { silence, start, seconds });
    }
    None
}

/// Counts the packets of the track with this number, if its own table lists them.
pub(crate) fn packets(source: &mut (impl Read + Seek), track: u32) -> Option<u64> {
    let (mut search, _, trak) = self::track(source, track)?;
    let mut table = trak;
    for kind in [b"mdia", b"minf", b"stbl", b"stsz"] {
        table = search.find(table, *kind)?;
    }
    search.number(table.start + 8, 4).filter(|count| *count > 0)
}

/// How long the file must be for its sound to be whole, if all that is cut off is sound: the box of it, which is the last.
pub(crate) fn stated_length(source: &mut (impl Read + Seek)) -> Option<u64> {
    let end = source.seek(SeekFrom::End(0)).ok()?;
    let mut search = Search { source, boxes: 0 };
    let mut at = 0;
    let mut name = 0;
    while at < end && search.boxes < MOST_BOXES {
        search.boxes += 1;
        name = search.number(at + 4, 4)?;
        at = match search.number(at, 4)? {
            0 => return None,
            1 => at.checked_add(search.number(at + 8, 8)?.max(16))?,
            size => at + size.max(8),
        };
    }
    (name == u64::from(u32::from_be_bytes(*b"mdat")) && at > end).then_some(at)
}

/// Whether the fragments state more samples than the file has bytes. The demuxer would count them one by one, and a sample
/// has a byte or more (ISO/IEC 14496-12, 8.8.8).
pub(crate) fn fragments_overflow(source: &mut (impl Read + Seek)) -> bool {
    let Ok(end) = source.seek(SeekFrom::End(0)) else { return false };
    let mut samples: u64 = 0;
    let mut at = 0;
    while let Some(fragment) = (Search { source, boxes: 0 }).find(at..end, *b"moof") {
        at = fragment.end;
        let mut search = Search { source, boxes: 0 };
        let mut tracks = fragment;
        while let Some(track) = search.find(tracks.clone(), *b"traf") {
            tracks.start = track.end;
            let mut runs = track;
            while let Some(run) = search.find(runs.clone(), *b"trun") {
                runs.start = run.end;
                samples = samples.saturating_add(search.number(run.start + 4, 4).unwrap_or(0));
            }
        }
        if samples > end {
            return true;
        }
    }
    false
}

/// The track with this number, and the units of time of the whole film in a second.
fn track<S: Read + Seek>(source: &mut S, track: u32) -> Option<(Search<'_, S>, u64, Range<u64>)> {
    let end = source.seek(SeekFrom::End(0)).ok()?;
    let mut search = Search { source, boxes: 0 };
    let movie = search.find(0..end, *b"moov")?;
    let header = search.find(movie.clone(), *b"mvhd")?;
    let timescale = search.behind_times(header.start)?;
    let mut rest = movie;
    loop {
        let trak = search.find(rest.clone(), *b"trak")?;
        rest.start = trak.end;
        let header = search.find(trak.clone(), *b"tkhd")?;
        if search.behind_times(header.start)? == u64::from(track) {
            return Some((search, timescale, trak));
        }
    }
}

struct Search<'a, S> {
    source: &'a mut S,
    boxes: u32,
}

impl<S: Read + Seek> Search<'_, S> {
    /// The body of the first box of this kind in a range of the file.
    fn find(&mut self, within: Range<u64>, kind: [u8; 4]) -> Option<Range<u64>> {
        let mut at = within.start;
        while at.checked_add(8)? <= within.end && self.boxes < MOST_BOXES {
            self.boxes += 1;
            let mut name = [0; 4];
            let mut size = self.number(at, 4)?;
            self.source.read_exact(&mut name).ok()?;
            let mut body = at + 8;
            match size {
                0 => size = within.end - at,
                1 => {
                    size = self.number(body, 8)?;
                    body += 8;
                }
                _ => {}
            }
            let end = at.checked_add(size)?.min(within.end);
            if end < body {
                return None;
            }
            if name == kind {
                return Some(body..end);
            }
            at = end;
        }
        None
    }

    /// The number that follows the two times at the start of a header, which are longer in its version 1.
    fn behind_times(&mut self, header: u64) -> Option<u64> {
        let offset = if self.version(header)? == 1 { 20 } else { 12 };
        self.number(header + offset, 4)
    }

    fn version(&mut self, at: u64) -> Option<u64> {
        self.number(at, 1)
    }

    /// A big-endian number of `size` bytes.
    fn number(&mut self, at: u64, size: u64) -> Option<u64> {
        let mut bytes = [0; 8];
        let read: io::Result<()> = self
            .source
            .seek(SeekFrom::Start(at))
            .and_then(|_| self.source.read_exact(&mut bytes[8 - size as usize..]));
        read.ok().map(|()| u64::from_be_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn atom(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        [&(body.len() as u32 + 8).to_be_bytes()[..], kind, body].concat()
    }

    fn movie(edits: &[(u32, i32)]) -> Vec<u8> {
        let mut mvhd = vec![0; 12];
        mvhd.extend(1000_u32.to_be_bytes());
        let mut tkhd = vec![0; 12];
        tkhd.extend(7_u32.to_be_bytes());
        let mut elst = vec![0; 4];
        elst.extend((edits.len() as u32).to_be_bytes());
        for (duration, start) in edits {
            elst.extend(duration.to_be_bytes());
            elst.extend(start.to_be_bytes());
            elst.extend([0, 1, 0, 0]);
        }
        let trak = [atom(b"tkhd", &tkhd), atom(b"edts", &atom(b"elst", &elst))].concat();
        let moov = [atom(b"mvhd", &mvhd), atom(b"trak", &trak)].concat();
        [atom(b"ftyp", b"M4A "), atom(b"moov", &moov)].concat()
    }

    #[test]
    fn the_first_edit_with_sound() {
        let found = edit(&mut Cursor::new(movie(&[(500, -1), (250, -1), (1235, 1024)])), 7);
        assert_eq!(found, Some(Edit { silence: 0.75, start: 1024, seconds: Some((1.235, 0.001)) }));
        let open = Some(Edit { silence: 0.0, start: 2112, seconds: None });
        assert_eq!(edit(&mut Cursor::new(movie(&[(0, 2112)])), 7), open);
    }

    #[test]
    fn fragments_with_more_samples_than_bytes_overflow() {
        let fragment = |samples: u32| {
            let run = atom(b"trun", &[[0; 4], samples.to_be_bytes()].concat());
            atom(b"moof", &atom(b"traf", &[atom(b"tfhd", &[0; 8]), run].concat()))
        };
        let overflow = |bytes: Vec<u8>| fragments_overflow(&mut Cursor::new(bytes));
        assert!(!overflow(Vec::new()));
        assert!(!overflow([fragment(30), fragment(30)].concat()));
        assert!(overflow([fragment(30), fragment(100)].concat()));
        assert!(overflow(fragment(u32::MAX)));
    }

    #[test]
    fn no_edit_no_track_no_movie() {
        assert_eq!(edit(&mut Cursor::new(movie(&[])), 7), None);
        assert_eq!(edit(&mut Cursor::new(movie(&[(1, 1)])), 8), None);
        let whole = movie(&[(1235, 1024)]);
        for length in 0..whole.len() - 4 {
            assert_eq!(edit(&mut Cursor::new(&whole[..length]), 7), None, "cut at {length}");
        }
    }
}
