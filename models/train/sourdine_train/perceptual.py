"""Four perceptual measures on band powers, which the last hours of training may add to the loss.

The closed-form loss weighs every dB of error equally. `annoyance` weighs it by loudness, after the perceptual model
of ITU-T P.862 (Beerends and Hekstra, 2002): Bark bands, Zwicker's law of loudness above Terhardt's threshold in quiet, a
difference below a quarter of the softer of both does not count, what was added counts more than what is missing, and the
loudest moments of a third of a second decide. `intelligibility` is the extended short-time objective intelligibility of Jensen
and Taal (2016): the correlation of 384 ms of spectrogram in fifteen third-octave bands, each band and each moment normalised.

These two stand here in our bands and our hop of 10 ms, without time alignment, so neither number is the standard's. P.862
forgives a level or a colour that is wrong throughout; `attenuation` says by how much the voice is quieter. Only `distance`, the
log-spectral distance of Gray and Markel (1976), counts noise in pauses. P.862 ends at 8 kHz, these bands at 16.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

from .layout import BAND_BINS, BAND_HZ

TOP_HZ = 16000.0
ACTIVE_POWER = 3.4e6
"""Power of speech, in units of the power at 0 dB SPL, summed over the Bark bands (65 dB)."""
SCALE = 0.187
"""Of loudness, in P.862."""
EXPONENT = 0.23
SEGMENT = 32
"""Frames over which the loudest moments decide."""
ENVELOPE = 38
"""Frames of a stretch whose intelligibility is judged."""


def _bark(hz: np.ndarray) -> np.ndarray:
    """Traunmueller (1990)."""
    return 26.81 * hz / (1960 + hz) - 0.53


def _groups(of: np.ndarray, count: int) -> Tensor:
    """[136, count] of 0 and 1 from the group of every band (those beyond 0 .. count are left out)."""
    return torch.from_numpy((of[:, None] == np.arange(count)).astype(np.float32))


class PerceptualLoss:
    """The measures, on one device."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        audible = BAND_HZ < TOP_HZ
        of = np.floor(2 * np.maximum(_bark(BAND_HZ), 0)).astype(int)
        _, of = np.unique(np.where(audible, of, 999), return_inverse=True)
        count = int(of[audible].max()) + 1
        barks = _groups(np.where(audible, of, -1), count)
        weight = torch.from_numpy(BAND_BINS.astype(np.float32))[:, None]
        hz = np.array([BAND_HZ[audible & (of == k)].mean() for k in range(count)])
        khz = np.maximum(hz, 40) / 1000
        quiet = 3.64 * khz**-0.8 - 6.5 * np.exp(-0.6 * (khz - 3.3) ** 2) + 1e-3 * khz**4
        z = np.maximum(_bark(hz), 0)
        steeper = np.where(z < 4, np.minimum(6 / (z + 2), 2), 1) ** 0.15
        wide = np.gradient(_bark(hz))
        thirds = np.floor(3 * np.log2(np.maximum(BAND_HZ, 1) / 150) + 0.5).astype(int)
        self.barks, self.thirds = (barks * weight).to(device), (_groups(thirds, 15) * weight).to(device)
        self.quiet = torch.from_numpy(10 ** (quiet / 10)).float().to(device)
        self.exponent = torch.from_numpy(EXPONENT * steeper).float().to(device)
        self.wide = torch.from_numpy(wide).float().to(device)
        self.audible = torch.from_numpy(np.flatnonzero(audible)).to(device)

    def _loudness(self, power: Tensor) -> Tensor:
        return SCALE * (self.quiet / 0.5) ** self.exponent * ((0.5 + 0.5 * power / self.quiet) ** self.exponent - 1).clamp(min=0)

    def annoyance(self, output: Tensor, clean: Tensor) -> Tensor:
        """By how much the score of P.862 would fall below 4.5, of every clip. Mean powers of a bin, [N, T, 136] each."""
        x, s = output @ self.barks, clean @ self.barks
        energy = s.sum(2)
        active = (energy > 1e-3 * energy.amax(1, keepdim=True)).float()
        frames = active.sum(1).clamp(min=1)
        unit = ACTIVE_POWER / ((energy * active).sum(1) / frames + 1e-12)
        x, s = x * unit[:, None, None], s * unit[:, None, None]
        # A colouring that stays is forgiven in part, and so is a level that wanders: `attenuation` is for that.
        mean = [(v * active[..., None]).sum(1) / frames[:, None] + 1000 for v in (x, s)]
        s = s * (mean[0] / mean[1]).clamp(0.01, 100)[:, None]
        level = (s.sum(2) + 5000) / (x.sum(2) + 5000)
        level = (0.8 * level + 0.2 * nnf.pad(level, (1, 0), value=1.0)[:, :-1]).clamp(3e-4, 5)
        x = x * level[..., None]
        a, b = self._loudness(x), self._loudness(s)
        difference = a - b
        difference = torch.sign(difference) * (difference.abs() - 0.25 * torch.minimum(a, b)).clamp(min=0)
        added = ((x + 50) / (s + 50)) ** 1.2
        added = torch.where(added < 3, 0.0, added.clamp(max=12))
        scale = ((s.sum(2) + 1e5) / 1e7) ** 0.04
        both = ((difference * self.wide).square().sum(2) * self.wide.sum() + 1e-9).sqrt() / scale
        more = ((difference.abs() * added) * self.wide).sum(2) / scale
        return 0.1 * self._over_time(both.clamp(max=45)) + 0.0309 * self._over_time(more.clamp(max=45))

    @staticmethod
    def _over_time(d: Tensor) -> Tensor:
        loud = (d.unfold(1, SEGMENT, SEGMENT // 2) + 1e-6).pow(6).mean(2).pow(1 / 6)
        return (loud.square().mean(1) + 1e-9).sqrt()

    def distance(self, output: Tensor, clean: Tensor) -> Tensor:
        """Log-spectral distance of every clip in bels: root mean square over the bands of a frame, mean over the frames.

        Powers count from 50 dB below the voice's mean on.
        """
        least = 1e-5 * clean.mean((1, 2), keepdim=True) + 1e-10
        difference = torch.log10((output + least) / (clean + least))[..., self.audible]
        return (difference.square().mean(2) + 1e-6).sqrt().mean(1)

    def attenuation(self, kept: Tensor, clean: Tensor) -> Tensor:
        """By how many dB the voice of every clip is quieter, Bark band by Bark band.

        `kept` is the real part of the output's cross-spectrum with the voice: the gain times `clean` where a gain is all there is.
        """
        before, after = (clean @ self.barks).sum(1), (kept @ self.barks).sum(1).clamp(min=0)
        share = (after.square() / (before + 1e-12)).sum(1) / (before.sum(1) + 1e-12)
        return -10 * torch.log10(share + 1e-4)

    def intelligibility(self, output: Tensor, clean: Tensor) -> Tensor:
        """-1 to 1, of every clip; 1 for one without speech."""
        x, s = [(v @ self.thirds + 1e-12).sqrt() for v in (output, clean)]
        loud = s.square().sum(2)
        active = (loud > 1e-4 * loud.amax(1, keepdim=True)) & (loud > 1e-9)
        pieces = [v.unfold(1, ENVELOPE, ENVELOPE // 2) for v in (x, s)]

        def unit(v: Tensor, axis: int) -> Tensor:
            v = v - v.mean(axis, keepdim=True)
            return v / (v.square().sum(axis, keepdim=True) + 1e-9 * v.shape[axis]).sqrt()

        a, b = [unit(unit(v / (v.square().mean((2, 3), keepdim=True) + 1e-12).sqrt(), 3), 2) for v in pieces]
        correlation = (a * b).sum(2).mean(2)
        count = active.float().unfold(1, ENVELOPE, ENVELOPE // 2).mean(2)
        count = torch.where(count > 0.7, 1.0, 0.0)
        total = count.sum(1)
        return torch.where(total > 0, (correlation * count).sum(1) / total.clamp(min=1), 1.0)
