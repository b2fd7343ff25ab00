"""STFT, bands and features: the fixed front end shared by training, export and the reference model.

48 kHz, hop 480, window 960 (sine for analysis and synthesis, so the product is a periodic Hann window and overlap-add
is exact), 481 bins, 100 rectangular bands: single bins up to 3 kHz, then bands of equal width on the ERB-number scale
of Glasberg and Moore (1990), 21.4 log10(1 + 0.00437 f).
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from numpy.typing import NDArray

RATE = 48000
HOP = 480
WINDOW = 960
BINS = WINDOW // 2 + 1
SINGLE = 60
BANDS = 100
FLOOR = 1e-10

F32 = NDArray[np.float32]


def sine_window() -> F32:
    """The analysis and synthesis window."""
    return np.sin(np.pi * (np.arange(WINDOW) + 0.5) / WINDOW).astype(np.float32)


def band_edges() -> NDArray[np.int64]:
    """101 bin edges; band b holds the bins edges[b] .. edges[b + 1] - 1."""
    def erb(f: float) -> float:
        return 21.4 * np.log10(1 + 0.00437 * f)

    wide = BANDS - SINGLE
    step = np.linspace(erb(SINGLE * 50.0), erb(RATE / 2), wide + 1)
    hz = (10 ** (step / 21.4) - 1) / 0.00437
    edges = np.round(hz / 50).astype(np.int64)
    edges[0], edges[-1] = SINGLE, BINS
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    return np.concatenate([np.arange(SINGLE), edges])


EDGES = band_edges()
WIDTH = np.diff(EDGES).astype(np.float32)
WIN = sine_window()


def stft(x: F32) -> NDArray[np.complex64]:
    """Frames of `x` as the engine sees them: frame t ends with the samples of hop t. Shape [len(x) // 480, 481]."""
    frames = len(x) // HOP
    padded = np.concatenate([np.zeros(HOP, np.float32), x[: frames * HOP].astype(np.float32)])
    view = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    return scipy.fft.rfft(view * WIN, axis=1)


def istft(spec: NDArray[np.complex64]) -> F32:
    """Overlap-add of the frames; 480 samples later than the input of `stft`, and of the same number of frames."""
    y = scipy.fft.irfft(spec, WINDOW, axis=1).astype(np.float32) * WIN
    out = y[:, :HOP].copy()
    out[1:] += y[:-1, HOP:]
    return out.reshape(-1)


def band_sum(x: NDArray) -> NDArray:
    """Sums the last axis (481 bins) into 100 bands."""
    wide = np.add.reduceat(x[..., SINGLE:], EDGES[SINGLE:-1] - SINGLE, axis=-1)
    return np.concatenate([x[..., :SINGLE], wide], axis=-1)


def features(power: F32) -> F32:
    """Log band features from |X|^2 (not yet normalised)."""
    return (0.5 * np.log10(band_sum(power) / (WIDTH * HOP) + FLOOR)).astype(np.float32)
