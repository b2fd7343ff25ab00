"""Speech, noise and rooms by a manifest, decoded once, with splits that keep the development sets apart.

The manifest is a CSV with the columns `path, set, speaker, class, seconds, sample_rate, bandwidth_hz`; the first folder of
`path` is `speech`, `noise` or `rir`. All sound lies in one int16 array at 48 kHz, which a file in the cache folder holds, so
that a second start takes seconds and a GPU can take it whole.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import json
import multiprocessing
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import scipy.ndimage
import soundfile as sf
import soxr
import torch
from torch import Tensor

from . import synth
from .layout import HOP, RATE
from .reference import istft, stft

SPLITS = Path(__file__).parent.parent / "splits"
"""Files held out for the development sets, a file of patterns for each."""
SYNTH_CLIPS, SYNTH_SECONDS = 600, 6.0
"""Synthesised noises, made once."""
SILENT = 1e-5
"""A recording of noise at or below this level has nothing in it."""


@dataclass
class Clip:
    """One recording: where it lies in the corpus's sound, its bandwidth in Hz and its active level (full scale 1)."""

    path: str
    set: str
    speaker: str
    bandwidth: float
    start: int = 0
    length: int = 0
    level: float = 0.0


@dataclass
class Corpus:
    """What mixtures are drawn from."""

    sound: Tensor
    """All clips, int16."""
    speech: dict[str, dict[str, list[Clip]]] = field(default_factory=dict)
    """Set -> speaker -> recordings."""
    noise: dict[str, list[Clip]] = field(default_factory=dict)
    """Class -> recordings."""
    rooms: list[tuple[str, np.ndarray]] = field(default_factory=list)

    def pcm(self, clip: Clip) -> Tensor:
        """The samples of a clip, int16."""
        return self.sound[clip.start : clip.start + clip.length]

    def to(self, device: torch.device) -> Corpus:
        """The same with its sound on a device."""
        return Corpus(self.sound.to(device), self.speech, self.noise, self.rooms)


