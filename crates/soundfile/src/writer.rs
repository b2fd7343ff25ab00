//! Writes sound as WAV or FLAC: headers made for it, samples that come from the caller.

use std::fmt;
use std::io::Write;
use std::path::Path;

use crate::error::{SoundError, SoundErrorKind};
use crate::formats::FlacWriter;
use crate::fresh::{FreshWriter, Plan};
use crate::header;
use crate::notice::Notice;
use crate::originals::Originals;
use crate::output::{Overwrite, Target};
use crate::raw::ByteOrder;
use crate::sample_writer::{Coding, SampleWriter};
use crate::sound::{Input, SoundReader};

/// Writes a part of what a [`SoundReader`] reads; [`SoundRewriter`](crate::SoundRewriter) writes the whole.
///
/// Whatever states a time would be wrong and is left out: of WAV everything but the format and LIST/INFO (bext, iXML,
/// cue, smpl and the like), of FLAC the cue sheet. Samples of 32-bit integer and 64-bit float go through `f32`.
///
/// The file has its name only after [`finish`](Self::finish); until then it is a temporary one in the same folder, deleted
/// when the writer is dropped.
pub struct SoundWriter(Format);

enum Format {
    Wav(Box<FreshWriter>),
    Flac(Box<FlacWriter>),
}

impl SoundWriter {
    /// Starts a file for a part of `source`, as FLAC or WAV by its name, as [`SoundRewriter::create`] does.
    ///
    /// # Errors
    /// As [`SoundRewriter::create`].
    ///
    /// [`SoundRewriter::create`]: crate::SoundRewriter::create
    pub fn create_part(
        source: &SoundReader,
        output: &Path,
        overwrite: Overwrite,
    ) -> Result<Self, SoundError> {
        Self::create(source, output, overwrite, false)
    }

    /// Starts a file; `whole` says that all of `source` follows.
    pub(crate) fn create(
        source: &SoundReader,
        output: &Path,
        overwrite: Overwrite,
        whole: bool,
    ) -> Result<Self, SoundError> {
        check_name(output)?;
        let target = Target::check(source, output, overwrite)?;
        if is_flac_name(output) {
            let flac = FlacWriter::create(source, target, whole)?;
            return Ok(Self(Format::Flac(Box::new(flac))));
        }
        let attributes = source.attributes();
        let plan = plan(source, whole, true);
        Self::wav(SampleWriter::create(target, attributes, plan.coding)?, plan)
    }

    /// Starts writing all of `source` into a stream; `named` is its name in errors.
    pub(crate) fn to_stream(
        source: &SoundReader,
        named: &Path,
        stream: Box<dyn Write + Send>,
    ) -> Result<Self, SoundError> {
        let plan = plan(source, true, false);
        Self::wav(SampleWriter::to_stream(named, stream, plan.coding), plan)
    }

    pub(crate) fn is_flac(&self) -> bool {
        matches!(self.0, Format::Flac(_))
    }

    fn wav(out: SampleWriter, plan: Plan) -> Result<Self, SoundError> {
        FreshWriter::start(out, plan).map(|wav| Self(Format::Wav(Box::new(wav))))
    }

    /// Writes the next frames, interleaved, full scale ±1.0.
    ///
    /// # Errors
    /// [`SoundErrorKind::BlockLength`] if the block is not whole frames; and those of writing.
    pub fn write(&mut self, interleaved: &[f32]) -> Result<(), SoundError> {
        self.write_with(interleaved, &mut Originals::unneeded())
    }

    /// As [`write`](Self::write); a sample that equals its original keeps the bytes of that.
    pub(crate) fn write_with(
        &mut self,
        interleaved: &[f32],
        originals: &mut Originals,
    ) -> Result<(), SoundError> {
        match &mut self.0 {
            Format::Wav(wav) => wav.write(interleaved, originals),
            Format::Flac(flac) => flac.write(interleaved),
        }
    }

    /// Lists what the output cannot hold of the input.
    pub fn notices(&self) -> &[Notice] {
        match &self.0 {
            Format::Flac(flac) => flac.notices(),
            Format::Wav(_) => &[],
        }
    }

    /// Completes the output and gives it its name.
    ///
    /// # Errors
    /// [`SoundErrorKind::OutputExists`] if the output came into being in the meantime and may not be replaced; and those of
    /// writing. Nothing is left behind then.
    pub fn finish(self) -> Result<(), SoundError> {
        self.finish_with(Vec::new())
    }

    /// As [`finish`](Self::finish), with the chunks that follow the sound.
    pub(crate) fn finish_with(self, tail: Vec<u8>) -> Result<(), SoundError> {
        match self.0 {
            Format::Wav(wav) => wav.finish(tail),
            Format::Flac(flac) => flac.finish(),
        }
    }
}

impl fmt::Debug for SoundWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Format::Wav(_) => "SoundWriter(WAV)",
            Format::Flac(_) => "SoundWriter(FLAC)",
        })
    }
}

/// Refuses names that promise another kind of file than they would get.
pub(crate) fn check_name(output: &Path) -> Result<(), SoundError> {
    let extension = output.extension().map(|extension| extension.to_string_lossy().to_lowercase());
    match extension.as_deref() {
        None | Some("wav" | "wave" | "bwf" | "rf64" | "flac") => Ok(()),
        Some(_) => Err(SoundError::new(output, SoundErrorKind::OutputKind)),
    }
}

/// Returns whether a file name asks for FLAC.
pub(crate) fn is_flac_name(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("flac"))
}

/// Plans the output of sound that is not copied from a WAV file. `whole` says that all of it is written, with its metadata;
/// `growing` that the sizes can be corrected at the end.
fn plan(source: &SoundReader, whole: bool, growing: bool) -> Plan {
    let (spec, valid_bits) = (source.spec(), source.valid_bits());
    let coding = Coding { spec, valid_bits, order: ByteOrder::Little };
    let mut plan = Plan { coding, head: Vec::new(), reserved: false };
    let (mut channel_mask, mut tags) = (None, Vec::new());
    match &source.0 {
        Input::Stream(stream) if whole => {
            plan.head.clone_from(&stream.head);
            // Into a pipe go raw samples as they came; into a file they get a header.
            if plan.head.is_empty() && !growing {
                plan.coding.order = stream.order;
                return plan;
            }
            if growing && stream.stated.is_none() && header::without_tags(&plan.head).starts_with(b"RIFF") {
                header::reserve_ds64(&mut plan.head);
                plan.reserved = true;
            }
        }
        Input::Stream(stream) => plan.part(&stream.head, &[], growing),
        Input::Wav(wav) => {
            // Without them the output is no worse than plain.
            if let Ok((head, tail)) = wav.surroundings() {
                plan.part(&head, &tail, growing);
            }
        }
        Input::Other(other) => {
            (channel_mask, tags) = (other.opened().channel_mask, other.opened().tags.clone())
        }
    }
    if plan.head.is_empty() {
        let sound = header::HeaderFields { spec, valid_bits, channel_mask, tags };
        plan.head = header::new(&sound, growing);
        plan.reserved = growing;
        // Into a pipe, the true header if it can be known.
        if let (false, true, Some(frames)) = (growing, whole, source.frames()) {
            plan.state_length(frames);
        }
    }
    plan
}
