"""The reference denoiser: a whole signal at once, or frame by frame as the engine works."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch

from .features import BANDS, HOP, SYNTHESIS, WINDOW, Past, hear, istft
from .model import Net
from .refine import Refiner, apply


@torch.no_grad()
def run(net: Net, x: np.ndarray, refiner: Refiner) -> dict[str, np.ndarray]:
    """Denoises `x` (48 kHz, mono) as one batch; the output lags by 480 samples."""
    heard = hear(x)
    prob = torch.sigmoid(net(torch.from_numpy(heard.feat)[None])[0]).numpy()
    gain, combs = replace(refiner).run(prob[:, :BANDS], heard.power, heard.likeness)
    y = istft(apply(heard.spec, heard.earlier, gain, combs))
    return {"feat": heard.feat, "raw": prob[:, :BANDS], "gain": gain, "vad": prob[:, BANDS], "out": y}


class Stream:
    """One stream, 480 samples a call."""

    def __init__(self, net: Net, refiner: Refiner) -> None:
        self.net, self.fresh = net, refiner
        self.reset()

    def reset(self) -> None:
        """Back to the state before the first frame."""
        self.state = self.net.start()
        self.heard, self.refiner = Past(), replace(self.fresh)
        self.tail = np.zeros(HOP, np.float32)

    @torch.no_grad()
    def push(self, x: np.ndarray) -> dict[str, np.ndarray]:
        """Takes 480 samples, gives 480 samples, the features, gains, voice probability and layer outputs."""
        heard = hear(x, self.heard)
        logits, outs, self.state = self.net.layers_of(torch.from_numpy(heard.feat)[None], self.state)
        prob = torch.sigmoid(logits)[0].numpy()
        gain, combs = self.refiner.run(prob[:, :BANDS], heard.power, heard.likeness)
        (clean,) = apply(heard.spec, heard.earlier, gain, combs)
        y = (np.fft.irfft(clean, WINDOW)[-2 * HOP :] * SYNTHESIS).astype(np.float32)
        out = y[:HOP] + self.tail
        self.tail = y[HOP:]
        r = {"feat": heard.feat[0], "raw": prob[0, :BANDS], "gain": gain[0], "comb": combs[0], "vad": prob[0, BANDS:], "out": out}
        for name, o in zip(("c", "h1", "h2"), outs, strict=False):
            r[name] = o[0, 0].numpy()
        return r
