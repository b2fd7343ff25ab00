"""Sizes and tables that the front end, the network and the weights file share (FORMAT.md)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]

RATE = 48000
HOP = 480
WINDOW = 1536
BINS = WINDOW // 2 + 1
BIN_HZ = RATE / WINDOW

BANDS = 136
SINGLE = 96
"""The lowest bands, each of one bin; above they are evenly spaced on the ERB-number scale."""
GROUP = 4
"""Bands of a group."""
GROUPS = BANDS // GROUP
PHASES = 48
"""The lowest bins, whose phase advances are features."""
FILTERED = 32
"""The lowest bins, which get a complex filter besides their gain."""
TAPS = 3
"""Of that filter: the bin itself, the bin one frame earlier, the spectrum one pitch period earlier."""
FILTER_ROWS = TAPS * 2 * GROUP
"""Outputs of a group's filter layer: for every tap four real parts, then four imaginary parts."""
FEATURES = BANDS + 2 * PHASES + GROUPS + 2

FLOOR = 1e-10
"""Added to a band's mean power before the logarithm."""
SHORTEST, LONGEST = 96, 768
"""Pitch periods searched, in samples: 500 to 62.5 Hz."""
PITCH_BINS = slice(2, 128)
"""Bins in which they are searched, 62 Hz to 4 kHz."""
SEARCH_MEMORY = 0.5
"""Share of the previous frame's search that is added to this one's."""
TINY = 1e-20


def windows() -> tuple[F32, F32]:
    """Analysis window (1536 samples) and synthesis window (for the last 960 of them).

    A pair after Mauler and Martin, "A low delay, variable resolution, perfect reconstruction spectral analysis-synthesis
    system for speech enhancement" (EUSIPCO 2007): analysis rises for 1056 samples and falls for 480 as a sine does; the
    product with synthesis is a periodic Hann window of 960, so overlap-add is exact and the delay is 480 samples.
    """
    rise = np.sin(np.pi / 2 * (np.arange(WINDOW - HOP) + 0.5) / (WINDOW - HOP))
    fall = np.cos(np.pi / 2 * (np.arange(HOP) + 0.5) / HOP)
    analysis = np.concatenate([rise, fall])
    hann = np.sin(np.pi * (np.arange(2 * HOP) + 0.5) / (2 * HOP)) ** 2
    return analysis.astype(np.float32), (hann / analysis[-2 * HOP :]).astype(np.float32)


def band_edges() -> NDArray[np.int64]:
    """137 bin edges; band b holds the bins edges[b] .. edges[b + 1] - 1.

    The ERB-number scale is that of Glasberg and Moore (1990), 21.4 log10(1 + 0.00437 f).
    """
    def erb(f: float) -> float:
        return 21.4 * np.log10(1 + 0.00437 * f)

    step = np.linspace(erb(SINGLE * BIN_HZ), erb(RATE / 2), BANDS - SINGLE + 1)
    hz = (10 ** (step / 21.4) - 1) / 0.00437
    edges = np.round(hz / BIN_HZ).astype(np.int64)
    edges[0], edges[-1] = SINGLE, BINS
    for i in range(1, len(edges)):
        edges[i] = max(edges[i], edges[i - 1] + 1)
    return np.concatenate([np.arange(SINGLE), edges])


ANALYSIS, SYNTHESIS = windows()
EDGES = band_edges()
BAND_BINS = np.diff(EDGES)
"""Bins of every band."""
BAND_HZ = (EDGES[:-1] + EDGES[1:] - 1) / 2 * BIN_HZ
"""Centre of every band."""
GROUP_EDGES = EDGES[::GROUP]
"""35 bin edges of the groups."""
ADVANCE = np.exp(2j * np.pi * np.arange(PHASES) * HOP / WINDOW).astype(np.complex64)
"""The phase that a bin's own frequency adds in one hop."""

# Post-filter (FORMAT.md, steps 9 to 13).
FORGET = 0.01
NOISY_SLOPE, NOISY_OFFSET = 12.0, 0.2
DECAY = np.interp(np.arange(BANDS), [0, 32, SINGLE, BANDS - 1], [0.9, 0.576, 0.432, 0.24]).astype(np.float32)
"""Smallest ratio of a gain to the previous frame's. Low bands hold harmonics that go on, high ones breath and clicks."""
