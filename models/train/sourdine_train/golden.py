"""Golden vectors: what an engine must reproduce (FORMAT.md, last section)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile as sf

from . import container, export
from .enhance import Stream
from .features import HOP, RATE

KEEP = ("feat", "raw", "gain", "comb", "vad", "out")
REPEATS = 38


def _voice(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """An espeak-ng sentence where that program exists, a gliding buzz through two formants otherwise."""
    n = int(seconds * RATE)
    if shutil.which("espeak-ng"):
        with tempfile.NamedTemporaryFile(suffix=".wav") as f:
            text = "The engine hums while a quiet voice reads seven short words."
            subprocess.run(["espeak-ng", "-v", "en-gb", "-s", "160", "-w", f.name, text], check=True)
            x, rate = sf.read(f.name, dtype="float32")
        x = scipy.signal.resample_poly(x, RATE // 50, rate // 50).astype(np.float32)
    else:
        t = np.arange(n) / RATE
        x = scipy.signal.sawtooth(2 * np.pi * np.cumsum(120 + 30 * np.sin(2 * np.pi * t)) / RATE)
        for f0 in (600.0, 1700.0):
            b, a = scipy.signal.iirpeak(f0, 5, fs=RATE)
            x = x + 3 * scipy.signal.lfilter(b, a, x)
        x = x * (np.sin(2 * np.pi * 1.5 * t) > -0.4)
    x = np.resize(x / np.abs(x).max(), n).astype(np.float32)
    return 0.35 * x


def inputs(seed: int = 7) -> dict[str, np.ndarray]:
    """The i16 input of every case, [T, 480]."""
    rng = np.random.default_rng(seed)
    v = _voice(1.6, rng)
    t = np.arange(len(v)) / RATE
    noise = scipy.signal.lfilter([0.03], [1, -0.97], rng.standard_normal(len(v))) + 0.004 * rng.standard_normal(len(v))
    noise += 0.01 * np.sin(2 * np.pi * 100 * t) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t))
    mix = v + 0.3 * noise

    def pcm(x: np.ndarray, frames: int) -> np.ndarray:
        x = np.clip(np.rint(x[: frames * HOP] * 32768), -32768, 32767).astype(np.int16)
        return x.reshape(frames, HOP)

    return {
        "speech": pcm(mix, 160),
        "silence": np.zeros((20, HOP), np.int16),
        "clipped": pcm(mix * 30, 40),
        "white": pcm(0.1 * rng.standard_normal(40 * HOP), 40),
        "reset": pcm(mix[20 * HOP :], 40),
    }


def make(weights: Path, out: Path) -> None:
    """Runs every case through the streaming reference and writes the file."""
    net, refiner, meta = export.load(weights)
    tensors: dict[str, np.ndarray] = {}
    cases = inputs()
    for name, x in cases.items():
        s = Stream(net, refiner)
        at = sorted({i for i in (0, 1, 2, 10, 19, 20, 21, len(x) - 1) if i < len(x)})
        rows = []
        for i, frame in enumerate(x):
            if name == "reset" and i == 20:
                s.reset()
            rows.append(s.push(frame.astype(np.float32) / 32768))
        tensors[f"{name}.in"] = x
        for k in KEEP:
            a = np.stack([r[k] for r in rows]).astype(np.float32)
            tensors[f"{name}.{k}"] = a[:, 0] if k == "vad" else a
        tensors[f"{name}.at"] = np.array(at, np.int32)
        for k in ("c", "h1", "h2"):
            tensors[f"{name}.{k}"] = np.stack([rows[i][k] for i in at]).astype(np.float32)
    # A minute of the first case, over and over: an error that grows shows here.
    s = Stream(net, refiner)
    ends = [[s.push(frame.astype(np.float32) / 32768) for frame in cases["speech"]][-1] for _ in range(REPEATS)]
    tensors["minute.gain"] = np.stack([e["gain"] for e in ends]).astype(np.float32)
    tensors["minute.vad"] = np.array([e["vad"] for e in ends], np.float32).reshape(-1)
    container.save(out, tensors, {"cases": ",".join(cases), "weights": weights.name, "model": meta["name"], "hours": meta["hours"]})
