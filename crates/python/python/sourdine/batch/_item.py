"""One item: bytes of a sound file, or an array."""

from __future__ import annotations

import os
import tempfile
from typing import Any, NamedTuple

import numpy.typing as npt

from .._denoise import denoise
from .._files import FileReport, clean, output_name
from .._settings import Settings

#: What is told about every item. "skipped": the output existed already.
COLUMNS: tuple[str, ...] = (
    "status",  # "cleaned", "skipped" or "failed"
    "error",  # why it failed, and what to do
    "seconds",
    "frames",
    "sample_rate",
    "channels",
    "mean_attenuation_db",
    "voiced_share",
    "peak",
    "clipped_samples",
    "invalid_samples",
    "notices",
)

#: The columns of an item.
Columns = dict[str, Any]


class Item(NamedTuple):
    """A cleaned item."""

    #: Of the kind that was given: bytes of a sound file, or an array. None if it failed.
    audio: bytes | npt.NDArray[Any] | None
    #: The name of the file that the bytes are, `.wav` instead of what cannot be written.
    name: str
    #: See :data:`COLUMNS`.
    columns: Columns


def told(status: str, report: FileReport | None = None, error: str | None = None) -> Columns:
    """Returns the columns of an item."""
    columns: Columns = dict.fromkeys(COLUMNS)
    columns.update(status=status, error=error, notices=[])
    if report is not None:
        columns.update({name: getattr(report, name) for name in COLUMNS if hasattr(report, name)})
    return columns


def clean_item(
    audio: bytes | npt.NDArray[Any],
    *,
    name: str = "audio.wav",
    sample_rate: float | None = None,
    settings: Settings = Settings(),
) -> Item:
    """Cleans the bytes of a sound file, or an array, and never raises: what is wrong with an item is told in its columns.

    Args:
        audio: the bytes of a file of any kind that :func:`sourdine.clean_file` reads, or an array as for :func:`sourdine.denoise`.
        name: the file's name. Bytes come back as FLAC if it ends in `.flac`, as WAV otherwise, with their metadata.
        sample_rate: in Hz, of an array.
        settings: the settings of the stream.

    >>> import numpy as np
    >>> item = clean_item(np.zeros(16000, np.int16), sample_rate=16000)
    >>> item.columns["status"], item.columns["seconds"]
    ('cleaned', 1.0)
    >>> clean_item(b"no sound").columns["status"]
    'failed'
    """
    try:
        if isinstance(audio, (bytes, bytearray, memoryview)):
            return _clean_bytes(bytes(audio), name, settings)
        if not isinstance(audio, list) and not hasattr(audio, "__array__") and not hasattr(audio, "__dlpack__"):
            raise TypeError(f"audio is a {type(audio).__name__}; give the bytes of a sound file, or an array")
        if sample_rate is None:
            raise ValueError("an array has no sample rate of its own; give sample_rate in Hz")
        return _clean_array(audio, sample_rate, name, settings)
    except Exception as error:  # Whatever it is: one item must not end a job.
        return Item(None, name, told("failed", error=str(error)))


def _clean_array(audio: npt.NDArray[Any], rate: float, name: str, settings: Settings) -> Item:
    cleaned, report = denoise(
        audio,
        rate,
        model=settings.model,
        attenuation_limit_db=settings.attenuation_limit_db,
        gate=settings.gate,
        channels=settings.channels,
        residue=settings.residue,
        return_report=True,
    )
    columns = told("cleaned")
    columns.update({key: getattr(report, key) for key in COLUMNS if hasattr(report, key)})
    columns["seconds"] = report.frames / report.sample_rate
    return Item(cleaned, name, columns)


def _clean_bytes(audio: bytes, name: str, settings: Settings) -> Item:
    """Goes the way of a file, in a folder of its own: the same bits and metadata."""
    written = output_name(os.path.basename(name) or "audio.wav")
    suffix = ".flac" if written.lower().endswith(".flac") else ".wav"
    with tempfile.TemporaryDirectory(prefix="sourdine-") as folder:
        given, cleaned = os.path.join(folder, "given"), os.path.join(folder, "cleaned" + suffix)
        with open(given, "wb") as file:
            file.write(audio)
        try:
            report = clean(given, cleaned, settings)
        except (OSError, ValueError) as error:
            # The file has no name but that of its place among the items.
            why = str(error).replace(given, name)
            return Item(None, name, told("failed", error=why))
        with open(cleaned, "rb") as file:
            return Item(file.read(), written, told("cleaned", report))