def read_split(path: Path) -> list[str]:
    """Patterns of the files held out (`#` starts a comment)."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def all_held_out() -> list[str]:
    """The patterns of every split: what training never opens."""
    return [p for f in sorted(SPLITS.glob("*.txt")) for p in read_split(f)]


def held_out(path: str, patterns: Iterable[str]) -> bool:
    """True if a pattern matches the file."""
    return any(fnmatch.fnmatch(path, p) for p in patterns)


def manifest(root: Path) -> list[dict[str, str]]:
    """The rows of MANIFEST.csv."""
    with open(root / "MANIFEST.csv", newline="") as f:
        return list(csv.DictReader(f))


def decode(path: Path) -> np.ndarray:
    """A file as 48 kHz mono float32."""
    x, rate = sf.read(path, dtype="float32", always_2d=True)
    x = x.mean(1)
    return x if rate == RATE else soxr.resample(x, rate, RATE, quality="HQ")


def lower_floor(x: np.ndarray, floor_db: float = -18.0, block_s: float = 4.0) -> np.ndarray:
    """Lowers the stationary noise floor of a speech recording.

    Minimum statistics in the spirit of Martin (2001): the floor of a bin is the 10th percentile of its smoothed power in
    a block of four seconds; a Wiener-like gain, smoothed over time and frequency, goes down to `floor_db`. Targets with
    audible room noise would teach the network to keep room noise.
    """
    spec = stft(np.concatenate([x, np.zeros(2 * HOP, np.float32)]))
    power = spec.real**2 + spec.imag**2
    smooth = scipy.ndimage.uniform_filter1d(power, 5, axis=0)
    step = int(block_s * 100)
    floor = np.empty_like(power)
    for at in range(0, len(power), step):
        lo = max(0, min(at, len(power) - step))
        floor[at : at + step] = np.percentile(smooth[lo : lo + step], 10, axis=0)
    floor = scipy.ndimage.uniform_filter1d(floor, 9, axis=1)
    snr = scipy.ndimage.uniform_filter(power / (floor + 1e-12), (3, 3))
    gain = np.clip(1 - 4.0 / (snr + 1e-6), 10 ** (floor_db / 20), 1.0).astype(np.float32)
    gain = scipy.ndimage.maximum_filter1d(gain, 3, axis=0)
    return istft(spec * gain)[HOP : HOP + len(x)]


def active_level(x: np.ndarray) -> float:
    """RMS over the 10 ms frames within 25 dB of the loud ones."""
    n = len(x) // HOP
    e = (x[: n * HOP].reshape(n, HOP).astype(np.float32) ** 2).mean(1)
    top = np.percentile(e, 95)
    return float(np.sqrt(e[e >= top * 10**-2.5].mean() + 1e-12))


def early(response: np.ndarray, ms: float = 50.0) -> np.ndarray:
    """Direct sound and first reflections of a room: what the target keeps."""
    n = int(ms * RATE / 1000)
    h = response.copy()
    h[n:] = 0
    k = min(HOP // 2, max(0, len(h) - n))
    h[n : n + k] = response[n : n + k] * np.linspace(1, 0, k)
    return h


def trimmed(h: np.ndarray, limit: int = RATE // 2) -> np.ndarray:
    """A room response from 1 ms before the direct sound on; early part of energy one."""
    at = max(0, int(np.argmax(np.abs(h))) - RATE // 1000)
    h = h[at : at + limit].astype(np.float32)
    return h / np.sqrt((early(h) ** 2).sum() + 1e-12)


def _to_int16(x: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(x * 32767), -32768, 32767).astype(np.int16)


def _decoded(args: tuple[Path, Path, str, bool]) -> Path:
    """The cached int16 file of a recording, made if it is not there."""
    root, cache, rel, lower = args
    key = hashlib.sha1(f"{rel}|{lower}|3".encode()).hexdigest()[:16]
    file = cache / f"{key}.npy"
    if not file.exists():
        x = decode(root / rel)
        part = file.with_suffix(f".{os.getpid()}.npy")
        np.save(part, _to_int16(lower_floor(x) if lower else x))
        os.replace(part, file)
    return file


def _synthesised(seed: int) -> np.ndarray:
    x = synth.synth(np.random.default_rng([17, seed]), int(SYNTH_SECONDS * RATE))
    return _to_int16(0.5 * x / np.abs(x).max())


def _build(root: Path, cache: Path, rows: list[dict[str, str]], lower: bool, synthesised: int, file: Path) -> None:
    """Writes all recordings one after the other to `file`, and their index to a JSON file next to it."""
    cache.mkdir(parents=True, exist_ok=True)
    todo = [(root, cache, r["path"], lower and r["path"].startswith("speech/")) for r in rows]
    clips, at = [], 0
    part = file.with_suffix(f".{os.getpid()}.part")
    with multiprocessing.get_context("spawn").Pool() as workers, open(part, "wb") as out:

        def add(clip: Clip, pcm: np.ndarray) -> None:
            nonlocal at
            clip.start, clip.length, clip.level = at, len(pcm), active_level(pcm) / 32768
            out.write(pcm.tobytes())
            at += len(pcm)
            clips.append(asdict(clip))

        for r, npy in zip(rows, workers.imap(_decoded, todo, chunksize=8), strict=True):
            rel = r["path"]
            speaker = r["speaker"] if "labelled" not in r["speaker"] else Path(rel).stem
            add(Clip(rel, rel.split("/")[1], speaker, float(r["bandwidth_hz"] or 24000)), np.load(npy, mmap_mode="r"))
        for i, pcm in enumerate(workers.imap(_synthesised, range(synthesised), chunksize=8)):
            add(Clip(f"noise/synth/{i}", "synth", "", 24000.0), pcm)
    file.with_suffix(".json").write_text(json.dumps(clips))
    os.replace(part, file)


def load(root: Path, cache: Path, *, without: Iterable[str] = (), only: list[str] | None = None, lower: bool = True, synthesised: int = 0) -> Corpus:
    """All recordings but those that match `without` (and, if given, only those that match `only`).

    With `lower` the noise floor of speech is lowered; `synthesised` noises of a class `synth` are added.
    """
    rows = [r for r in manifest(root) if not held_out(r["path"], without) and (only is None or held_out(r["path"], only))]
    sounds = [r for r in rows if not r["path"].startswith("rir/")]
    key = hashlib.sha1(json.dumps([[r["path"] for r in sounds], lower, synthesised]).encode()).hexdigest()[:16]
    file = cache / f"corpus_{key}.i16"
    if not file.exists():
        _build(root, cache, sounds, lower, synthesised, file)
    c = Corpus(torch.from_numpy(np.memmap(file, np.int16, "c")))
    for clip in (Clip(**d) for d in json.loads(file.with_suffix(".json").read_text())):
        if clip.path.startswith("speech/"):
            c.speech.setdefault(clip.set, {}).setdefault(clip.speaker, []).append(clip)
        elif clip.level > SILENT:
            c.noise.setdefault(clip.set, []).append(clip)
    c.rooms = [(r["path"], trimmed(decode(root / r["path"]))) for r in rows if r["path"].startswith("rir/")]
    return c
