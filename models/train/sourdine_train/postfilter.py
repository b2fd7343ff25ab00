"""From the network's outputs to the clean spectrum (FORMAT.md, steps 9 to 15), in PyTorch and differentiable.

Medium gains are sharpened, the lowest bins' magnitudes smoothed over time, and voice is strengthened against the noise between
its harmonics by the sound one pitch period earlier (the pitch filter), all in proportion to the share of noise, so that near-clean
speech is not changed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from .frontend import Analysis, FrontEnd
from .layout import DECAY, FILTERED, FORGET, NOISY_OFFSET, NOISY_SLOPE
from .model import Output


def taps(analysis: Analysis) -> Tensor:
    """What the complex filter of the low bins combines [N, T, 32, 3]: bin, bin one frame earlier, one pitch period earlier."""
    low = (analysis.spec, analysis.before, analysis.earlier)
    return torch.stack([x[..., :FILTERED] for x in low], -1)


def noisy_share(kept: Tensor, total: Tensor) -> Tensor:
    """How far there is noise, 0 to 1 [N, T, 1], from a frame's energy with and without its noise [N, T]."""
    time = torch.arange(total.shape[1], device=total.device)
    age = time[:, None] - time
    average = torch.where(age >= 0, (1 - FORGET) ** age.clamp(min=0), 0.0)
    kept, total = (average @ x[..., None] for x in (kept, total))
    removed = torch.where(total > 0, 1 - kept / total.clamp(min=1e-30), 0.0)
    return (NOISY_SLOPE * removed - NOISY_OFFSET).clamp(0, 1)


def pitch_weights(correlation: Tensor, strength: Tensor | float) -> Tensor:
    """Share of the spectrum one pitch period earlier that is added to each group's bins [N, T, 34]."""
    return strength * correlation.clamp(min=0).square()


def pitch_filtered(front: FrontEnd, analysis: Analysis, strength: Tensor | float) -> Tensor:
    """The spectrum strengthened by the one a pitch period earlier [N, T, 769]."""
    r = pitch_weights(analysis.correlation, strength)[..., front.group_of]
    return (analysis.spec + r * analysis.earlier) / (1 + r)


class Refined(NamedTuple):
    """Gains after decay limit, sharpening and smoothing [N, T, 136], and how far there is noise [N, T, 1]."""

    gains: Tensor
    share: Tensor


def smoothed(gains: Tensor, bands: Tensor, strength: Tensor) -> Tensor:
    """Gains [N, T, 136] that smooth the magnitudes of the lowest 32 bins over time, given the band powers [N, T, 136].

    A recursive average of gain times magnitude, slower where the gain is low (where much of the magnitude is noise) and faster where
    the magnitude moves far at once (at an onset). Noise makes a bin's magnitude flicker from frame to frame even where its
    mean is right; that is heard as roughness. `strength` [N, T, 1] is 0 to 1.
    """
    magnitude = bands[..., :FILTERED].sqrt()
    low = gains[..., :FILTERED]
    target = low * magnitude
    slow = strength * (1 - low).sqrt().detach()
    average = torch.zeros_like(target[:, 0])
    averages = []
    for y, share in zip(target.unbind(1), slow.unbind(1), strict=True):
        with torch.no_grad():
            most = torch.maximum(y, average)
            near = torch.where(most > 0, torch.minimum(y, average) / most.clamp(min=1e-30), 0.0)
            share = share * near.sqrt()
        average = y + share * (average - y)
        averages.append(average)
    after = torch.stack(averages, 1)
    low = torch.where(magnitude > 0, after / magnitude.clamp(min=1e-30), low).clamp(max=1)
    return torch.cat([low, gains[..., FILTERED:]], -1)


def refine(logits: Tensor, bands: Tensor, sharpness: float, smoothing: float, decay: Tensor | None = None) -> Refined:
    """Decay limit, sharpening and smoothing of gains [N, T, 136], given the band powers [N, T, 136].

    The decay limit is a running maximum: of log g + t log(1 / decay), from which the second part is taken again, in float64
    since it grows with t.
    """
    fall = -(torch.from_numpy(DECAY) if decay is None else decay).to(logits.device).double().log()
    slope = torch.arange(logits.shape[1], device=logits.device)[:, None] * fall
    log_gain = torch.nn.functional.logsigmoid(logits).double() + slope
    gains = (log_gain.cummax(1).values - slope).exp().float()
    with torch.no_grad():
        share = noisy_share((gains.square() * bands).sum(2), bands.sum(2))
    v = sharpness * share
    sharp = gains * (1 - v + v * 0.5 * gains * (3 - gains.square()))
    # No gradient through the energy that is given back: the network would learn to leave noise where no term of the loss
    # weighs it, for a louder voice elsewhere.
    with torch.no_grad():
        before, after = ((g.square() * bands).sum(2, keepdim=True) for g in (gains, sharp))
        make_up = torch.where(after > 0, before / after.clamp(min=1e-38), 1.0).sqrt()
    sharp = (sharp * make_up).clamp(max=1)
    return Refined(smoothed(sharp, bands, smoothing * share) if smoothing else sharp, share)


class PostFilter:
    """The strengths of a weights file, applied to whole signals."""

    def __init__(self, front: FrontEnd, meta: dict[str, str], decay: np.ndarray) -> None:
        self.front = front
        self.sharpness, self.smoothing, self.pitch = (float(meta[k]) for k in ("sharpness", "smoothing", "pitch_filter"))
        self.decay = torch.from_numpy(decay)

    def run(self, analysis: Analysis, output: Output) -> tuple[Tensor, Tensor, Tensor]:
        """The clean spectrum [N, T, 769], the gains [N, T, 136] and the pitch filter's weights [N, T, 34]."""
        gains, share = refine(output.gains, analysis.bands, self.sharpness, self.smoothing, self.decay)
        strength = share * self.pitch
        spec = pitch_filtered(self.front, analysis, strength)
        low = spec[..., :FILTERED] + (output.filter * taps(analysis)).sum(-1)
        spec = torch.cat([low, spec[..., FILTERED:]], -1) * gains[..., self.front.band_of]
        return spec, gains, pitch_weights(analysis.correlation, strength)
