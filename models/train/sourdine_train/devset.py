"""The development set: fixed, seeded mixtures of held-out speakers, noises and rooms, as 48 kHz mono WAV.

`mix/clean`, `mix/noisy`: -5..15 dB, a third reverberant (the reference keeps the direct sound and 50 ms of early
reflections). `near/clean`, `near/noisy`: no noise added, the two are equal. `mix/items.csv` lists what is in each.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile as sf

from .augment import voice_labels
from .data import Clip, Corpus, active_level, early
from .features import HOP, RATE

GROUPS = (("alnum_en", 0.55), ("picovoice_s2i_en", 0.2), ("picovoice_wake_en", 0.15), ("mycroft_pcd", 0.1))


def _dynamic(x: np.ndarray) -> float:
    n = len(x) // HOP
    e = 10 * np.log10((x[: n * HOP].reshape(n, HOP) ** 2).mean(1) + 1e-12)
    return float(np.percentile(e, 90) - np.percentile(e, 8))


def _piece(rng: np.random.Generator, clip: Clip, n: int) -> np.ndarray:
    """The piece of n samples with the quietest pauses among a few with enough speech."""
    best: tuple[float, np.ndarray] | None = None
    for _ in range(12):
        n1 = min(n, len(clip.pcm))
        at = int(rng.integers(len(clip.pcm) - n1 + 1))
        x = clip.pcm[at : at + n1].astype(np.float64) / 32768
        voiced = voice_labels(x).mean()
        if not 0.35 < voiced < 0.97 and best is not None:
            continue
        d = _dynamic(x)
        if best is None or d > best[0]:
            best = (d, x)
    assert best is not None
    return best[1]


def _lowpass(x: np.ndarray, hz: float) -> np.ndarray:
    return x if hz > 19000 else scipy.signal.sosfiltfilt(scipy.signal.butter(8, hz, fs=RATE, output="sos"), x)


def make(corpus: Corpus, out: Path, items: int, near: int, seed: int) -> None:
    """Writes the two folders."""
    rng = np.random.default_rng(seed)
    for d in ("mix", "near"):
        for s in ("clean", "noisy"):
            (out / d / s).mkdir(parents=True, exist_ok=True)
    classes = sorted(corpus.noise)
    turn = {g: 0 for g, _ in GROUPS}
    snrs = np.linspace(-5, 15, items)
    rng.shuffle(snrs)
    share = np.cumsum([w for _, w in GROUPS])
    with open(out / "mix" / "items.csv", "w", newline="") as f:
        log = csv.writer(f)
        log.writerow(["id", "speech", "noise", "class", "snr", "rir", "bandwidth", "level"])
        for i in range(items + near):
            g = GROUPS[int(np.searchsorted(share, (i * 0.618034) % 1.0))][0]
            speakers = sorted(corpus.speech[g])
            clips = corpus.speech[g][speakers[turn[g] % len(speakers)]]
            clip = clips[(turn[g] // len(speakers)) % len(clips)]
            turn[g] += 1
            n = int(rng.uniform(4, 8) * RATE) // HOP * HOP
            s = _piece(rng, clip, n)
            n = len(s)
            bw = clip.bandwidth
            level = 10 ** (rng.uniform(-36, -20) / 20)
            if i >= items:
                x = s * (level / active_level(s))
                x = x / max(1.0, np.abs(x).max() / 0.99)
                for d in ("clean", "noisy"):
                    sf.write(out / "near" / d / f"{i - items:03d}.wav", x, RATE, subtype="PCM_16")
                continue
            rir = ""
            wet = ref = s
            if i % 3 == 0:
                rir, h = corpus.rirs[rng.integers(len(corpus.rirs))]
                wet = scipy.signal.fftconvolve(s, h)[:n]
                ref = scipy.signal.fftconvolve(s, early(h))[:n]
            kind = classes[i % len(classes)]
            files = corpus.noise[kind]
            noise = files[(i // len(classes)) % len(files)]
            pcm = np.resize(noise.pcm, max(n, len(noise.pcm)))
            at = int(rng.integers(len(pcm) - n + 1))
            v = pcm[at : at + n].astype(np.float64) / 32768
            v = _lowpass(v, min(bw, 20000))
            on = voice_labels(ref)
            ps = (wet[: len(on) * HOP].reshape(-1, HOP)[on] ** 2).mean()
            v *= np.sqrt(ps / ((v**2).mean() + 1e-12)) * 10 ** (-snrs[i] / 20)
            k = level / active_level(ref)
            x, ref = (wet + v) * k, ref * k
            top = max(1.0, np.abs(x).max() / 0.99)
            x, ref = x / top, ref / top
            name = f"{i:03d}"
            sf.write(out / "mix" / "clean" / f"{name}.wav", ref, RATE, subtype="PCM_16")
            sf.write(out / "mix" / "noisy" / f"{name}.wav", x, RATE, subtype="PCM_16")
            log.writerow([name, clip.path, noise.path, kind, f"{snrs[i]:.1f}", rir, f"{bw:.0f}", f"{20 * np.log10(level):.1f}"])
