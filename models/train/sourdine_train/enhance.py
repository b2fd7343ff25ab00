"""The reference denoiser: a whole signal at once, or frame by frame as the engine works."""

from __future__ import annotations

import numpy as np
import torch

from .export import DECAY
from .features import ANALYSIS, BANDS, BINS, EDGES, HOP, SYNTHESIS, WIDTH, WINDOW, features, istft, stft
from .model import Net

REPEAT = np.diff(EDGES)
assert WIDTH.sum() == BINS


def limit_decay(gain: np.ndarray, last: np.ndarray | None = None) -> np.ndarray:
    """g(t) = max(g(t), DECAY g(t - 1)) over the first axis."""
    out = np.array(gain, dtype=np.float32)
    prev = np.zeros(out.shape[1], np.float32) if last is None else last
    for row in out:
        np.maximum(row, DECAY * prev, out=row)
        prev = row
    return out


@torch.no_grad()
def run(net: Net, x: np.ndarray) -> dict[str, np.ndarray]:
    """Denoises `x` (48 kHz, mono) as one batch; the output lags by 480 samples."""
    spec = stft(x.astype(np.float32))
    feat = features((spec.real**2 + spec.imag**2).astype(np.float32))
    prob = torch.sigmoid(net(torch.from_numpy(feat)[None])[0]).numpy()
    gain = limit_decay(prob[:, :BANDS])
    y = istft(spec * np.repeat(gain, REPEAT, axis=1))
    return {"feat": feat, "raw": prob[:, :BANDS], "gain": gain, "vad": prob[:, BANDS], "out": y}


class Stream:
    """One stream, 480 samples a call."""

    def __init__(self, net: Net) -> None:
        self.net = net
        self.reset()

    def reset(self) -> None:
        """Back to the state before the first frame."""
        self.state = self.net.start()
        self.before = np.zeros(WINDOW - HOP, np.float32)
        self.tail = np.zeros(HOP, np.float32)
        self.last = np.zeros(BANDS, np.float32)

    @torch.no_grad()
    def push(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Takes 480 samples, gives 480 samples, the features, gains, voice probability and layer outputs."""
        x = x.astype(np.float32)
        frame = np.concatenate([self.before, x])
        spec = np.fft.rfft(frame * ANALYSIS).astype(np.complex64)
        feat = features((spec.real**2 + spec.imag**2)[None])
        logits, outs, self.state = self.net.layers_of(torch.from_numpy(feat)[None], self.state)
        prob = torch.sigmoid(logits)[0, 0].numpy()
        gain = np.maximum(prob[:BANDS], DECAY * self.last)
        y = (np.fft.irfft(spec * np.repeat(gain, REPEAT), WINDOW)[-2 * HOP :] * SYNTHESIS).astype(np.float32)
        out = y[:HOP] + self.tail
        self.before, self.tail, self.last = frame[HOP:], y[HOP:], gain
        r = {"feat": feat[0], "raw": prob[:BANDS], "gain": gain, "vad": prob[BANDS:], "out": out}
        for name, o in zip(("c", "h1", "h2"), outs, strict=False):
            r[name] = o[0, 0].numpy()
        return r
