"""The loss of a batch: a compressed spectral distance in closed form, the voice decision, and perceptual terms."""

from __future__ import annotations

import torch
import torch.nn.functional as nnf
from torch import Tensor

from .frontend import power
from .layout import BAND_BINS, FILTERED, WINDOW
from .mixing import COMPRESS, Batch
from .model import Output
from .perceptual import PerceptualLoss
from .postfilter import refine
from .recipe import Loss

MEASURES = ("annoyance", "intelligibility", "attenuation", "distance", "distortion")
"""Terms on the spectrum as it comes out, of clips with speech."""


class Criterion:
    """All terms, on one device."""

    def __init__(self, sharpness: float, smoothing: float, device: torch.device | str = "cpu") -> None:
        self.sharpness, self.smoothing = sharpness, smoothing
        self.width = torch.from_numpy(BAND_BINS).float().to(device)
        self.perceptual = PerceptualLoss(device)

    def __call__(self, out: Output, batch: Batch, weights: Loss) -> tuple[Tensor, dict[str, Tensor]]:
        """The weighted sum, and every term by its name.

        Spectral part: u^2 A - 2 u P + B with u = g^0.3, plus `beta` relu(P / A - u)^2 A, which makes a gain below the best one
        dearer than a gain above it. In the low bins, where a filter changes what the gain is applied to, A and P follow from
        the filtered bins. Each clip is divided by its own weighted energy.
        """
        band = self.width**-weights.tilt * batch.counts
        filtered = batch.low + (out.filter * batch.taps).sum(-1)
        low_a, low_p = self._low(batch, filtered, weights.phase)
        a = torch.cat([low_a, batch.a[..., FILTERED:]], -1)
        p = torch.cat([low_p, batch.p[..., FILTERED:]], -1)
        u = torch.exp(COMPRESS * nnf.logsigmoid(out.gains))
        norm = (batch.a * band).sum((1, 2)) + 1e-3
        spectral = (((u * u * a - 2 * u * p + batch.b) * band).sum((1, 2)) / norm).mean()
        under = (p / (a + 1e-6) - u).clamp(min=0)
        over = ((under.square() * a * band).sum((1, 2)) / norm).mean()
        voice = nnf.binary_cross_entropy_with_logits(out.voice, batch.voice)
        total = spectral + weights.beta * over + weights.voice * voice
        terms = {"spectral": spectral, "over": over, "voice": voice}
        speech = batch.voice.amax(1) > 0
        if any(getattr(weights, k) for k in MEASURES) and speech.any():
            measures = self._measures(out, batch, filtered, weights.refined, speech)
            total = total + sum(getattr(weights, k) * v for k, v in measures.items())
            terms |= measures
        return total, {k: v.detach() for k, v in terms.items()}

    @staticmethod
    def _low(batch: Batch, filtered: Tensor, phase: float) -> tuple[Tensor, Tensor]:
        """A and P of the filtered low bins [N, T, 32], on the scale of the batch's."""
        floor = 1e-6 * power(batch.low).mean((1, 2), keepdim=True) + 1e-16
        x, s = power(filtered) + floor, power(batch.target) + 1e-16
        cos = (filtered.real * batch.target.real + filtered.imag * batch.target.imag) / (x * s).sqrt()
        p = (x * s) ** (COMPRESS / 2) * (phase * cos + 1 - phase)
        return batch.scale * x**COMPRESS, batch.scale * p

    def _measures(self, out: Output, batch: Batch, filtered: Tensor, refined: bool, speech: Tensor) -> dict[str, Tensor]:
        """The terms on the spectrum as it comes out, means over the clips with speech."""
        unit = 2 / WINDOW
        gains = torch.sigmoid(out.gains)
        if refined:
            gains = refine(out.gains, batch.bands, self.sharpness, self.smoothing).gains
        counts = batch.counts
        noisy = torch.cat([power(filtered), batch.noisy[..., FILTERED:]], -1)
        low = filtered.real * batch.target.real + filtered.imag * batch.target.imag
        kept = gains * torch.cat([low, batch.clean[..., FILTERED:]], -1)
        cross = gains * torch.cat([low, batch.cross[..., FILTERED:]], -1)
        output, clean, kept, cross = ((unit * x * counts)[speech] for x in (gains.square() * noisy, batch.clean, kept, cross))
        energy, error = ((x * self.width).sum((1, 2)) for x in (clean, (output - 2 * cross + clean)))
        m = self.perceptual
        return {
            "annoyance": m.annoyance(output + 1e-10, clean + 1e-10).mean(),
            "intelligibility": 1 - m.intelligibility(output, clean).mean(),
            "attenuation": m.attenuation(kept, clean).mean(),
            "distance": m.distance(output, clean).mean(),
            # In bels, at least -3: the signal-to-distortion ratio over all bins.
            "distortion": torch.log10(error.clamp(min=0) / (energy + 1e-12) + 1e-3).mean(),
        }
