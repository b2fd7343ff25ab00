"""The same network in NumPy alone, written from FORMAT.md: starts in a fraction of PyTorch's time, and checks the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import container
from .features import BANDS, INPUTS, hear, istft
from .refine import Refiner, apply

F = np.ndarray


def _sigm(x: F) -> F:
    return 0.5 * np.tanh(0.5 * x) + 0.5


class Plain:
    """A weights file, ready to run."""

    def __init__(self, path: str | Path) -> None:
        t, self.meta = container.load(path)
        self.t = t
        self.h = int(self.meta["hidden"])
        self.layers = int(self.meta["layers"])
        self.slope = np.float32(self.meta["leaky_slope"])
        self.decay = t["decay_limit"]
        rows = {"conv": self.h, "out": BANDS + 1}
        self.w: dict[str, tuple[F, F]] = {}
        for key in [k.removesuffix(".w_q") for k in t if k.endswith(".w_q")]:
            n = rows.get(key, 3 * self.h)
            q = t[f"{key}.w_q"].transpose(0, 2, 1).reshape(-1, t[f"{key}.w_q"].shape[1])[:n]
            self.w[key] = (q.astype(np.float32) * t[f"{key}.w_s"][:n, None], t[f"{key}.b"][:n])

    def _gru(self, x: F, i: int) -> F:
        (wi, bi), (wh, bh) = self.w[f"gru{i}_ih"], self.w[f"gru{i}_hh"]
        h = self.h
        gi = x @ wi.T + bi
        s = np.zeros(h, np.float32)
        out = np.empty((len(x), h), np.float32)
        for t in range(len(x)):
            gh = wh @ s + bh
            rz = _sigm(gi[t, : 2 * h] + gh[: 2 * h])
            n = np.tanh(gi[t, 2 * h :] + rz[:h] * gh[2 * h :])
            s = (1 - rz[h:]) * n + rz[h:] * s
            out[t] = s
        return out

    def run(self, x: F) -> dict[str, F]:
        """Denoises a whole signal; the output lags by 480 samples."""
        heard = hear(x)
        feat = heard.feat
        f = (feat[:, :BANDS] - self.t["feat_mean"]) * self.t["feat_rstd"]
        inputs = np.concatenate([f, feat[:, BANDS:]], 1)
        ext = np.concatenate([np.zeros((2, INPUTS), np.float32), inputs])
        w, b = self.w["conv"]
        c = np.concatenate([ext[:-2], ext[1:-1], ext[2:]], 1) @ w.T + b
        c = np.where(c > 0, c, self.slope * c)
        outs = [c]
        for i in range(1, self.layers + 1):
            outs.append(self._gru(outs[-1], i) + outs[-1])
        w, b = self.w["out"]
        o = np.concatenate(outs, 1) @ w.T + b
        side = np.pad(f, ((0, 0), (2, 2)))
        for k in range(4):
            acc = sum(side[:, j : j + BANDS] * self.t["local.conv_w"][k, j] for j in range(5))
            o[:, :BANDS] += np.tanh(acc + self.t["local.conv_b"][k]) * self.t["local.out_w"][:, k]
        p = _sigm(o)
        refiner = Refiner(self.decay, float(self.meta["sharpness"]), float(self.meta["comb"]))
        gain, combs = refiner.run(p[:, :BANDS], heard.power, heard.likeness)
        y = istft(apply(heard.spec, heard.earlier, gain, combs))
        return {"feat": feat, "raw": p[:, :BANDS], "gain": gain, "vad": p[:, BANDS], "out": y}
