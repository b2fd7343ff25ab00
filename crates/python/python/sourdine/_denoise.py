"""Whole recordings in memory: denoise, and find the voice."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, overload

import numpy.typing as npt

from . import _native
from ._audio import AudioLike, Sample, as_array, as_planar, as_rate, like, refuse_no_number, warn_of_scale
from ._settings import ATTENUATION_LIMIT_DB, ChannelMode, find_model, settings

#: The rules of `sourdine vad`, in seconds.
MIN_SPEECH, MIN_SILENCE, PAD = 0.1, 0.2, 0.03


class Segment(NamedTuple):
    """A stretch of speech; its end is not part of it."""

    #: Start in seconds.
    start: float
    #: End in seconds.
    end: float
    #: Start in frames.
    start_frame: int
    #: End in frames.
    end_frame: int


@dataclass(frozen=True)
class Report:
    """The result of denoising a recording, in figures."""

    #: Frames per second.
    sample_rate: int
    channels: int
    #: Length in frames; a frame is one sample of every channel.
    frames: int
    #: The model's name.
    model: str
    #: None for no limit.
    attenuation_limit_db: float | None
    #: Mean over all frames of 10 ms that are not silent; None if all are.
    mean_attenuation_db: float | None
    #: Share of frames decided to hold voice, 0 to 1.
    voiced_share: float
    #: Level of the input in dBFS, −120 for silence.
    input_dbfs: float
    #: Level of the output in dBFS.
    output_dbfs: float
    #: Largest magnitude of the output, full scale 1.
    peak: float
    #: Output samples beyond full scale.
    clipped_samples: int
    #: Input samples that were NaN or infinite, and became silence.
    invalid_samples: int
    #: The voice, by the rules of :func:`vad` with its defaults.
    segments: tuple[Segment, ...]


def segments_of(spans: list[tuple[int, int]], rate: int) -> list[Segment]:
    return [Segment(start / rate, end / rate, start, end) for start, end in spans]


def _rules(rate: int, min_speech: float, min_silence: float, pad: float) -> tuple[int, int, int]:
    for name, value in (("min_speech", min_speech), ("min_silence", min_silence), ("pad", pad)):
        refuse_no_number(name, value, "seconds")
        if not 0 <= value <= 3600:
            raise ValueError(f"{name} is {value}; give seconds, 0 to 3600")
    return round(min_speech * rate), round(min_silence * rate), round(pad * rate)


@overload
def denoise(
    audio: npt.NDArray[Sample],
    sample_rate: float,
    *,
    model: str | os.PathLike[str] = ...,
    attenuation_limit_db: float | None = ...,
    gate: bool = ...,
    channels: ChannelMode = ...,
    residue: bool = ...,
    return_report: Literal[False] = ...,
) -> npt.NDArray[Sample]: ...
@overload
def denoise(
    audio: npt.NDArray[Sample],
    sample_rate: float,
    *,
    model: str | os.PathLike[str] = ...,
    attenuation_limit_db: float | None = ...,
    gate: bool = ...,
    channels: ChannelMode = ...,
    residue: bool = ...,
    return_report: Literal[True],
) -> tuple[npt.NDArray[Sample], Report]: ...
@overload
def denoise(
    audio: AudioLike,
    sample_rate: float,
    *,
    model: str | os.PathLike[str] = ...,
    attenuation_limit_db: float | None = ...,
    gate: bool = ...,
    channels: ChannelMode = ...,
    residue: bool = ...,
    return_report: Literal[False] = ...,
) -> npt.NDArray[Any]: ...
@overload
def denoise(
    audio: AudioLike,
    sample_rate: float,
    *,
    model: str | os.PathLike[str] = ...,
    attenuation_limit_db: float | None = ...,
    gate: bool = ...,
    channels: ChannelMode = ...,
    residue: bool = ...,
    return_report: Literal[True],
) -> tuple[npt.NDArray[Any], Report]: ...
def denoise(
    audio: AudioLike,
    sample_rate: float,
    *,
    model: str | os.PathLike[str] = "sourdine",
    attenuation_limit_db: float | None = ATTENUATION_LIMIT_DB,
    gate: bool = False,
    channels: ChannelMode = "linked",
    residue: bool = False,
    return_report: bool = False,
) -> npt.NDArray[Any] | tuple[npt.NDArray[Any], Report]:
    """Takes the noise out of a recording.

    The result has the shape, dtype and length of ``audio`` and is aligned with it to the sample. Its bits are those of
    `sourdine clean`, and of a :class:`Stream` without its delay. The interpreter's lock is released meanwhile: threads run in
    parallel. Environment variables and `sourdine.toml` are not read.

    Args:
        audio: samples of shape (n,) or (channels, n), up to 8 channels: float32 or float64 with full scale ±1.0 (float64 is
            processed in the precision of float32), or int16. A NumPy array, or anything with ``__array__`` or DLPack, such as a
            torch tensor on the CPU. Samples that are NaN or infinite become silence. Do not write to it meanwhile.
        sample_rate: in Hz, 8000 to 192000.
        model: a built-in model (see :func:`models`), or the path of a file of weights.
        attenuation_limit_db: the most that any sound is attenuated, in dB; 0 changes nothing, None is no limit.
        gate: turns pauses down further.
        channels: one mask for all channels ("linked": a voice keeps its place), or each on its own ("separate").
        residue: returns the removed sound instead of the sound that is kept.
        return_report: returns a :class:`Report` too.

    Raises:
        TypeError: for another dtype.
        ValueError: for a shape, rate or setting that is not supported, and for an unknown model.

    Warns:
        UserWarning: for floats far beyond full scale, which are most likely integers that were not divided by 32768.

    >>> import numpy as np
    >>> noise = np.random.default_rng(0).normal(0, 0.01, 48000).astype(np.float32)
    >>> clean, report = denoise(noise, 48000, return_report=True)
    >>> clean.shape, clean.dtype, report.segments
    ((48000,), dtype('float32'), ())
    >>> report.output_dbfs < report.input_dbfs - 6
    True
    """
    array = as_array(audio)
    rate = as_rate(sample_rate)
    chosen = settings(model, attenuation_limit_db, gate, channels, residue)
    planar = as_planar(array)
    warn_of_scale(planar)
    out, facts = _native.denoise(
        planar, rate, find_model(chosen.model), chosen, _rules(rate, MIN_SPEECH, MIN_SILENCE, PAD)
    )
    result = like(out, array)
    if not return_report:
        return result
    facts["segments"] = tuple(segments_of(facts["segments"], rate))
    return result, Report(**facts)


def vad(
    audio: AudioLike,
    sample_rate: float,
    *,
    model: str | os.PathLike[str] = "sourdine",
    min_speech: float = MIN_SPEECH,
    min_silence: float = MIN_SILENCE,
    pad: float = PAD,
) -> list[Segment]:
    """Finds the stretches of speech in a recording, as `sourdine vad` does.

    Gaps shorter than ``min_silence`` are closed, what is then shorter than ``min_speech`` is dropped, and ``pad`` is added on
    both sides, all in seconds. ``audio``, ``sample_rate`` and ``model`` are those of :func:`denoise`.

    >>> import numpy as np
    >>> vad(np.zeros(48000, np.int16), 48000)
    []
    """
    rate = as_rate(sample_rate)
    spans = _native.find_speech(
        as_planar(as_array(audio)),
        rate,
        find_model(os.fspath(model)),
        _rules(rate, min_speech, min_silence, pad),
    )
    return segments_of(spans, rate)
