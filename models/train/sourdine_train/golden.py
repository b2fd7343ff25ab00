"""Golden vectors: what an engine must reproduce (FORMAT.md, last section)."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile as sf
import torch
from safetensors.numpy import save

from .enhance import Enhanced, Enhancer
from .layout import HOP, RATE

FRAMES = 80
RESET = 20
REPEATS = (1, 10, 20, 40, 60)
AT = {"speech": (0, 1, 2, 20, 45, 79), "clipped": (3, 39), "white": (3, 39), "silence": (0, 19), "reset": (20, 39)}
"""Frames for which all is given, of every case."""


def _voice(n: int) -> np.ndarray:
    """An espeak-ng sentence where that program exists, a gliding buzz through two formants otherwise."""
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
    return 0.35 * np.resize(x / np.abs(x).max(), n).astype(np.float32)


def speech() -> np.ndarray:
    """A voice in low noise and hum, int16 [80 * 480]."""
    rng = np.random.default_rng(7)
    n = FRAMES * HOP
    t = np.arange(n) / RATE
    noise = scipy.signal.lfilter([0.03], [1, -0.97], rng.standard_normal(n)) + 0.004 * rng.standard_normal(n)
    noise += 0.01 * np.sin(2 * np.pi * 100 * t) * (1 + 0.5 * np.sin(2 * np.pi * 3 * t))
    return np.clip(np.rint((_voice(n) + 0.3 * noise) * 32768), -32768, 32767).astype(np.int16)


def white(n: int) -> np.ndarray:
    """Noise that any language makes alike: a linear congruential generator's upper halves, an eighth of full scale."""
    state, out = 1, np.empty(n, np.int16)
    for i in range(n):
        state = (state * 1664525 + 1013904223) % 2**32
        out[i] = np.int16(np.uint16(state >> 16).view(np.int16)) >> 3
    return out


def inputs(x: np.ndarray) -> dict[str, np.ndarray]:
    """The int16 input of every case, from that of `speech`."""
    return {
        "speech": x,
        "clipped": np.clip(x[: 40 * HOP].astype(int) * 30, -32768, 32767).astype(np.int16),
        "white": white(40 * HOP),
        "silence": np.zeros(20 * HOP, np.int16),
        "reset": x[: 40 * HOP],
    }


def _rows(r: Enhanced, at: list[int]) -> dict[str, np.ndarray]:
    given = {
        "feat": r.features, "raw": r.raw, "gain": r.gains, "filter": torch.view_as_real(r.filter), "pitch": r.pitch,
        "out": r.sound.view(-1, HOP), **dict(zip(("c", "h1", "h2"), r.layers, strict=False)),
    }
    return {k: v[at].numpy() for k, v in given.items()}


def make(weights: Path, out: Path) -> None:
    """Runs every case and writes the file."""
    enhancer = Enhancer(weights)
    x = speech()
    tensors: dict[str, np.ndarray] = {"speech.in": x.reshape(-1, HOP)}
    for name, pcm in inputs(x).items():
        sound = pcm.astype(np.float32) / 32768
        begin = RESET if name == "reset" else 0
        r = enhancer.run(sound[begin * HOP :])
        tensors |= {f"{name}.{k}": v for k, v in _rows(r, [i - begin for i in AT[name]]).items()}
        tensors[f"{name}.at"] = np.array(AT[name], np.int32)
        tensors[f"{name}.vad"] = r.voice[[i - begin for i in AT[name]]].numpy()
    # The first case over and over: an error that grows shows here.
    r = enhancer.run(np.tile(x, REPEATS[-1]).astype(np.float32) / 32768)
    ends = [k * FRAMES - 1 for k in REPEATS]
    tensors |= {"repeated.at": np.array(ends, np.int32), "repeated.gain": r.gains[ends].numpy(), "repeated.vad": r.voice[ends].numpy()}
    meta = {"cases": ",".join(AT), "weights": weights.name, "model": enhancer.meta["name"], "hours": enhancer.meta["hours"]}
    out.write_bytes(save({k: np.ascontiguousarray(v) for k, v in tensors.items()}, meta))
