"""From voices and backgrounds to the batches of a step.

What `augment` makes is kept on hand for a while: every batch pairs kept voices with kept backgrounds anew, at a level, an SNR
and through a response of the moment, so that no mixture is seen twice. A few of them are replaced in every step.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
import torch.nn.functional as nnf
from torch import Tensor

from .augment import Augment, frame_energy, smooth_curves
from .corpus import Corpus
from .frontend import Analysis, FrontEnd, power
from .layout import BIN_HZ, BINS, EDGES, FILTERED, HOP, RATE
from .postfilter import noisy_share, pitch_filtered, taps
from .recipe import Recipe

COMPRESS = 0.3
"""Exponent of the compressed spectral loss."""
VOICE_DB = -33.0
"""A frame has voice from there on, relative to the loud ones."""
AT_ONCE = 128 * 3 * RATE
"""Samples mixed in one go: bounds the memory that the spectra take."""
CUTS = (3600.0, 5500.0, 7600.0, 11000.0, 15000.0)


@dataclass
class Batch:
    """Mixtures as the network and the loss need them. N clips, T frames."""

    features: Tensor
    """[N, T, 268]"""
    bands: Tensor
    """Band powers of the mixture [N, T, 136]."""
    noisy: Tensor
    """Mean power of a band's bins after the pitch filter [N, T, 136]."""
    clean: Tensor
    """The same of the target."""
    cross: Tensor
    """Mean of the real part of the pitch-filtered mixture's cross-spectrum with the target."""
    a: Tensor
    """Coefficients of the spectral loss u^2 A - 2 u P + B [N, T, 136], see `coefficients`."""
    p: Tensor
    b: Tensor
    low: Tensor
    """The lowest bins after the pitch filter, complex [N, T, 32]."""
    taps: Tensor
    """What the complex filter combines [N, T, 32, 3]."""
    target: Tensor
    """The lowest bins of the target, complex [N, T, 32]."""
    scale: Tensor
    """What A, P and B are multiplied by, so that every clip weighs the same [N, 1, 1]."""
    counts: Tensor
    """1 for bands below the voice's bandwidth, 0 for others [N, 1, 136]."""
    voice: Tensor
    """1 where there is voice [N, T]."""

    @property
    def seconds(self) -> float:
        """Sound in it."""
        return self.voice.numel() * HOP / RATE

    @staticmethod
    def cat(parts: list[Batch]) -> Batch:
        """One batch of several."""
        return parts[0] if len(parts) == 1 else Batch(*(torch.cat([getattr(p, f.name) for p in parts]) for f in fields(Batch)))


def coefficients(front: FrontEnd, x: Tensor, s: Tensor, phase: float) -> tuple[Tensor, Tensor, Tensor]:
    """A, P, B [N, T, 136] of the loss u^2 A - 2 u P + B, where u = g^0.3 and the gain g is that of a whole band.

    Summed over a band's bins that is phase |u|X|^c e^(jx) - |S|^c e^(js)|^2 + (1 - phase) (u|X|^c - |S|^c)^2, the compressed
    complex spectral loss of Braun and Tashev (2020) with c = 0.3.
    """
    px, ps = power(x) + 1e-16, power(s) + 1e-16
    xc, sc = px ** (COMPRESS / 2), ps ** (COMPRESS / 2)
    cos = (x.real * s.real + x.imag * s.imag) / (px * ps).sqrt()
    return front.band_sum(xc * xc), front.band_sum(xc * sc * (phase * cos + 1 - phase)), front.band_sum(sc * sc)


def voice_labels(target: Tensor) -> Tensor:
    """1 for frames with voice [N, T], from the energy of the clean signal, with two frames more on each side."""
    e = frame_energy(target)
    top = torch.quantile(e, 0.95, dim=1, keepdim=True)
    on = ((e > top * 10 ** (VOICE_DB / 10)) & (top >= 1e-13)).float()
    return nnf.max_pool1d(on[:, None], 5, 1, 2)[:, 0]


