"""Sound files: cleaned as `sourdine clean` does, read into arrays, written from them."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar, Union, overload

import numpy as np
import numpy.typing as npt

from . import _native
from ._audio import AudioLike, as_array, as_planar, as_rate
from ._settings import ATTENUATION_LIMIT_DB, ChannelMode, Settings, find_model, settings

StrPath: TypeAlias = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class FileReport:
    """The result of cleaning a file, in figures: the fields of `sourdine clean --json`."""

    #: Length in seconds.
    seconds: float
    #: Length in frames.
    frames: int
    #: Frames per second.
    sample_rate: int
    channels: int
    #: The format of the stored samples, for people.
    sample_format: str
    #: The model's name.
    model: str
    #: None for no limit.
    attenuation_limit_db: float | None
    #: The engine's delay that was taken out, in frames.
    latency: int
    #: Mean over all frames of 10 ms that are not silent; None if all are.
    mean_attenuation_db: float | None
    #: The same over frames without voice.
    pause_attenuation_db: float | None
    #: Share of frames decided to hold voice, 0 to 1.
    voiced_share: float
    #: Largest magnitude of the output, full scale 1.
    peak: float
    #: Output samples beyond full scale.
    clipped_samples: int
    #: Input samples that were NaN or infinite, and became silence.
    invalid_samples: int
    #: Seconds of sound cleaned per second of work.
    times_real_time: float
    #: Faults of the file that were repaired, and what the output cannot hold of it.
    notices: list[str]


@dataclass(frozen=True)
class FileResult:
    """The result of one of several files."""

    input: str
    output: str
    #: "skipped": the output existed already.
    status: Literal["cleaned", "skipped", "failed"]
    #: For a file that was cleaned.
    report: FileReport | None = None
    #: For a file that failed: why, and what to do.
    error: str | None = None


def clean(
    input: StrPath,
    output: StrPath,
    chosen: Settings,
    *,
    overwrite: bool = False,
    strict: bool = False,
    stop: _native.StopFlag | None = None,
    progress: Callable[[float | None], object] | None = None,
) -> FileReport:
    """Cleans one file by settings that are ready."""
    facts = _native.clean_file(
        os.fspath(input),
        os.fspath(output),
        overwrite,
        strict,
        find_model(chosen.model),
        chosen,
        stop or _native.StopFlag(),
        progress,
    )
    return FileReport(**facts)


def clean_file(
    input: StrPath,
    output: StrPath,
    *,
    model: StrPath = "sourdine",
    attenuation_limit_db: float | None = ATTENUATION_LIMIT_DB,
    gate: bool = False,
    channels: ChannelMode = "linked",
    residue: bool = False,
    overwrite: bool = False,
    strict: bool = False,
    progress: Callable[[float | None], object] | None = None,
) -> FileReport:
    """Cleans a sound file into another, as `sourdine clean` does, bit for bit.

    Rate, channels, sample format, length and metadata are kept. The output has its name only when it is complete; the input is
    never changed. WAV, FLAC, Ogg Vorbis and Opus, MP3, AAC and ALAC in MP4, AIFF, CAF and AU are read; WAV and FLAC are written,
    by the name of ``output``. Ctrl-C stops it, and leaves nothing behind.

    Args:
        input, output: paths.
        model, attenuation_limit_db, gate, channels, residue: as for :func:`denoise`.
        overwrite: replaces an output that exists.
        strict: makes notices errors: nothing is written for a file that is damaged or not fully understood.
        progress: is called with the share that is done, 0 to 1, or None where the length is not known beforehand.

    Raises:
        OSError: `FileNotFoundError`, `FileExistsError` and the like, as the system has them.
        ValueError: for a file that is not sound or cannot be decoded, and for settings as in :func:`denoise`.
    """
    chosen = settings(model, attenuation_limit_db, gate, channels, residue)
    return clean(input, output, chosen, overwrite=overwrite, strict=strict, progress=progress)


def clean_files(
    inputs: Iterable[StrPath],
    output_folder: StrPath,
    *,
    model: StrPath = "sourdine",
    attenuation_limit_db: float | None = ATTENUATION_LIMIT_DB,
    gate: bool = False,
    channels: ChannelMode = "linked",
    residue: bool = False,
    overwrite: bool = False,
    skip_existing: bool = False,
    strict: bool = False,
    workers: int | None = None,
    progress: Callable[[FileResult, int, int], object] | None = None,
) -> list[FileResult]:
    """Cleans files into a folder, several at a time, and returns their results in order. A file that fails does not stop the others.

    Outputs have the names of their inputs, with `.wav` for what is not written as it was read. For folders, manifests and more
    files than a list should hold there is :mod:`sourdine.batch`.

    Args:
        inputs: paths of files.
        output_folder: the folder of the outputs; it is created if necessary.
        model, attenuation_limit_db, gate, channels, residue: as for :func:`denoise`.
        overwrite: replaces outputs that exist.
        skip_existing: skips files whose output exists, so that an interrupted run can be resumed.
        strict: makes notices errors.
        workers: files at a time; one per core if None.
        progress: is called on the caller's thread with each result, the number of results and the number of files.

    Raises:
        ValueError: if two inputs have the same output, before anything is written.
    """
    if isinstance(inputs, (str, bytes, os.PathLike)):
        raise TypeError(f"inputs is the path {inputs!r}; give a list of paths, or take clean_file")
    chosen = settings(model, attenuation_limit_db, gate, channels, residue)
    check_workers(workers)
    folder = Path(output_folder)
    paths = [os.fspath(path) for path in inputs]
    pairs = [(path, str(folder / output_name(path))) for path in paths]
    refuse_clashes(pairs)
    folder.mkdir(parents=True, exist_ok=True)
    _native.remove_abandoned(folder)
    find_model(chosen.model)  # A model that cannot be used is one error, not one a file.

    def work(pair: tuple[str, str], stop: _native.StopFlag) -> FileResult:
        return clean_one(*pair, chosen, overwrite=overwrite, skip_existing=skip_existing, strict=strict, stop=stop)

    results: dict[int, FileResult] = {}
    for index, result in in_threads(work, pairs, workers):
        results[index] = result
        if progress is not None:
            progress(result, len(results), len(pairs))
    return [results[index] for index in range(len(pairs))]


def clean_one(
    input: str,
    output: str,
    chosen: Settings,
    *,
    overwrite: bool = False,
    skip_existing: bool = False,
    strict: bool = False,
    stop: _native.StopFlag | None = None,
) -> FileResult:
    """Cleans one of several files; errors become part of the result."""
    if skip_existing and os.path.exists(output):
        return FileResult(input, output, "skipped")
    try:
        report = clean(input, output, chosen, overwrite=overwrite, strict=strict, stop=stop)
    except FileExistsError as error:
        # Another run was faster.
        if skip_existing:
            return FileResult(input, output, "skipped")
        return FileResult(input, output, "failed", error=str(error))
    except (OSError, ValueError) as error:
        return FileResult(input, output, "failed", error=str(error))
    return FileResult(input, output, "cleaned", report)


_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def in_threads(
    work: Callable[[_Item, _native.StopFlag], _Result], items: Iterable[_Item], workers: int | None
) -> Iterator[tuple[int, _Result]]:
    """Does ``work`` with every item on several threads, and gives the results with their places as they come.

    No more items are taken ahead than keep the threads busy. When the caller leaves early, also by Ctrl-C, work in progress is
    stopped, and nothing of it is left behind.
    """
    check_workers(workers)
    count = workers or _cores()
    stop = _native.StopFlag()
    source = enumerate(items)
    with ThreadPoolExecutor(count, thread_name_prefix="sourdine") as pool:
        running: dict[Future[_Result], int] = {}
        try:
            while True:
                while len(running) < 2 * count:
                    try:
                        index, item = next(source)
                    except StopIteration:
                        break
                    running[pool.submit(work, item, stop)] = index
                if not running:
                    return
                done, _ = wait(running, return_when=FIRST_COMPLETED)
                for future in done:
                    yield running.pop(future), future.result()
        finally:
            stop.set()
            for future in running:
                future.cancel()


def check_workers(workers: int | None) -> None:
    """Refuses a number of workers that is none."""
    if workers is None:
        return
    if not isinstance(workers, int):
        raise TypeError(f"workers is {workers!r}; give a whole number, or None for one per core")
    if workers < 1:
        raise ValueError(f"workers is {workers}; give 1 or more, or None for one per core")


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def output_name(path: StrPath) -> str:
    """The name that a cleaned file is written under: its own for WAV and FLAC, with `.wav` for others."""
    name = Path(path)
    written_as_read = name.suffix.lower() in (".wav", ".wave", ".bwf", ".rf64", ".flac")
    return name.name if written_as_read else name.with_suffix(".wav").name


def refuse_clashes(pairs: Iterable[tuple[str, str]]) -> None:
    """Refuses two inputs for one output."""
    taken: dict[str, str] = {}
    for input, output in pairs:
        other = taken.setdefault(os.path.normcase(os.path.abspath(output)), input)
        if other != input:
            raise ValueError(f"{output}: both {other} and {input} would be written there; rename one")


@overload
def read(path: StrPath, *, dtype: Literal["float32"] = ...) -> tuple[npt.NDArray[np.float32], int]: ...
@overload
def read(path: StrPath, *, dtype: Literal["float64"]) -> tuple[npt.NDArray[np.float64], int]: ...
@overload
def read(path: StrPath, *, dtype: Literal["int16"]) -> tuple[npt.NDArray[np.int16], int]: ...
def read(path: StrPath, *, dtype: Literal["float32", "float64", "int16"] = "float32") -> tuple[npt.NDArray[Any], int]:
    """Reads a sound file of every kind that :func:`clean_file` reads.

    Returns samples of shape (n,) if it is mono, else (channels, n), and the sample rate in Hz. Floats have full scale ±1.0 and
    hold 24 bits; int16 are rounded to the nearest step.

    Warns:
        UserWarning: for each fault of the file that was repaired: it is cut off, or a part of it is damaged.
    """
    name = str(np.dtype(dtype)) if dtype is not None else None
    if name not in ("float32", "float64", "int16"):
        raise ValueError(f'dtype is {dtype!r}; it must be "float32", "float64" or "int16"')
    planar, rate, notices = _native.read(os.fspath(path), name)
    for notice in notices:
        warnings.warn(f"{os.fspath(path)}: {notice}", stacklevel=2)
    return (planar[0] if planar.shape[0] == 1 else planar), rate


def write(path: StrPath, audio: AudioLike, sample_rate: float, *, overwrite: bool = False) -> list[str]:
    """Writes samples of shape (n,) or (channels, n) as WAV, or as FLAC if the name ends in `.flac`.

    WAV keeps the dtype: int16, or float32 or float64 in ±1.0; float64 goes through float32. FLAC has 16 bits for int16, and 24
    for floats. The file has its name only when it is complete. Returns notices of what the file cannot hold: samples beyond full
    scale and samples that are NaN or infinite in FLAC.

    >>> import numpy as np, tempfile, os
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = os.path.join(folder, "tone.wav")
    ...     notices = write(path, np.arange(100, dtype=np.int16), 16000)
    ...     samples, rate = read(path, dtype="int16")
    >>> notices, rate, int(samples[99])
    ([], 16000, 99)
    """
    planar = as_planar(as_array(audio))
    notices = _native.write(os.fspath(path), planar, as_rate(sample_rate), overwrite)
    if planar.dtype == np.int16 or Path(path).suffix.lower() != ".flac":
        return notices
    finite = np.isfinite(planar)
    for count, what in (
        (np.count_nonzero(~finite), "are NaN or infinite"),
        (np.count_nonzero(np.abs(planar[finite]) > 1), "exceed full scale"),
    ):
        if count:
            notices.append(f"{count} samples {what}, which FLAC cannot hold; they are silenced or clipped")
    return notices
