"""A rotating pool of speech and backgrounds on disk: one process writes shards, the trainer pairs and mixes what is there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from .augment import Mixer, Noise, Recipe, Speech, combine, reduce
from .features import RATE


def row(samples: int) -> np.dtype:
    """A speech and a background, which need not end up together. 16 bits each, at full scale: value = integer * scale."""
    return np.dtype(
        [
            ("target", "i2", samples), ("wet", "i2", samples), ("noise", "i2", samples),
            ("speech_scale", "f4"), ("noise_scale", "f4"), ("bandwidth", "f4"), ("lower", "f4"),
        ]
    )


def _scale(*sounds: np.ndarray) -> np.float32:
    return np.float32(max(1e-9, *(float(np.abs(x).max()) for x in sounds)) / 32767)


def write_shard(mixer: Mixer, folder: Path, index: int, clips: int, seed: int) -> None:
    """Shard `index` of a seeded stream, one file."""
    rng = np.random.default_rng([seed, index])
    out = np.empty(clips, row(mixer.n))
    for r in out:
        s, v = mixer.speech(rng), mixer.background(rng)
        r["speech_scale"], r["noise_scale"] = _scale(s.target, s.wet), _scale(v.sound)
        for name, sound, scale in (("target", s.target, "speech"), ("wet", s.wet, "speech"), ("noise", v.sound, "noise")):
            r[name] = np.rint(sound / r[f"{scale}_scale"])
        r["bandwidth"], r["lower"] = s.bandwidth, v.lower
    tmp = folder / f"tmp_{os.getpid()}.npy"
    np.save(tmp, out)
    os.replace(tmp, folder / f"shard_{index:07d}.npy")


def shards(folder: Path) -> list[Path]:
    """Finished shards, oldest first."""
    return sorted(folder.glob("shard_*.npy"))


def fill(mixer: Mixer, folder: Path, clips: int, keep: int, seed: int, stop: int | None = None, duty: float = 1.0) -> None:
    """Writes shards for ever (or up to `stop`), deleting the oldest beyond `keep`. Goes on after the last one there.

    With `duty` below one it rests between shards, so that the trainer keeps its core.
    """
    folder.mkdir(parents=True, exist_ok=True)
    have = shards(folder)
    i = int(have[-1].stem.split("_")[1]) + 1 if have else 0
    begun, made = time.process_time(), 0
    while stop is None or i < stop:
        t = time.monotonic()
        write_shard(mixer, folder, i, clips, seed)
        time.sleep((time.monotonic() - t) * (1 / duty - 1))
        i += 1
        made += clips * mixer.n
        for old in shards(folder)[:-keep]:
            old.unlink(missing_ok=True)
        if i % 5 == 0:
            rate = made / RATE / (time.process_time() - begun)
            print(f"shard {i}: {made / RATE / 3600:.2f} h made, {rate:.0f} audio-s per CPU-s", flush=True)


def mixture(rng: np.random.Generator, recipe: Recipe, speech: np.void, noise: np.void, comb: float = 0.0) -> np.ndarray:
    """The speech of one row with the background of another, [T, 813] float32: features, A, P, levels of clean and combed, voice."""
    s = Speech(speech["target"] * speech["speech_scale"], speech["wet"] * speech["speech_scale"], float(speech["bandwidth"]))
    e = reduce(rng, *combine(rng, recipe, s, Noise(noise["noise"] * noise["noise_scale"], float(noise["lower"]))), comb)
    return np.concatenate([e.feat, e.a, e.p, e.clean, e.heard, e.vad[:, None]], 1, dtype=np.float32)


def probe(path: Path) -> np.ndarray:
    """The mixtures of a shard, every speech with the background beside it: the same whenever it is asked."""
    rng = np.random.default_rng(int(path.stem.split("_")[1]))
    return np.stack([mixture(rng, Recipe(), r, r) for r in np.load(path)])


class Pool:
    """Random batches from the shards on disk."""

    def __init__(self, folder: Path, rng: np.random.Generator, comb: float = 0.0) -> None:
        self.folder, self.rng, self.recipe, self.comb = folder, rng, Recipe(), comb
        self.open: dict[Path, np.ndarray] = {}
        self.names: list[Path] = []
        self.scan = 0.0

    def refresh(self) -> None:
        """Looks for new and vanished shards every ten seconds."""
        if time.monotonic() - self.scan < 10 and self.names:
            return
        self.scan = time.monotonic()
        self.names = shards(self.folder)
        self.open = {k: v for k, v in self.open.items() if k in set(self.names)}

    def _draw(self) -> np.void:
        while True:
            path = self.names[self.rng.integers(len(self.names))]
            try:
                if path not in self.open:
                    self.open[path] = np.load(path, mmap_mode="r")
                s = self.open[path]
                return s[self.rng.integers(len(s))]
            except FileNotFoundError:
                self.scan = 0.0
                self.refresh()

    def batch(self, n: int) -> np.ndarray:
        """[n, T, 813] float32: n mixtures, each of a speech and a background drawn by themselves."""
        self.refresh()
        return np.stack([mixture(self.rng, self.recipe, self._draw(), self._draw(), self.comb) for _ in range(n)])