class Mixer:
    """Pairs sounds at levels of the moment. All randomness comes from one generator on the device."""

    def __init__(self, recipe: Recipe, device: torch.device | str = "cpu", seed: int = 0) -> None:
        self.recipe, self.mixing, self.device = recipe, recipe.mixing, torch.device(device)
        self.front = FrontEnd(device)
        self.random = torch.Generator(self.device).manual_seed(seed)
        self.curves = smooth_curves(7, BINS).to(self.device)
        self.edges = torch.from_numpy(EDGES[:-1].copy()).to(self.device)
        self.bin = torch.arange(BINS, device=self.device)

    def uniform(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """N numbers."""
        return low + (high - low) * torch.rand(n, generator=self.random, device=self.device)

    def _gaussian(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random, device=self.device)

    def combine(self, target: Tensor, wet: Tensor, noise: Tensor, lower: Tensor) -> tuple[Tensor, Tensor]:
        """Target and noisy signals [N, samples]: speech and noise at a random level and SNR, sometimes clipped, offset or rounded."""
        n, m = len(wet), self.mixing
        u = self.uniform(n)
        snr = (m.snr_mean + m.snr_deviation * self._gaussian(n)).clamp(-8, 35)
        snr = torch.where(u > 1 - m.clean - m.high_snr, self.uniform(n, 15, 35), snr)
        snr = torch.where(u > 1 - m.clean, self.uniform(n, 38, 65), snr)
        db = torch.where(self.uniform(n) < 0.7, -27 + 7 * self._gaussian(n), self.uniform(n, -50, -10))
        db = torch.where(self.uniform(n) < m.quiet, self.uniform(n, -80, -50), db)
        level = 10 ** (db / 20)
        there = torch.where(u < m.no_speech, 0.0, level)[:, None]
        target = target * there
        x = wet * there + noise * (level * 10 ** ((lower - snr) / 20))[:, None]
        # A microphone's own floor, up to 24 kHz.
        floor = torch.where(self.uniform(n) < m.floor, level * 10 ** (self.uniform(n, -65, -25) / 20), 0.0)
        x = x + floor[:, None] * self._gaussian(*x.shape)
        top = x.abs().amax(1)
        clipped = self.uniform(n) < m.clip
        limit = torch.where(clipped, (top + 1e-9).clamp(max=1) * 10 ** (-self.uniform(n, 1, 8) / 20), torch.inf)[:, None]
        x = x.clamp(-limit, limit)
        down = torch.where(clipped, 1.0, 1 / top.clamp(min=1))[:, None]
        x, target = x * down, target * down
        rounded = (self.uniform(n) < 0.4)[:, None]
        x = torch.where(rounded, torch.round(x * 32768) / 32768, x)
        offset = torch.where(self.uniform(n) < m.offset, 10 ** self.uniform(n, -2.3, -1), 0.0) * self._gaussian(n).sign()
        return target, x + offset[:, None]

    def reduce(self, target: Tensor, x: Tensor, bandwidth: Tensor) -> Batch:
        """What a step needs of mixtures [N, samples]; nothing above the bandwidth [N] counts."""
        n, front = len(x), self.front
        cut = torch.tensor(CUTS, device=self.device)[torch.randint(len(CUTS), (n,), generator=self.random, device=self.device)]
        bandwidth = torch.where(self.uniform(n) < self.mixing.narrow, torch.minimum(bandwidth, cut), bandwidth)
        limited = bandwidth < 17500
        k = torch.where(limited, (bandwidth * (0.97 / BIN_HZ)).long().clamp(max=BINS), BINS)
        soft = torch.where(self.uniform(n) < 0.5, 0.0, 10 ** self.uniform(n, -4.5, -2))
        within = self.bin < k[:, None]
        shape = self._gaussian(n, 7) @ self.curves.T * (self.mixing.response_db / 2)
        response = (torch.where(within, 1.0, soft[:, None]) * 10 ** (shape / 20))[:, None]
        s = front.stft(target) * (response * within[:, None])
        analysis = front.analyse(x, response)
        counts = ((self.edges < (k - 1)[:, None]) | ~limited[:, None])[:, None].float()
        return self._batch(analysis, s, counts, voice_labels(target))

    def _batch(self, analysis: Analysis, s: Tensor, counts: Tensor, voice: Tensor) -> Batch:
        front, width = self.front, self.front.band_bins
        clean = front.band_sum(power(s))
        # Without noise nothing is pitch-filtered: the share that the best gains would leave.
        share = noisy_share(torch.minimum(clean, analysis.bands).sum(2), analysis.bands.sum(2))
        spec = pitch_filtered(front, analysis, share * self.recipe.pitch_filter)
        a, p, b = (v * counts for v in coefficients(front, spec, s, self.recipe.loss[0].phase))
        scale = 100 / (a.sum(2).mean(1) + 1e-9)[:, None, None]
        noisy, cross = front.band_sum(power(spec)), front.band_sum(spec.real * s.real + spec.imag * s.imag)
        return Batch(
            analysis.features, analysis.bands, noisy / width, clean / width, cross / width, a * scale, p * scale, b * scale,
            spec[..., :FILTERED], taps(analysis), s[..., :FILTERED], scale, counts, voice,
        )


class Kept:
    """Voices and backgrounds of one length on hand, the oldest of which new ones replace."""

    def __init__(self, augment: Augment, mixer: Mixer, kept: int, fresh: float) -> None:
        self.augment, self.mixer, self.fresh, self.due = augment, mixer, fresh, 0.0
        n, device = augment.n, augment.device
        self.voices = {k: torch.zeros(kept, n, dtype=torch.int16, device=device) for k in ("target", "wet")}
        self.noises = torch.zeros(kept, n, dtype=torch.int16, device=device)
        self.numbers = {k: torch.zeros(kept, device=device) for k in ("voice_scale", "bandwidth", "noise_scale", "lower")}
        self.kept, self.at, self.full = kept, 0, 0

    def make(self, n: int) -> None:
        """Replaces the n oldest."""
        part = max(1, AT_ONCE // 4 // self.augment.n)
        while n > 0:
            k = min(n, part, self.kept - self.at)
            rows = slice(self.at, self.at + k)
            v, b = self.augment.voices(k), self.augment.backgrounds(k)
            scale = torch.maximum(v.target.abs().amax(1), v.wet.abs().amax(1)).clamp(min=1e-9) / 32767
            self.voices["target"][rows] = torch.round(v.target / scale[:, None]).short()
            self.voices["wet"][rows] = torch.round(v.wet / scale[:, None]).short()
            self.numbers["voice_scale"][rows], self.numbers["bandwidth"][rows] = scale, v.bandwidth
            scale = b.sound.abs().amax(1).clamp(min=1e-9) / 32767
            self.noises[rows] = torch.round(b.sound / scale[:, None]).short()
            self.numbers["noise_scale"][rows], self.numbers["lower"][rows] = scale, b.lower
            self.at = (self.at + k) % self.kept
            self.full = max(self.full, rows.stop)
            n -= k

    def draw(self, n: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Target, wet, noise, bandwidth, lower: voices and backgrounds drawn apart, some with a second background."""
        def some() -> Tensor:
            return torch.randint(self.full, (n,), generator=self.mixer.random, device=self.mixer.device)

        def noises(at: Tensor) -> Tensor:
            return self.noises[at] * self.numbers["noise_scale"][at, None]

        s, v, w = some(), some(), some()
        noise = noises(v)
        second = self.mixer.uniform(n) < self.mixer.mixing.second_noise
        gain = torch.where(second, 10 ** (-self.mixer.uniform(n, 0, 14) / 20), 0.0)
        noise = (noise + noises(w) * gain[:, None]) / (1 + gain.square()).sqrt()[:, None]
        scale = self.numbers["voice_scale"][s, None]
        return self.voices["target"][s] * scale, self.voices["wet"][s] * scale, noise, self.numbers["bandwidth"][s], self.numbers["lower"][v]

    @torch.no_grad()
    def batch(self, n: int) -> Batch:
        """N new mixtures."""
        self.due += self.fresh
        new = max(int(self.due), min(4 * n, self.kept) if not self.full else 0)
        self.make(new)
        self.due = max(0.0, self.due - new)
        part = max(1, AT_ONCE // self.augment.n)
        parts = []
        while n > 0:
            target, wet, noise, bandwidth, lower = self.draw(min(n, part))
            parts.append(self.mixer.reduce(*self.mixer.combine(target, wet, noise, lower), bandwidth))
            n -= part
        return Batch.cat(parts)


def kept(corpus: Corpus, recipe: Recipe, device: torch.device | str, seed: int, *, long: bool = False) -> Kept:
    """The sounds on hand for short or long clips, as a recipe wants them."""
    b = recipe.batches
    seconds, clips = (b.long_seconds, b.long_clips) if long else (b.seconds, b.clips)
    share = clips / b.clips
    augment = Augment(corpus, recipe.mixing, seconds, device, seed)
    return Kept(augment, Mixer(recipe, device, seed), max(clips, round(b.kept * share)), b.fresh * share)
