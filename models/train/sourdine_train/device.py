"""The same mixing as `augment.combine` and `augment.reduce`, on whole batches in a GPU's memory.

On two cores the trainer mixes clip by clip with NumPy; a GPU eats a hundred times more, so there voices and backgrounds lie
in its own memory, a ring that the generators' shards go round in, and everything from the draw to the loss coefficients is
PyTorch. `tests/test_device.py` holds both to the same numbers.
"""

from __future__ import annotations

import threading
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

from .augment import COMPRESS, PHASE, VOICE_DB, Recipe
from .features import (
    ANALYSIS,
    BANDS,
    BIN_HZ,
    BINS,
    EDGES,
    FLOOR,
    GROUPS,
    HOP,
    LONGEST,
    MEMORY,
    PERIODIC,
    PHASES,
    RATE,
    SHORTEST,
    SINGLE,
    TINY,
    TURN,
    WIDTH,
    WINDOW,
)
from .refine import GROUP_BINS, REPEAT

AT_ONCE = 128 * 3 * RATE
"""Samples that are mixed in one go: what bounds the memory that the spectra take."""


class Front:
    """What `features.hear` and `augment.coefficients` need, on one device."""

    def __init__(self, device: torch.device) -> None:
        def put(x: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(x)).to(device)

        self.analysis, self.turn, self.width = put(ANALYSIS), put(TURN), put(WIDTH)
        self.edges = put(EDGES)
        bands = np.repeat(np.arange(BANDS), REPEAT)
        self.wide = put((bands[SINGLE:, None] == np.arange(SINGLE, BANDS)).astype(np.float32))
        self.group_of = put(np.repeat(np.arange(len(GROUPS)), GROUP_BINS))
        self.bins = torch.arange(BINS, device=device)

    def band_sum(self, x: Tensor) -> Tensor:
        """[..., 769] to [..., 136]."""
        return torch.cat([x[..., :SINGLE], x[..., SINGLE:] @ self.wide], -1)

    def levels(self, bands: Tensor) -> Tensor:
        """Log levels from the bands' powers."""
        return 0.5 * torch.log10(bands / (self.width * (WINDOW / 2)) + FLOOR)

    def group_sum(self, x: Tensor) -> Tensor:
        """[..., 769] to [..., 34]."""
        return self.band_sum(x).unflatten(-1, (len(GROUPS), 4)).sum(-1)

    def spectrum(self, windows: Tensor) -> Tensor:
        """Of frames [..., 1536]."""
        return torch.fft.rfft(windows * self.analysis)

    def stft(self, x: Tensor) -> Tensor:
        """[N, samples] to [N, T, 769]."""
        return self.spectrum(nnf.pad(x, (WINDOW - HOP, 0)).unfold(1, WINDOW, HOP))

    def periods(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """Period in samples and its likelihood, [N, T] each."""
        root = torch.zeros_like(power)
        root[..., PERIODIC.start : PERIODIC.stop] = power[..., PERIODIC.start : PERIODIC.stop].sqrt().sqrt()
        search = torch.fft.irfft(root, WINDOW)[..., : LONGEST + 1]
        # The sum over all frames so far, each counting half of the next, by doubling: after 32 there is nothing left of it.
        for k in (1, 2, 4, 8, 16):
            search = search + MEMORY**k * nnf.pad(search, (0, 0, k, 0))[:, : search.shape[1]]
        best, at = search[..., SHORTEST:].max(-1)
        return at + SHORTEST, best / (search[..., 0] + TINY)

    def hear(self, x: Tensor, above: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Spectra, spectra one period earlier [N, T, 769], features [N, T, 268]. `above` [N, 1, 769] scales bins."""
        n, frames = x.shape[0], x.shape[1] // HOP
        windows = nnf.pad(x, (WINDOW - HOP + LONGEST, 0)).unfold(1, WINDOW, 1)
        first = torch.arange(frames, device=x.device) * HOP + LONGEST
        spec = self.spectrum(windows[:, LONGEST::HOP])
        if above is not None:
            spec = spec * above
        power = spec.real.square() + spec.imag.square()
        lag, strength = self.periods(power)
        clip = torch.arange(n, device=x.device)[:, None]
        again = torch.where(2 * lag <= LONGEST, 2 * lag, lag)
        earlier = self.spectrum(0.5 * (windows[clip, first - lag] + windows[clip, first - again]))
        if above is not None:
            earlier = earlier * above
        low = nnf.pad(torch.view_as_real(spec[..., :PHASES]), (0, 0, 0, 0, 1, 0))
        low = torch.view_as_complex(low.contiguous())
        turn = low[:, 1:] * low[:, :-1].conj() * self.turn
        turn = turn / (turn.abs() + FLOOR * WINDOW / 2)
        both = self.group_sum(spec.real * earlier.real + spec.imag * earlier.imag)
        bands = self.band_sum(power)
        before = self.group_sum(earlier.real.square() + earlier.imag.square())
        like = both / (bands.unflatten(-1, (len(GROUPS), 4)).sum(-1) * before + TINY).sqrt()
        level = self.levels(bands)
        period = 3 * torch.log10(lag / (SHORTEST * LONGEST) ** 0.5)
        return spec, earlier, torch.cat([level, turn.real, turn.imag, like, period[..., None], strength[..., None]], -1)

    def coefficients(self, x: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """A and P of the loss, [N, T, 136] each."""
        px = x.real.square() + x.imag.square() + 1e-16
        ps = s.real.square() + s.imag.square() + 1e-16
        xc, sc = px ** (COMPRESS / 2), ps ** (COMPRESS / 2)
        cos = (x.real * s.real + x.imag * s.imag) / (px * ps).sqrt()
        return self.band_sum(xc * xc), self.band_sum(xc * sc * (PHASE * cos + 1 - PHASE))

    def comb(self, spec: Tensor, earlier: Tensor, like: Tensor, strength: float) -> Tensor:
        """The spectrum as the engine strengthens voice in it where there is noise (`refine.apply`)."""
        r = (strength * like.clamp(min=0).square())[..., self.group_of]
        return (spec + r * earlier) / (1 + r)


def voice_labels(target: Tensor) -> Tensor:
    """As `augment.voice_labels`: [N, samples] to [N, T] of 0 and 1."""
    e = target.unflatten(1, (-1, HOP)).square().mean(2)
    top = torch.quantile(e, 0.95, dim=1, keepdim=True)
    loud = ((e > top * 10 ** (VOICE_DB / 10)) & (top >= 1e-11)).float()
    return nnf.max_pool1d(loud[:, None], 5, 1, 2)[:, 0]


class Mixing:
    """Draws and mixes batches; all randomness comes from one generator on the device."""

    def __init__(self, device: torch.device, seed: int, recipe: Recipe | None = None, comb: float = 0.0) -> None:
        self.front, self.recipe, self.comb = Front(device), recipe or Recipe(), comb
        self.rng = torch.Generator(device).manual_seed(seed)
        self.device = device

    def uniform(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """N numbers."""
        return low + (high - low) * torch.rand(n, generator=self.rng, device=self.device)

    def normal(self, n: int, mean: float, deviation: float) -> Tensor:
        """N numbers."""
        return mean + deviation * torch.randn(n, generator=self.rng, device=self.device)

    def combine(self, target: Tensor, wet: Tensor, noise: Tensor, lower: Tensor) -> tuple[Tensor, Tensor]:
        """Target and noisy signals [N, samples] (`augment.combine`)."""
        n, r = len(wet), self.recipe
        u = self.uniform(n)
        snr = self.normal(n, *r.snr).clamp(-8, 35)
        snr = torch.where(u > 1 - r.clean - r.high_snr, self.uniform(n, 15, 35), snr)
        snr = torch.where(u > 1 - r.clean, self.uniform(n, 38, 65), snr)
        db = torch.where(self.uniform(n) < 0.7, self.normal(n, -27, 7), self.uniform(n, -50, -10))
        level = 10 ** (db / 20)
        there = torch.where(u < r.no_speech, 0.0, level)[:, None]
        target = target * there
        x = wet * there + noise * (level * 10 ** ((lower - snr) / 20))[:, None]
        top = x.abs().amax(1)
        clipped = self.uniform(n) < r.clip
        limit = torch.where(clipped, (top + 1e-9).clamp(max=1) * 10 ** (-self.uniform(n, 1, 8) / 20), torch.inf)[:, None]
        x = x.clamp(-limit, limit)
        down = torch.where(clipped, 1.0, 1 / top.clamp(min=1))[:, None]
        x, target = x * down, target * down
        rounded = (self.uniform(n) < 0.4)[:, None]
        return target, torch.where(rounded, torch.round(x * 32768) / 32768, x)

    def reduce(self, target: Tensor, x: Tensor, bandwidth: Tensor) -> Tensor:
        """Mixtures [N, samples] to [N, T, 813]: features, A, P, levels of clean and combed, voice (`augment.reduce`)."""
        n, f = len(x), self.front
        cuts = torch.tensor([3600.0, 5500.0, 7600.0, 11000.0, 15000.0], device=self.device)
        cut = cuts[torch.randint(5, (n,), generator=self.rng, device=self.device)]
        bandwidth = torch.where(self.uniform(n) < 0.12, torch.minimum(bandwidth, cut), bandwidth)
        limited = bandwidth < 17500
        k = torch.where(limited, (bandwidth * (0.97 / BIN_HZ)).long().clamp(max=BINS), BINS)
        soft = torch.where(self.uniform(n) < 0.5, 0.0, 10 ** self.uniform(n, -4.5, -2))
        within = f.bins < k[:, None]
        above = torch.where(within, 1.0, soft[:, None])[:, None]
        s = f.stft(target) * within[:, None]
        spec, earlier, feat = f.hear(x, above)
        if self.comb:
            spec = f.comb(spec, earlier, feat[..., BANDS + 2 * PHASES : -2], self.comb)
        a, p = f.coefficients(spec, s)
        counts = ((f.edges[:-1] < (k - 1)[:, None]) | ~limited[:, None])[:, None]
        a, p = a * counts, p * counts
        scale = 100.0 / (a.sum(2).mean(1) + 1e-9)[:, None, None]
        clean, heard = (f.levels(f.band_sum(v.real.square() + v.imag.square())) for v in (s, spec))
        return torch.cat([feat, a * scale, p * scale, clean, heard, voice_labels(target)[..., None]], -1)


class Ring:
    """A pool in device memory. A thread copies the generators' new shards over the oldest rows."""

    def __init__(self, folder: Path, mixing: Mixing, room: float, more_noise: float = 0.3) -> None:
        """Takes up to `room` bytes; waits for the first shards, which say how long the clips are."""
        self.folder, self.mixing, self.more_noise = folder, mixing, more_noise
        self.at, self.full, self.loaded = 0, 0, 0
        while not (first := self._new()):
            time.sleep(0.2)
        n = np.load(first[0], mmap_mode="r")["wet"].shape[1]
        self.rows = int(room // (6 * n))
        self.sounds = {k: torch.zeros(self.rows, n, dtype=torch.int16, device=mixing.device) for k in ("target", "wet", "noise")}
        self.numbers = {k: torch.zeros(self.rows, device=mixing.device) for k in ("speech_scale", "noise_scale", "bandwidth", "lower")}
        self.take()
        threading.Thread(target=self._follow, daemon=True).start()

    def _new(self) -> list[Path]:
        return sorted(self.folder.glob("**/shard_*.npy"))

    def _follow(self) -> None:
        while True:
            if not self.take():
                time.sleep(0.2)

    def take(self) -> int:
        """Moves all finished shards from the folder, and from folders in it, into the ring; how many."""
        new = self._new()
        for path in new:
            try:
                self.put(np.load(path))
            except FileNotFoundError:  # Its generator has taken it back.
                continue
            path.unlink(missing_ok=True)
        return len(new)

    def put(self, shard: np.ndarray) -> None:
        """The rows of a shard over the oldest ones."""
        if self.at + len(shard) > self.rows:
            self.at = 0
        for k, v in (self.sounds | self.numbers).items():
            v[self.at : self.at + len(shard)] = torch.from_numpy(np.ascontiguousarray(shard[k])).to(v.device)
        self.at += len(shard)
        self.full = max(self.full, self.at)
        self.loaded += len(shard)

    def draw(self, n: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Target, wet, noise, bandwidth, lower; voices and backgrounds drawn apart, some with a second background."""
        def some() -> Tensor:
            return torch.randint(self.full, (n,), generator=self.mixing.rng, device=self.mixing.device)

        def noises(at: Tensor) -> Tensor:
            return self.sounds["noise"][at] * self.numbers["noise_scale"][at, None]

        s, v, w = some(), some(), some()
        noise = noises(v)
        gain = torch.where(self.mixing.uniform(n) < self.more_noise, 10 ** (-self.mixing.uniform(n, 0, 14) / 20), 0.0)
        noise = (noise + noises(w) * gain[:, None]) / (1 + gain.square()).sqrt()[:, None]
        scale = self.numbers["speech_scale"][s, None]
        return self.sounds["target"][s] * scale, self.sounds["wet"][s] * scale, noise, self.numbers["bandwidth"][s], self.numbers["lower"][v]

    @torch.no_grad()
    def batch(self, n: int) -> Tensor:
        """[n, T, 813], mixed in parts."""
        part = max(1, AT_ONCE // self.sounds["wet"].shape[1])
        out = []
        while n > 0:
            target, wet, noise, bandwidth, lower = self.draw(min(n, part))
            out.append(self.mixing.reduce(*self.mixing.combine(target, wet, noise, lower), bandwidth))
            n -= part
        return torch.cat(out)
