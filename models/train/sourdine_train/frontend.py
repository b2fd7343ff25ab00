"""From sound to features, in PyTorch, for batches on any device (FORMAT.md, steps 1 to 4).

Frame t ends with the samples of hop t; samples before the first are zero.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

from .layout import (
    ADVANCE,
    ANALYSIS,
    BAND_BINS,
    BANDS,
    FLOOR,
    GROUP,
    GROUPS,
    HOP,
    LONGEST,
    PHASES,
    PITCH_BINS,
    SEARCH_MEMORY,
    SHORTEST,
    SINGLE,
    SYNTHESIS,
    TINY,
    WINDOW,
)


def power(x: Tensor) -> Tensor:
    """Squared magnitude of a complex tensor."""
    return x.real.square() + x.imag.square()


@dataclass
class Analysis:
    """Of every frame: its spectrum, the one a pitch period earlier [N, T, 769], and the features [N, T, 268]."""

    spec: Tensor
    earlier: Tensor
    features: Tensor
    bands: Tensor
    """Band powers [N, T, 136]."""

    @property
    def correlation(self) -> Tensor:
        """Correlation of every group with the spectrum a pitch period earlier, -1 to 1 [N, T, 34]."""
        return self.features[..., BANDS + 2 * PHASES : -2]

    @property
    def before(self) -> Tensor:
        """The low bins one frame earlier, turned on by the phase of their own frequency [N, T, 48]."""
        low = torch.view_as_real(self.spec[..., :PHASES])
        low = torch.view_as_complex(nnf.pad(low, (0, 0, 0, 0, 1, 0))[:, :-1].contiguous())
        return low * torch.from_numpy(ADVANCE).to(low.device)


class FrontEnd:
    """The transforms and tables, on one device."""

    def __init__(self, device: torch.device | str = "cpu") -> None:
        def put(x: np.ndarray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(x)).to(device)

        self.analysis, self.synthesis = put(ANALYSIS), put(SYNTHESIS)
        self.band_bins = put(BAND_BINS.astype(np.float32))
        band_of = np.repeat(np.arange(BANDS), BAND_BINS)
        self.band_of = put(band_of)
        self.group_of = put(band_of // GROUP)
        self.wide = put((band_of[SINGLE:, None] == np.arange(SINGLE, BANDS)).astype(np.float32))

    def band_sum(self, x: Tensor) -> Tensor:
        """Sums bins [..., 769] into bands [..., 136]."""
        return torch.cat([x[..., :SINGLE], x[..., SINGLE:] @ self.wide], -1)

    def group_sum(self, x: Tensor) -> Tensor:
        """Sums bins [..., 769] into groups [..., 34]."""
        return self.band_sum(x).unflatten(-1, (GROUPS, GROUP)).sum(-1)

    def levels(self, bands: Tensor) -> Tensor:
        """Log levels of band powers, not yet normalised."""
        return 0.5 * torch.log10(bands / (self.band_bins * (WINDOW / 2)) + FLOOR)

    def spectrum(self, frames: Tensor) -> Tensor:
        """Of frames [..., 1536]."""
        return torch.fft.rfft(frames * self.analysis)

    def stft(self, x: Tensor) -> Tensor:
        """Spectra [N, T, 769] of sound [N, samples]."""
        return self.spectrum(nnf.pad(x, (WINDOW - HOP, 0)).unfold(1, WINDOW, HOP))

    def istft(self, spec: Tensor) -> Tensor:
        """Sound [N, T * 480] of spectra [N, T, 769], 480 samples later than the input of `stft`."""
        y = torch.fft.irfft(spec, WINDOW)[..., -2 * HOP :] * self.synthesis
        first, second = y[..., :HOP], y[..., HOP:]
        return (first + nnf.pad(second, (0, 0, 1, 0))[:, :-1]).flatten(1)

    def _periods(self, power: Tensor) -> tuple[Tensor, Tensor]:
        """The likeliest pitch period of every frame in samples, and its likelihood, [N, T] each.

        The peak of an autocorrelation, of the square root of the magnitudes so that no harmonic decides alone.
        """
        root = torch.zeros_like(power)
        root[..., PITCH_BINS] = power[..., PITCH_BINS].sqrt().sqrt()
        search = torch.fft.irfft(root, WINDOW)[..., : LONGEST + 1]
        # A recursive average by doubling: 32 frames back nothing is left of it.
        for k in (1, 2, 4, 8, 16):
            search = search + SEARCH_MEMORY**k * nnf.pad(search, (0, 0, k, 0))[:, : search.shape[1]]
        best, at = search[..., SHORTEST:].max(-1)
        return at + SHORTEST, best / (search[..., 0] + TINY)

    def analyse(self, x: Tensor, response: Tensor | None = None) -> Analysis:
        """Analyses sound [N, samples]. `response` [N, 1, 769] scales the bins of every spectrum."""
        n, frames = x.shape[0], x.shape[1] // HOP
        windows = nnf.pad(x, (WINDOW - HOP + LONGEST, 0)).unfold(1, WINDOW, 1)
        first = torch.arange(frames, device=x.device) * HOP + LONGEST
        spec = self.spectrum(windows[:, LONGEST::HOP][:, :frames])
        if response is not None:
            spec = spec * response
        p = power(spec)
        period, likelihood = self._periods(p)
        clip = torch.arange(n, device=x.device)[:, None]
        twice = torch.where(2 * period <= LONGEST, 2 * period, period)
        earlier = self.spectrum(0.5 * (windows[clip, first - period] + windows[clip, first - twice]))
        if response is not None:
            earlier = earlier * response
        bands = self.band_sum(p)
        result = Analysis(spec, earlier, p.new_empty(0), bands)
        turn = spec[..., :PHASES] * result.before.conj()
        turn = turn / (turn.abs() + FLOOR * WINDOW / 2)
        both = self.group_sum(spec.real * earlier.real + spec.imag * earlier.imag)
        energies = bands.unflatten(-1, (GROUPS, GROUP)).sum(-1) * self.group_sum(power(earlier))
        correlation = both / (energies + TINY).sqrt()
        period = 3 * torch.log10(period / (SHORTEST * LONGEST) ** 0.5)
        result.features = torch.cat(
            [self.levels(bands), turn.real, turn.imag, correlation, period[..., None], likelihood[..., None]], -1
        )
        return result
