"""Loading of speech, noise and room responses by a manifest, with a split that keeps the development set apart.

The manifest is a CSV with the columns `path, set, speaker, class, seconds, sample_rate, bandwidth_hz`; the first folder of
`path` is `speech`, `noise` or `rir`. Decoded audio is cached as int16 in one folder, so a second start takes seconds.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import multiprocessing
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.ndimage
import soundfile as sf
import soxr

from .features import HOP, RATE, istft, stft

I16 = np.ndarray
AT_ONCE = 20
"""More recordings than that, not decoded yet, are decoded by as many processes as there are cores."""


@dataclass
class Clip:
    """One recording in memory: 48 kHz, int16."""

    path: str
    group: str
    speaker: str
    bandwidth: float
    pcm: I16
    level: float = 0.0


@dataclass
class Corpus:
    """What the mixer draws from."""

    speech: dict[str, dict[str, list[Clip]]] = field(default_factory=dict)
    noise: dict[str, list[Clip]] = field(default_factory=dict)
    rirs: list[tuple[str, np.ndarray]] = field(default_factory=list)


def read_split(path: Path) -> list[str]:
    """Patterns of the files held out for the development set (`#` starts a comment)."""
    lines = (line.split("#")[0].strip() for line in path.read_text().splitlines())
    return [line for line in lines if line]


def held_out(path: str, patterns: Iterable[str]) -> bool:
    """True if the file belongs to the development set."""
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


def gate_floor(x: np.ndarray, floor_db: float = -18.0, block_s: float = 4.0) -> np.ndarray:
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
    """RMS over the 10-ms frames within 25 dB of the loud ones."""
    n = len(x) // HOP
    e = (x[: n * HOP].reshape(n, HOP).astype(np.float32) ** 2).mean(1)
    top = np.percentile(e, 95)
    return float(np.sqrt(e[e >= top * 10**-2.5].mean() + 1e-12))


def _place(cache: Path, rel: str, gate: bool) -> Path:
    key = hashlib.sha1(f"{rel}|{gate}|3".encode()).hexdigest()[:16]
    return cache / f"{key}.npy"


def _cached(root: Path, cache: Path, rel: str, gate: bool) -> I16:
    file = _place(cache, rel, gate)
    if file.exists():
        return np.load(file, mmap_mode="r")
    x = decode(root / rel)
    if gate:
        x = gate_floor(x)
    pcm = np.clip(np.rint(x * 32767), -32768, 32767).astype(np.int16)
    cache.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(f".{os.getpid()}.npy")
    np.save(part, pcm)
    os.replace(part, file)
    return pcm


def _decode_only(root: Path, cache: Path, rel: str, gate: bool) -> None:
    _cached(root, cache, rel, gate)


def early(rir: np.ndarray, ms: float = 50.0) -> np.ndarray:
    """Direct sound and the first reflections: what the target keeps."""
    n = int(ms * RATE / 1000)
    h = rir.copy()
    h[n:] = 0
    fade = HOP // 2
    k = min(fade, max(0, len(h) - n))
    if k:
        h[n : n + k] = rir[n : n + k] * np.linspace(1, 0, k)
    return h


def trim_rir(h: np.ndarray, limit: int = RATE // 2) -> np.ndarray:
    """Starts 1 ms before the direct sound; early part of energy one."""
    at = max(0, int(np.argmax(np.abs(h))) - RATE // 1000)
    h = h[at : at + limit].astype(np.float32)
    return h / np.sqrt((early(h) ** 2).sum() + 1e-12)


def load(root: Path, cache: Path, patterns: list[str], dev: bool = False, gate: bool = True, log: bool = True) -> Corpus:
    """Everything outside the split (or, with `dev`, only what is in it); with `gate` the noise floor of speech is lowered."""
    c = Corpus()
    rows = [r for r in manifest(root) if held_out(r["path"], patterns) == dev]
    sounds = [r["path"] for r in rows if not r["path"].startswith("rir/")]
    todo = [(root, cache, rel, gate and rel.startswith("speech/")) for rel in sounds]
    todo = [t for t in todo if not _place(*t[1:]).exists()]
    if len(todo) > AT_ONCE:
        with multiprocessing.get_context("spawn").Pool() as workers:
            workers.starmap(_decode_only, todo, chunksize=1)
    for i, r in enumerate(rows):
        rel = r["path"]
        kind, group = rel.split("/")[:2]
        if kind == "rir":
            c.rirs.append((rel, trim_rir(decode(root / rel))))
            continue
        pcm = _cached(root, cache, rel, gate=gate and kind == "speech")
        speaker = r["speaker"] if "labelled" not in r["speaker"] else Path(rel).stem
        clip = Clip(rel, group, speaker, float(r["bandwidth_hz"] or 24000), pcm)
        clip.level = active_level(pcm) / 32768
        if kind == "speech":
            c.speech.setdefault(group, {}).setdefault(speaker, []).append(clip)
        else:
            c.noise.setdefault(group, []).append(clip)
        if log and i % 50 == 0:
            print(f"loading {i}/{len(rows)}", flush=True)
    return c


def smooth_random_response(rng: np.random.Generator, bins: int, depth_db: float, points: int = 10) -> np.ndarray:
    """A random smooth magnitude response on `bins` bins up to 24 kHz (points evenly spread over log frequency)."""
    f = np.linspace(0, RATE / 2, bins, dtype=np.float32)
    at = np.log(np.geomspace(40, 20000, points))
    db = np.cumsum(rng.standard_normal(points)) * depth_db / np.sqrt(points)
    db -= db.mean()
    coarse = np.interp(np.log(np.maximum(f[:: max(1, bins // 2000)], 20)), at, db)
    gain = (10 ** (coarse / 20)).astype(np.float32)
    return np.interp(np.arange(bins), np.linspace(0, bins - 1, len(gain)), gain).astype(np.float32)


assert scipy.fft.next_fast_len(144000, real=True) == 144000
