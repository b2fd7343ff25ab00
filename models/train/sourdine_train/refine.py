"""From the network's gains to what is done with the spectrum (FORMAT.md, steps 9 to 12).

Gains in between are sharpened, and voice is strengthened against noise between its harmonics by the sound one period
earlier. Both only as far as there is noise: near-clean speech is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from .features import BANDS, EDGES, GROUPS, SINGLE

REPEAT = np.diff(EDGES)
GROUP_BINS = np.diff(np.append(GROUPS, EDGES[-1]))
FORGET = 0.01
SLOPE, THRESHOLD = 12.0, 0.2
# Of the lowest band, of that at 1 kHz, of the first of more than one bin, of the highest: low bands hold harmonics that go on,
# high ones breath and clicks that do not.
DECAY = np.interp(np.arange(BANDS), [0, 32, SINGLE, BANDS - 1], [0.9, 0.576, 0.432, 0.24]).astype(np.float32)

F = np.ndarray


def sharpen(gain: F, power: F, share: float) -> F:
    """Gains in between lowered, what that takes of the frame's energy given back. One frame."""
    w = gain * (1 - share + share * 0.5 * gain * (3 - gain * gain))
    before, after = float((gain * gain * power).sum()), float((w * w * power).sum())
    return np.minimum(1, w * ((before / after) ** 0.5 if after > 0 else 1.0))


@dataclass
class Refiner:
    """One stream. How fast each band's gain may fall, the two strengths, and what is remembered."""

    decay: F
    sharpness: float
    comb: float
    gain: F = field(default_factory=lambda: np.zeros(BANDS, np.float32))
    kept: float = 0.0
    all: float = 0.0

    @classmethod
    def of(cls, tensors: dict[str, F], meta: dict[str, str]) -> Refiner:
        """What a weights file says of it."""
        return cls(tensors["decay_limit"], float(meta["sharpness"]), float(meta["comb"]))

    def run(self, raw: F, power: F, like: F) -> tuple[F, F]:
        """The gains [T, 136], and how much of the sound one period earlier goes with a bin [T, 34].

        `raw` [T, 136] is what the network says, `power` the bands' [T, 136], `like` the groups' likeness [T, 34].
        """
        gains, combs = np.empty_like(raw), np.empty_like(like)
        for t in range(len(raw)):
            self.gain = np.maximum(raw[t], self.decay * self.gain)
            self.kept += FORGET * (float((self.gain * self.gain * power[t]).sum()) - self.kept)
            self.all += FORGET * (float(power[t].sum()) - self.all)
            noisy = 1 - self.kept / self.all if self.all > 0 else 0.0
            share = min(1.0, max(0.0, SLOPE * noisy - THRESHOLD))
            gains[t] = sharpen(self.gain, power[t], share * self.sharpness)
            combs[t] = comb_weights(like[t], share * self.comb)
        return gains, combs


def comb_weights(like: F, strength: float) -> F:
    """How much of the sound one period earlier goes with a bin, from the groups' likeness to it [..., 34]."""
    return strength * np.maximum(like, 0) ** 2


def combed(spec: F, earlier: F, combs: F) -> F:
    """Spectra [T, 769] strengthened by those one period earlier."""
    r = np.repeat(combs, GROUP_BINS, axis=1)
    return (spec + r * earlier) / (1 + r)


def apply(spec: F, earlier: F, gains: F, combs: F) -> F:
    """The clean spectrum [T, 769]."""
    return (combed(spec, earlier, combs) * np.repeat(gains, REPEAT, axis=1)).astype(np.complex64)
