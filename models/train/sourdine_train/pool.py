"""A rotating pool of ready mixtures on disk: one process writes shards, the trainer draws from those that are there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np

from .augment import Mixer
from .features import BANDS, HOP, RATE

KEYS = ("feat", "a", "p")


def write_shard(mixer: Mixer, folder: Path, index: int, clips: int, seed: int) -> None:
    """Shard `index` of a seeded stream; one file, [clips, T, 410] float16: features, A, P, sum of B, voice."""
    rng = np.random.default_rng([seed, index])
    frames = mixer.n // HOP
    out = np.empty((clips, frames, 3 * BANDS + 2), np.float16)
    for i in range(clips):
        e = mixer.example(rng)
        out[i, :, :BANDS], out[i, :, BANDS : 2 * BANDS], out[i, :, 2 * BANDS : 3 * BANDS] = e.feat, e.a, e.p
        out[i, :, -2], out[i, :, -1] = np.minimum(e.b.sum(1), 60000), e.vad
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


class Pool:
    """Random batches from the shards on disk."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self.folder, self.rng = folder, rng
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

    def batch(self, n: int) -> np.ndarray:
        """[n, T, 410] float32, each clip from a shard of its own draw."""
        self.refresh()
        rows = []
        while len(rows) < n:
            path = self.names[self.rng.integers(len(self.names))]
            try:
                if path not in self.open:
                    self.open[path] = np.load(path, mmap_mode="r")
                s = self.open[path]
            except FileNotFoundError:
                self.scan = 0.0
                self.refresh()
                continue
            rows.append(np.asarray(s[self.rng.integers(len(s))], np.float32))
        return np.stack(rows)
