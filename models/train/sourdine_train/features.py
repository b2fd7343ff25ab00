"""STFT, bands and features: the fixed front end shared by training, export and the reference model.

48 kHz, hop 480, 769 bins of 31.25 Hz. The two windows differ, after Mauler and Martin, "A low delay, variable resolution,
perfect reconstruction spectral analysis-synthesis system for speech enhancement" (EUSIPCO 2007): analysis hears 1536
samples (32 ms, so that the harmonics of low voices stand apart), synthesis speaks with the last 960 of them, so the delay
is that of a window of 960. Their product there is a periodic Hann window and overlap-add is exact.

136 rectangular bands: single bins up to 3 kHz, then bands of equal width on the ERB-number scale of Glasberg and Moore
(1990), 21.4 log10(1 + 0.00437 f).

The network hears of every frame (`hear`)
* the bands' levels;
* for the 48 bins below 1.5 kHz, by how much the phase moved since the last frame beyond what the bin's own frequency makes
  of it: around a harmonic, neighbouring bins agree on that and go on doing so, where there is noise they do not;
* the voice's period, and how alike the sound is, group of bands by group of bands, to itself one period earlier (where two
  are within 16 ms, to the mean of both): near 1 where a voice is, near 0 where noise is, also where harmonics lie too close for the bins. The measure is that of RNNoise
  (Valin, "A hybrid DSP/deep learning approach to real-time full-band speech enhancement", 2018).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

RATE = 48000
HOP = 480
WINDOW = 1536
BINS = WINDOW // 2 + 1
BIN_HZ = RATE / WINDOW
SINGLE = 96
BANDS = 136
PHASES = 48
FLOOR = 1e-10
SHORTEST, LONGEST = 96, 768
"""Periods looked for, in samples: 500 to 62.5 Hz."""
PERIODIC = range(2, 128)
"""Bins in which they are looked for, 62 Hz to 4 kHz."""
MEMORY = 0.5
"""How much of the last frame's search goes into this one's."""
TINY = 1e-20

F32 = NDArray[np.float32]


def windows() -> tuple[F32, F32]:
    """Analysis (1536 samples) and synthesis (the last 960 of them).

    Analysis rises for 1056 samples and falls for 480 as a sine does; synthesis is a Hann window of 960 over that.
    """
    rise = np.sin(np.pi / 2 * (np.arange(WINDOW - HOP) + 0.5) / (WINDOW - HOP))
    fall = np.cos(np.pi / 2 * (np.arange(HOP) + 0.5) / HOP)
    analysis = np.concatenate([rise, fall])
    hann = np.sin(np.pi * (np.arange(2 * HOP) + 0.5) / (2 * HOP)) ** 2
    return analysis.astype(np.float32), (hann / analysis[-2 * HOP :]).astype(np.float32)


def band_edges() -> NDArray[np.int64]:
    """137 bin edges; band b holds the bins edges[b] .. edges[b + 1] - 1."""
    def erb(f: float) -> float:
        return 21.4 * np.log10(1 + 0.00437 * f)

    wide = BANDS - SINGLE
    step = np.linspace(erb(SINGLE * BIN_HZ), erb(RATE / 2), wide + 1)
    hz = (10 ** (step / 21.4) - 1) / 0.00437
    edges = np.round(hz / BIN_HZ).astype(np.int64)
    edges[0], edges[-1] = SINGLE, BINS
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    return np.concatenate([np.arange(SINGLE), edges])


EDGES = band_edges()
GROUPS = EDGES[:-1:4]
"""First bins of the groups of four bands that are compared with the period before."""
INPUTS = BANDS + 2 * PHASES + len(GROUPS) + 2
WIDTH = np.diff(EDGES).astype(np.float32)
BAND_HZ = (EDGES[:-1] + EDGES[1:] - 1) / 2 * BIN_HZ
ANALYSIS, SYNTHESIS = windows()


def stft(x: F32) -> NDArray[np.complex64]:
    """Frames of `x` as the engine sees them: frame t ends with the samples of hop t. Shape [len(x) // 480, 769]."""
    frames = len(x) // HOP
    padded = np.concatenate([np.zeros(WINDOW - HOP, np.float32), x[: frames * HOP].astype(np.float32)])
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return scipy.fft.rfft(view * ANALYSIS, axis=1)


def istft(spec: NDArray[np.complex64]) -> F32:
    """Overlap-add of the frames; 480 samples later than the input of `stft`, and of the same number of frames."""
    y = scipy.fft.irfft(spec, WINDOW, axis=1)[:, -2 * HOP :].astype(np.float32) * SYNTHESIS
    out = y[:, :HOP].copy()
    out[1:] += y[:-1, HOP:]
    return out.reshape(-1)


def band_sum(x: NDArray) -> NDArray:
    """Sums the last axis (769 bins) into 136 bands."""
    wide = np.add.reduceat(x[..., SINGLE:], EDGES[SINGLE:-1] - SINGLE, axis=-1)
    return np.concatenate([x[..., :SINGLE], wide], axis=-1)


def levels(power: F32) -> F32:
    """Log band levels from |X|^2 (not yet normalised)."""
    return (0.5 * np.log10(band_sum(power) / (WIDTH * (WINDOW / 2)) + FLOOR)).astype(np.float32)


TURN = np.exp(-2j * np.pi * np.arange(PHASES) * HOP / WINDOW).astype(np.complex64)
"""What takes from a bin's phase what its own frequency adds to it in one hop."""


def advances(low: NDArray[np.complex64]) -> F32:
    """Cosines, then sines, of the phase advance of the low bins. [1 + T, 48], the spectrum before the first on top, to [T, 96]."""
    turn = low[1:] * np.conj(low[:-1]) * TURN
    turn /= np.abs(turn) + np.float32(FLOOR * WINDOW / 2)
    return np.concatenate([turn.real, turn.imag], 1)


@dataclass
class Past:
    """What one stream remembers for its features."""

    sound: F32 = field(default_factory=lambda: np.zeros(WINDOW - HOP + LONGEST, np.float32))
    low: NDArray[np.complex64] = field(default_factory=lambda: np.zeros((1, PHASES), np.complex64))
    search: F32 = field(default_factory=lambda: np.zeros((1, LONGEST + 1), np.float32))


def periods(power: F32, past: Past) -> tuple[NDArray[np.int64], F32]:
    """The likeliest period of every frame in samples, and how likely: 1 for a perfect one.

    The largest value of an autocorrelation, that of the spectrum's square root, so that no single harmonic decides.
    """
    root = np.zeros((len(power), BINS), np.float32)
    root[:, PERIODIC.start : PERIODIC.stop] = np.sqrt(np.sqrt(power[:, PERIODIC.start : PERIODIC.stop]))
    search = scipy.fft.irfft(root, axis=1)[:, : LONGEST + 1]
    search, past.search = scipy.signal.lfilter([1], np.array([1, -MEMORY], np.float32), search, axis=0, zi=MEMORY * past.search)
    past.search = past.search / np.float32(MEMORY)
    lag = search[:, SHORTEST:].argmax(1) + SHORTEST
    return lag, search[np.arange(len(lag)), lag] / (search[:, 0] + np.float32(TINY))


def again(lag: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where else to look back to: two periods where they fit, so that noise is averaged twice, or one."""
    return np.where(2 * lag <= LONGEST, 2 * lag, lag)


def likeness(spec: NDArray[np.complex64], before: NDArray[np.complex64]) -> F32:
    """Correlation of two spectra, group by group, -1 to 1. [T, 769] each to [T, 34]."""
    def power(x: NDArray[np.complex64]) -> F32:
        return np.add.reduceat(x.real**2 + x.imag**2, GROUPS, axis=1)

    both = np.add.reduceat(spec.real * before.real + spec.imag * before.imag, GROUPS, axis=1)
    return both / np.sqrt(power(spec) * power(before) + np.float32(TINY))


class Heard(NamedTuple):
    """Of every frame: its spectrum and that one period earlier [T, 769], and all that the network hears [T, 268]."""

    spec: NDArray[np.complex64]
    earlier: NDArray[np.complex64]
    feat: F32

    @property
    def power(self) -> F32:
        """The bands' powers [T, 136]."""
        return band_sum(self.spec.real**2 + self.spec.imag**2)

    @property
    def likeness(self) -> F32:
        """The groups' likeness to one period earlier [T, 34]."""
        return self.feat[:, BANDS + 2 * PHASES : -2]


def hear(x: F32, past: Past | None = None, above: tuple[int, float] | None = None) -> Heard:
    """All that there is to be heard of a sound; levels are not yet normalised.

    `past` is what came before (nothing) and is brought up to date. `above` (bin, factor) scales all that lies above a bin.
    """
    past = past or Past()
    frames = len(x) // HOP
    sound = np.concatenate([past.sound, x[: frames * HOP].astype(np.float32)])
    past.sound = sound[frames * HOP :]
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)

    def spectrum(frames: F32) -> NDArray[np.complex64]:
        spec = scipy.fft.rfft(frames * ANALYSIS, axis=1)
        if above:
            spec[:, above[0] :] *= np.float32(above[1])
        return spec

    first = np.arange(frames) * HOP + LONGEST
    spec = spectrum(windows[first])
    power = spec.real**2 + spec.imag**2
    lag, strength = periods(power, past)
    low = np.concatenate([past.low, spec[:, :PHASES]])
    past.low = low[-1:]
    period = 3 * np.log10(lag / np.sqrt(SHORTEST * LONGEST))
    earlier = spectrum(np.float32(0.5) * (windows[first - lag] + windows[first - again(lag)]))
    feat = [levels(power), advances(low), likeness(spec, earlier), period[:, None], strength[:, None]]
    return Heard(spec, earlier, np.concatenate(feat, 1, dtype=np.float32))
