//! Which part of an MP4 track is to be heard: its edit list (ISO/IEC 14496-12, 8.6.6), which the demuxer leaves aside.

use std::io::{self, Read, Seek, SeekFrom};

/// Boxes are looked for at most this often, so that a hostile file cannot keep the search busy.
const MOST_BOXES: u32 = 4096;

/// The first edit of a track that is not silence.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Edit {
    /// Where it starts, in units of the media, which for sound are frames.
    pub(crate) start: u64,
    /// How long it lasts in seconds, and how exact that is; `None` for up to the end.
    pub(crate) seconds: Option<(f64, f64)>,
}

/// The edit of the track with this number, if the file has one that can be read.
pub(crate) fn edit(source: &mut (impl Read + Seek), track: u32) -> Option<Edit> {
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
        let number = search.behind_times(header.start)?;
        if number != u64::from(track) {
            continue;
        }
        let edits = search.find(trak, *b"edts")?;
        let list = search.find(edits, *b"elst")?;
        let wide = search.version(list.start)? == 1;
        let size = if wide { 8 } else { 4 };
        let entries = search.number(list.start + 4, 4)?.min(16);
        for entry in 0..entries {
            let at = list.start + 8 + entry * (2 * size + 4);
            let duration = search.number(at, size)?;
            let start = search.number(at + size, size)?;
            // -1 stands for silence before the sound.
            if start >= 1 << (8 * size - 1) {
                continue;
            }
            let tick = 1.0 / timescale.max(1) as f64;
            return Some(Edit {
                start,
                seconds: Some((duration as f64 * tick, tick)).filter(|_| duration > 0),
            });
        }
        return None;
    }
}

struct Search<'a, S> {
    source: &'a mut S,
    boxes: u32,
}

impl<S: Read + Seek> Search<'_, S> {
    /// The body of the first box of this kind in a range of the file.
    fn find(&mut self, within: std::ops::Range<u64>, kind: [u8; 4]) -> Option<std::ops::Range<u64>> {
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
        let found = edit(&mut Cursor::new(movie(&[(500, -1), (1235, 1024)])), 7);
        assert_eq!(found, Some(Edit { start: 1024, seconds: Some((1.235, 0.001)) }));
        assert_eq!(edit(&mut Cursor::new(movie(&[(0, 2112)])), 7), Some(Edit { start: 2112, seconds: None }));
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
