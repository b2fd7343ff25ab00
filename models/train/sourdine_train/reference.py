"""The whole format in NumPy alone, written from FORMAT.md: checks the text, and PyTorch's version of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray
from safetensors import safe_open

from .layout import (
    ADVANCE,
    ANALYSIS,
    BAND_BINS,
    BANDS,
    BINS,
    EDGES,
    FILTERED,
    FLOOR,
    FORGET,
    GROUP,
    GROUP_EDGES,
    GROUPS,
    HOP,
    LONGEST,
    NOISY_OFFSET,
    NOISY_SLOPE,
    PHASES,
    PITCH_BINS,
    SEARCH_MEMORY,
    SHORTEST,
    SYNTHESIS,
    TAPS,
    TINY,
    WINDOW,
)

F = NDArray[np.float32]
C = NDArray[np.complex64]


def stft(x: F) -> C:
    """Spectra [T, 769]: frame t ends with the samples of hop t."""
    frames = len(x) // HOP
    padded = np.concatenate([np.zeros(WINDOW - HOP, np.float32), x[: frames * HOP].astype(np.float32)])
    return scipy.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP] * ANALYSIS, axis=1)


def istft(spec: C) -> F:
    """Overlap-add of the frames; 480 samples later than the input of `stft`, and of the same number of frames."""
    y = scipy.fft.irfft(spec, WINDOW, axis=1)[:, -2 * HOP :].astype(np.float32) * SYNTHESIS
    out = y[:, :HOP].copy()
    out[1:] += y[:-1, HOP:]
    return out.reshape(-1)


class Analysed(NamedTuple):
    """Of every frame: spectrum and that one pitch period earlier [T, 769], band powers [T, 136], correlation [T, 34], features [T, 268]."""

    spec: C
    earlier: C
    bands: F
    correlation: F
    features: F


def analyse(x: F) -> Analysed:
    """Steps 1 to 4."""
    frames = len(x) // HOP
    sound = np.concatenate([np.zeros(WINDOW - HOP + LONGEST, np.float32), x[: frames * HOP].astype(np.float32)])
    windows = np.lib.stride_tricks.sliding_window_view(sound, WINDOW)
    first = np.arange(frames) * HOP + LONGEST
    spec = scipy.fft.rfft(windows[first] * ANALYSIS, axis=1)
    power = spec.real**2 + spec.imag**2
    root = np.zeros((frames, BINS), np.float32)
    root[:, PITCH_BINS] = np.sqrt(np.sqrt(power[:, PITCH_BINS]))
    search = scipy.fft.irfft(root, axis=1)[:, : LONGEST + 1]
    search = scipy.signal.lfilter([1], np.array([1, -SEARCH_MEMORY], np.float32), search, axis=0)
    lag = search[:, SHORTEST:].argmax(1) + SHORTEST
    likelihood = search[np.arange(frames), lag] / (search[:, 0] + np.float32(TINY))
    twice = np.where(2 * lag <= LONGEST, 2 * lag, lag)
    earlier = scipy.fft.rfft(np.float32(0.5) * (windows[first - lag] + windows[first - twice]) * ANALYSIS, axis=1)
    bands = np.add.reduceat(power, EDGES[:-1], axis=1)
    levels = 0.5 * np.log10(bands / (BAND_BINS.astype(np.float32) * (WINDOW / 2)) + FLOOR)
    turn = spec[:, :PHASES] * np.conj(_before(spec))
    turn = turn / (np.abs(turn) + np.float32(FLOOR * WINDOW / 2))

    def groups(x: F) -> F:
        return np.add.reduceat(x, GROUP_EDGES[:-1], axis=1)

    both = groups(spec.real * earlier.real + spec.imag * earlier.imag)
    correlation = both / np.sqrt(groups(power) * groups(earlier.real**2 + earlier.imag**2) + np.float32(TINY))
    pitch = np.stack([3 * np.log10(lag / np.sqrt(SHORTEST * LONGEST)), likelihood], 1)
    features = np.concatenate([levels, turn.real, turn.imag, correlation, pitch], 1, dtype=np.float32)
    return Analysed(spec, earlier, bands, correlation, features)


def _before(spec: C) -> C:
    """The low bins one frame earlier, turned on by the phase of their own frequency."""
    return np.concatenate([np.zeros((1, PHASES), np.complex64), spec[:-1, :PHASES]]) * ADVANCE


def _sigmoid(x: F) -> F:
    return 0.5 * np.tanh(0.5 * x) + 0.5


@dataclass
class Result:
    """Features [T, 268], gains before and after the post-filter [T, 136], filter [T, 32, 3], voice [T], sound [T * 480]."""

    features: F
    raw: F
    gains: F
    filter: C
    voice: F
    sound: F


class Reference:
    """A weights file, ready to run."""

    def __init__(self, path: str | Path) -> None:
        with safe_open(path, "numpy") as f:
            self.meta = f.metadata()
            t = {k: f.get_tensor(k) for k in f.keys()}
        self.t = t
        self.leak = np.float32(self.meta["leaky_slope"])
        self.w: dict[str, tuple[F, F]] = {}
        for key in [k.removesuffix(".w_q") for k in t if k.endswith(".w_q")]:
            q = t[f"{key}.w_q"].transpose(0, 2, 1).reshape(-1, t[f"{key}.w_q"].shape[1])
            w = q.astype(np.float32) * t[f"{key}.w_s"][:, None]
            self.w[key] = (w, t[f"{key}.b"]) if f"{key}.b" in t else (w[: t[f"{key}.biases"].shape[1]], t[f"{key}.biases"])

    def _gru(self, x: F, name: str) -> F:
        """X [T, ..., I] to the GRU's outputs [T, ..., H]."""
        (wi, bi), (wh, bh) = self.w[f"{name}_ih"], self.w[f"{name}_hh"]
        h = wh.shape[1]
        gi = x @ wi.T + bi
        state = np.zeros((*x.shape[1:-1], h), np.float32)
        out = np.empty((*x.shape[:-1], h), np.float32)
        for t in range(len(x)):
            gh = state @ wh.T + bh
            rz = _sigmoid(gi[t, ..., : 2 * h] + gh[..., : 2 * h])
            n = np.tanh(gi[t, ..., 2 * h :] + rz[..., :h] * gh[..., 2 * h :])
            state = (1 - rz[..., h:]) * n + rz[..., h:] * state
            out[t] = state
        return out

    def _dense(self, name: str, x: F) -> F:
        w, b = self.w[name]
        return x @ w.T + b

    def _leaky(self, name: str, x: F) -> F:
        y = self._dense(name, x)
        return np.where(y > 0, y, self.leak * y)

    def _network(self, features: F, correlation: F) -> tuple[F, C, F]:
        """Steps 5 to 9: raw gains, filter and voice."""
        frames = len(features)
        g = np.zeros((frames, GROUPS, 13), np.float32)
        g[..., :4] = ((features[:, :BANDS] - self.t["feat_mean"]) * self.t["feat_rstd"]).reshape(frames, GROUPS, 4)
        for k in range(2):
            first = BANDS + k * PHASES
            g[:, : PHASES // 4, 4 + 4 * k : 8 + 4 * k] = features[:, first : first + PHASES].reshape(frames, -1, 4)
        g[..., 12] = correlation
        side = np.pad(g, ((0, 0), (1, 1), (0, 0)))
        before = np.pad(g, ((1, 0), (0, 0), (0, 0)))[:-1]
        pitch = np.broadcast_to(features[:, None, -2:], (frames, GROUPS, 2))
        local = self._leaky("context", np.concatenate([side[:, :-2], g, side[:, 2:], before, pitch], 2))
        encoded = self._gru(local, "group_in") + local
        outs = [self._leaky("gather", encoded.reshape(frames, -1))]
        for i in range(1, int(self.meta["layers"]) + 1):
            outs.append(self._gru(outs[-1], f"gru{i}") + outs[-1])
        spread = self._dense("spread", np.concatenate(outs, 1))
        count = GROUPS * int(self.meta["broadcast"])
        broadcast = spread[:, :count].reshape(frames, GROUPS, -1)
        both = np.concatenate([encoded, np.where(broadcast > 0, broadcast, self.leak * broadcast)], 2)
        last = np.concatenate([self._gru(self._leaky("mix", both), "group_out"), both, g], 2)
        raw = _sigmoid(self._dense("out", last).reshape(frames, BANDS))
        low = np.tanh(self._dense("filter", last[:, : FILTERED // GROUP])).reshape(frames, -1, TAPS, 2, GROUP)
        low = (low[:, :, :, 0] + 1j * low[:, :, :, 1]).transpose(0, 1, 3, 2)
        return raw, low.reshape(frames, FILTERED, TAPS).astype(np.complex64), _sigmoid(spread[:, count])

    def run(self, x: F) -> Result:
        """Denoises a whole signal; the output lags by 480 samples."""
        a = analyse(x)
        raw, low, voice = self._network(a.features, a.correlation)
        post = PostFilter(self.t["decay_limit"], *(float(self.meta[k]) for k in ("sharpness", "smoothing", "pitch_filter")))
        gains, shares = post.run(raw, a.bands)
        r = np.repeat(post.pitch * shares[:, None] * np.maximum(a.correlation, 0) ** 2, np.diff(GROUP_EDGES), axis=1)
        spec = (a.spec + r * a.earlier) / (1 + r)
        taps = np.stack([a.spec[:, :FILTERED], _before(a.spec)[:, :FILTERED], a.earlier[:, :FILTERED]], 2)
        spec[:, :FILTERED] += (low * taps).sum(2)
        clean = (spec * np.repeat(gains, BAND_BINS, axis=1)).astype(np.complex64)
        return Result(a.features, raw, gains, low, voice, istft(clean))


@dataclass
class PostFilter:
    """Steps 9 to 12 for one stream, frame by frame."""

    decay: F
    sharpness: float
    smoothing: float
    pitch: float
    average: F = field(default_factory=lambda: np.zeros(FILTERED, np.float32))
    gain: F = field(default_factory=lambda: np.zeros(BANDS, np.float32))
    kept: float = 0.0
    total: float = 0.0

    def run(self, raw: F, bands: F) -> tuple[F, F]:
        """Gains [T, 136] and the share of noise [T] from raw gains and band powers [T, 136]."""
        gains, shares = np.empty_like(raw), np.empty(len(raw), np.float32)
        for t in range(len(raw)):
            g = self.gain = np.maximum(raw[t], self.decay * self.gain)
            self.kept += FORGET * (float((g * g * bands[t]).sum()) - self.kept)
            self.total += FORGET * (float(bands[t].sum()) - self.total)
            removed = 1 - self.kept / self.total if self.total > 0 else 0.0
            shares[t] = min(1.0, max(0.0, NOISY_SLOPE * removed - NOISY_OFFSET))
            v = shares[t] * self.sharpness
            w = g * (1 - v + v * 0.5 * g * (3 - g * g))
            before, after = (float((x * x * bands[t]).sum()) for x in (g, w))
            w = np.minimum(1, w * ((before / after) ** 0.5 if after > 0 else 1.0))
            low, magnitude = w[:FILTERED], np.sqrt(bands[t, :FILTERED])
            y, m = low * magnitude, self.average
            most = np.maximum(y, m)
            near = np.divide(np.minimum(y, m), most, out=np.zeros_like(most), where=most > 0)
            self.average = y + self.smoothing * shares[t] * np.sqrt((1 - low) * near) * (m - y)
            w[:FILTERED] = np.minimum(1, np.divide(self.average, magnitude, out=low.copy(), where=magnitude > 0))
            gains[t] = w
        return gains, shares
