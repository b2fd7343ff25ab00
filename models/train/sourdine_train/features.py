"""STFT, bands and features: the fixed front end shared by training, export and the reference model.

48 kHz, hop 480, 769 bins of 31.25 Hz. The two windows differ, after Mauler and Martin, "A low delay, variable resolution,
perfect reconstruction spectral analysis-synthesis system for speech enhancement" (EUSIPCO 2007): analysis hears 1536
samples (32 ms, so that the harmonics of low voices stand apart), synthesis speaks with the last 960 of them, so the delay
is that of a window of 960. Their product there is a periodic Hann window and overlap-add is exact.

136 rectangular bands: single bins up to 3 kHz, then bands of equal width on the ERB-number scale of Glasberg and Moore
(1990), 21.4 log10(1 + 0.00437 f).
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

RATE = 48000
HOP = 480
WINDOW = 1536
BINS = WINDOW // 2 + 1
BIN_HZ = RATE / WINDOW
SINGLE = 96
BANDS = 136
FLOOR = 1e-10

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


def features(power: F32) -> F32:
    """Log band features from |X|^2 (not yet normalised)."""
    return (0.5 * np.log10(band_sum(power) / (WIDTH * (WINDOW / 2)) + FLOOR)).astype(np.float32)
