//! Streams in and out, parts of files, and what FLAC cannot hold.

mod common;

use std::io::{Cursor, Read, Write};
use std::sync::{Arc, Mutex};

use common::tools::{pass, read};
use common::{Wav, extensible, fmt, folder, put};
use sourdine_soundfile::{
    Notice, Overwrite, RawSpec, SampleFormat, SoundErrorKind, SoundReader, SoundRewriter, SoundWriter,
};

/// Keeps what is written into it.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<Vec<u8>>>);

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("one thread").extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Pipe {
    fn bytes(&self) -> Vec<u8> {
        self.0.lock().expect("one thread").clone()
    }
}

/// Gives at most `step` bytes at a time, as pipes do.
struct Dribble(Cursor<Vec<u8>>, usize);

impl Read for Dribble {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let step = out.len().min(self.1);
        self.0.read(&mut out[..step])
    }
}

fn through(reader: SoundReader) -> Vec<u8> {
    let pipe = Pipe::default();
    let spec = reader.spec();
    let mut rewriter = SoundRewriter::to_stream(reader, Box::new(pipe.clone())).expect("a pipe");
    let mut block = vec![0.0; 100 * usize::from(spec.channels)];
    let mut written = 0;
    loop {
        let frames = rewriter.read(&mut block).expect("memory");
        if frames == 0 {
            rewriter.finish().expect("a pipe");
            return pipe.bytes();
        }
        written += frames * spec.frame_bytes();
        rewriter.write(&block[..frames * usize::from(spec.channels)]).expect("a pipe");
        assert!(pipe.bytes().len() >= written, "it is held back");
    }
}

fn all_formats() -> Vec<Wav> {
    let mut all: Vec<Wav> = common::FORMATS
        .iter()
        .flat_map(|&format| [1, 3].map(|channels| Wav::new(format, channels, 777)))
        .collect();
    for tag in [6, 7] {
        let mut wav = Wav::new(SampleFormat::U8, 1, 777);
        wav.fmt = fmt(tag, 1, 8_000, 8);
        all.push(wav);
    }
    // 20 bits in 24, of which all are used.
    all.push(Wav { fmt: extensible(1, 2, 44_100, 24, 20), ..Wav::new(SampleFormat::I24, 2, 777) });
    all
}

#[test]
fn a_file_comes_out_of_a_pipe_with_all_its_chunks() {
    let folder = folder();
    for format in [SampleFormat::I16, SampleFormat::F32] {
        let bytes = Wav::new(format, 2, 1000).with_chunks().bytes();
        let reader = SoundReader::open(&put(&folder, "in.wav", &bytes)).expect("a WAV file");
        assert!(through(reader) == bytes, "{format}");
    }
}

#[test]
fn wav_streams_come_out_byte_for_byte() {
    for wav in all_formats() {
        for step in [1, 7, 100_000] {
            let bytes = wav.clone().with_chunks().bytes();
            let source = Dribble(Cursor::new(bytes.clone()), step);
            let reader = SoundReader::from_stream(Box::new(source), "a pipe").expect("a WAV");
            assert_eq!(reader.frames(), Some(777));
            assert!(through(reader) == bytes, "{:?} by {step}", wav.fmt);
        }
    }
}

#[test]
fn streams_of_unknown_length() {
    let sound = Wav::new(SampleFormat::I16, 2, 500);
    let plain = [0, u32::MAX, 0x7FFF_FFFF]
        .map(|size| Wav { data_size: Some(size), riff_size: Some(u32::MAX), ..sound.clone() }.bytes());
    // The sizes of RF64 are in `ds64`, which ffmpeg leaves at 0.
    let large = [0, u64::MAX].map(|size| {
        let mut bytes = Wav { magic: *b"RF64", ..sound.clone() }.bytes();
        bytes[20..28].copy_from_slice(&size.to_le_bytes());
        bytes[28..36].copy_from_slice(&size.to_le_bytes());
        bytes
    });
    for bytes in plain.into_iter().chain(large) {
        let reader = SoundReader::from_stream(Box::new(Cursor::new(bytes.clone())), "a pipe").expect("a WAV");
        // Whoever writes into a pipe cannot know the length: nothing to notice.
        assert_eq!((reader.frames(), reader.notices()), (None, &[][..]));
        assert!(through(reader) == bytes);

        // Into a file, the length is put right.
        let folder = folder();
        let reader = SoundReader::from_stream(Box::new(Cursor::new(bytes)), "a pipe").expect("a WAV");
        let output = folder.path().join("out.wav");
        let mut rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse).expect("a file");
        let mut block = vec![0.0; 2000];
        let frames = rewriter.read(&mut block).expect("memory");
        rewriter.write(&block[..frames * 2]).expect("a file");
        rewriter.finish().expect("a file");
        let (samples, again) = read(&output);
        assert_eq!((samples.len(), again.frames(), again.notices()), (1000, Some(500), &[][..]));
    }
}

