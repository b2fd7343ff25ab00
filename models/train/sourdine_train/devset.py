"""The development sets: fixed, seeded mixtures of held-out speakers, noises and rooms, as 48 kHz mono WAV.

A mixture has -5 to 15 dB, a third are reverberant (the reference keeps the direct sound and 50 ms of early reflections).
`near/` has voices to which nothing is added. `items.csv` lists what is in each mixture.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile as sf
import torch

from .corpus import Clip, Corpus, active_level, early
from .layout import HOP, RATE
from .mixing import voice_labels


@dataclass(frozen=True)
class Kind:
    """Shares of the speech sets, and the folders that mixtures go to in turn."""

    shares: tuple[tuple[str, float], ...]
    folders: tuple[str, ...]
    seed: int


SETS = {
    # For comparison with earlier models; nothing is tuned on it.
    "old": Kind((("alnum_en", 0.55), ("picovoice_s2i_en", 0.2), ("picovoice_wake_en", 0.15), ("mycroft_pcd", 0.1)), ("mix",), 5),
    # Half to tune on, half to report.
    "new": Kind((("cv6_wide", 0.6), ("speechocean_en", 0.22), ("cv6_narrow", 0.18)), ("tune", "report"), 6),
}


def _labels(x: np.ndarray) -> np.ndarray:
    return voice_labels(torch.from_numpy(x[: len(x) // HOP * HOP])[None])[0].numpy() > 0


def _dynamic(x: np.ndarray) -> float:
    n = len(x) // HOP
    e = 10 * np.log10((x[: n * HOP].reshape(n, HOP) ** 2).mean(1) + 1e-12)
    return float(np.percentile(e, 90) - np.percentile(e, 8))


def _piece(rng: np.random.Generator, pcm: np.ndarray, n: int) -> np.ndarray:
    """The piece of n samples with the quietest pauses among a few with enough speech."""
    best: tuple[float, np.ndarray] | None = None
    for _ in range(12):
        k = min(n, len(pcm))
        at = int(rng.integers(len(pcm) - k + 1))
        x = pcm[at : at + k].astype(np.float64) / 32768
        if not 0.35 < _labels(x).mean() < 0.97 and best is not None:
            continue
        d = _dynamic(x)
        if best is None or d > best[0]:
            best = (d, x)
    assert best is not None
    return best[1]


def _lowpass(x: np.ndarray, hz: float) -> np.ndarray:
    return x if hz > 19000 else scipy.signal.sosfiltfilt(scipy.signal.butter(8, hz, fs=RATE, output="sos"), x)


def _write(folder: Path, name: str, clean: np.ndarray, noisy: np.ndarray) -> None:
    for kind, x in (("clean", clean), ("noisy", noisy)):
        (folder / kind).mkdir(parents=True, exist_ok=True)
        sf.write(folder / kind / f"{name}.wav", x, RATE, subtype="PCM_16")


class _Speakers:
    """Goes through the speakers of every set in turn."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus, self.turn = corpus, dict.fromkeys(corpus.speech, 0)

    def next(self, group: str) -> Clip:
        speakers = sorted(self.corpus.speech[group])
        t = self.turn[group]
        self.turn[group] += 1
        clips = self.corpus.speech[group][speakers[t % len(speakers)]]
        return clips[(t // len(speakers)) % len(clips)]


def make(corpus: Corpus, out: Path, kind: Kind, items: int, near: int) -> None:
    """Writes the folders."""
    rng = np.random.default_rng(kind.seed)
    classes = sorted(corpus.noise)
    speakers = _Speakers(corpus)
    snrs = np.linspace(-5, 15, items)
    rng.shuffle(snrs)
    share = np.cumsum([w for _, w in kind.shares])
    rows: dict[str, list[list[str]]] = {f: [] for f in kind.folders}
    for i in range(items + near):
        clip = speakers.next(kind.shares[int(np.searchsorted(share, (i * 0.618034) % 1.0))][0])
        n = int(rng.uniform(4, 8) * RATE) // HOP * HOP
        s = _piece(rng, corpus.pcm(clip).numpy(), n)
        n = len(s)
        level = 10 ** (rng.uniform(-36, -20) / 20)
        if i >= items:
            x = s * (level / active_level(s))
            x = x / max(1.0, np.abs(x).max() / 0.99)
            _write(out / "near", f"{i - items:03d}", x, x)
            continue
        room, wet, ref = "", s, s
        if i % 3 == 0:
            room, h = corpus.rooms[rng.integers(len(corpus.rooms))]
            wet, ref = (scipy.signal.fftconvolve(s, x)[:n] for x in (h, early(h)))
        noises = corpus.noise[classes[i % len(classes)]]
        noise = noises[(i // len(classes)) % len(noises)]
        pcm = corpus.pcm(noise).numpy()
        pcm = np.resize(pcm, max(n, len(pcm)))
        at = int(rng.integers(len(pcm) - n + 1))
        v = _lowpass(pcm[at : at + n].astype(np.float64) / 32768, min(clip.bandwidth, 20000))
        on = _labels(ref)
        speech_power = (wet[: len(on) * HOP].reshape(-1, HOP)[on] ** 2).mean()
        v *= np.sqrt(speech_power / ((v**2).mean() + 1e-12)) * 10 ** (-snrs[i] / 20)
        k = level / active_level(ref)
        x, ref = (wet + v) * k, ref * k
        top = max(1.0, np.abs(x).max() / 0.99)
        folder, name = kind.folders[i % len(kind.folders)], f"{i:03d}"
        _write(out / folder, name, ref / top, x / top)
        rows[folder].append([name, clip.path, noise.path, noise.set, f"{snrs[i]:.1f}", room, f"{clip.bandwidth:.0f}", f"{20 * np.log10(level):.1f}"])
    for folder, lines in rows.items():
        with open(out / folder / "items.csv", "w", newline="") as f:
            log = csv.writer(f)
            log.writerow(["id", "speech", "noise", "class", "snr", "rir", "bandwidth", "level"])
            log.writerows(lines)