#[test]
fn raw_samples_come_out_byte_for_byte() {
    for name in [
        "u8", "s8", "s16le", "s16be", "s24le", "s24be", "s32le", "s32be", "f32le", "f32be", "f64le", "f64be",
        "alaw", "mulaw",
    ] {
        let raw: RawSpec = format!("{name}:16000:2").parse().expect("a format");
        let format = raw.spec().format;
        let mut bytes = common::noise(format, 2 * 500);
        if name.ends_with("be") {
            bytes.chunks_exact_mut(format.bytes()).for_each(<[u8]>::reverse);
        }
        let source = Box::new(Dribble(Cursor::new(bytes.clone()), 13));
        assert!(through(SoundReader::raw(source, raw, "a pipe").expect("raw")) == bytes, "{name}");
    }
}

#[test]
fn a_closed_pipe() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let bytes = Wav::new(SampleFormat::I16, 1, 10).bytes();
    let reader = SoundReader::from_stream(Box::new(Cursor::new(bytes)), "a pipe").expect("a WAV");
    let mut rewriter = SoundRewriter::to_stream(reader, Box::new(Closed)).expect("nothing is written yet");
    let error = rewriter.write(&[0.0; 10]).expect_err("the other end was closed");
    assert_eq!(error.kind(), SoundErrorKind::OutputClosed);
}

#[test]
fn wav_to_flac_and_into_a_pipe() {
    let folder = folder();
    let input = put(&folder, "in.wav", &Wav::new(SampleFormat::I24, 2, 9_000).bytes());
    let flac = folder.path().join("out.flac");
    pass(&input, &flac, 2).expect("FLAC");
    let reader = SoundReader::open(&flac).expect("FLAC");
    assert_eq!((reader.frames(), reader.spec().format), (Some(9_000), SampleFormat::I24));
    // A pipe gets a header that states the length, since FLAC does.
    let bytes = through(reader);
    let mut again = SoundReader::from_stream(Box::new(Cursor::new(bytes)), "a pipe").expect("a WAV");
    assert_eq!((again.frames(), again.notices()), (Some(9_000), &[][..]));
    let mut samples = vec![0.0; 18_000];
    let mut done = 0;
    while done < samples.len() {
        done += 2 * again.read(&mut samples[done..]).expect("memory");
    }
    assert!(samples == read(&input).0);
}

#[test]
fn what_flac_cannot_hold() {
    let folder = folder();
    let float = put(&folder, "float.wav", &Wav::new(SampleFormat::F32, 1, 100).bytes());
    let reader = SoundReader::open(&float).expect("a WAV");
    let output = folder.path().join("out.flac");
    let rewriter = SoundRewriter::create(reader, &output, Overwrite::Refuse).expect("FLAC");
    assert_eq!(
        rewriter.output_notices(),
        [Notice::FewerBits { from: SampleFormat::F32, to: SampleFormat::I24 }]
    );
    let wide = put(&folder, "wide.wav", &Wav::new(SampleFormat::I16, 9, 100).bytes());
    let error = SoundRewriter::create(SoundReader::open(&wide).expect("a WAV"), &output, Overwrite::Refuse)
        .expect_err("nine channels");
    assert!(matches!(error.kind(), SoundErrorKind::NotForFlac { channels: 9, .. }));
    let error = SoundRewriter::create(
        SoundReader::open(&float).expect("a WAV"),
        &folder.path().join("out.mp3"),
        Overwrite::Refuse,
    )
    .expect_err("MP3");
    assert_eq!(error.kind(), SoundErrorKind::OutputKind);
    assert!(error.to_string().contains(".wav") && error.to_string().contains(".flac"));
}

#[test]
fn a_part_keeps_the_format_and_the_title() {
    let folder = folder();
    let wav = Wav { fmt: extensible(1, 6, 48_000, 24, 20), ..Wav::new(SampleFormat::I24, 6, 1_000) };
    let input = put(&folder, "in.wav", &wav.with_chunks().bytes());
    let mut reader = SoundReader::open(&input).expect("a WAV");
    let output = folder.path().join("part.wav");
    let mut writer = SoundWriter::create_part(&reader, &output, Overwrite::Refuse).expect("a WAV");
    let mut samples = vec![0.0; 6 * 300];
    reader.read(&mut samples).expect("a file");
    writer.write(&samples).expect("a file");
    writer.finish().expect("a file");
    let bytes = std::fs::read(&output).expect("a file");
    let has = |what: &[u8]| bytes.windows(what.len()).any(|found| found == what);
    assert!(has(&extensible(1, 6, 48_000, 24, 20)) && has(b"INFOISFT\x05\0\0\0mine"));
    assert!(!has(b"bext") && !has(b"cue ") && !has(b"smpl") && !has(b"iXML"));
    let (_, again) = read(&output);
    assert_eq!((again.frames(), again.notices()), (Some(300), &[][..]));
}

#[test]
fn reader_and_writer_can_go_to_other_threads() {
    fn check<T: Send>() {}
    check::<SoundReader>();
    check::<SoundRewriter>();
    check::<SoundWriter>();
}
