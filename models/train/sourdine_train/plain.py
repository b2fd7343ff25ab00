"""The same network in NumPy alone, written from FORMAT.md: starts in a fraction of PyTorch's time, and checks the text."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from . import container
from .features import BANDS, PHASES, hear, istft
from .refine import Refiner, apply

F = np.ndarray
GROUPS = BANDS // 4


def _sigm(x: F) -> F:
    return 0.5 * np.tanh(0.5 * x) + 0.5


class Plain:
    """A weights file, ready to run."""

    def __init__(self, path: str | Path) -> None:
        t, self.meta = container.load(path)
        self.t = t
        self.layers = int(self.meta["layers"])
        self.slope = np.float32(self.meta["leaky_slope"])
        self.units, self.sent = int(self.meta["units"]), int(self.meta["sent"])
        self.w: dict[str, tuple[F, F]] = {}
        for key in [k.removesuffix(".w_q") for k in t if k.endswith(".w_q")]:
            q = t[f"{key}.w_q"].transpose(0, 2, 1).reshape(-1, t[f"{key}.w_q"].shape[1])
            w = q.astype(np.float32) * t[f"{key}.w_s"][:, None]
            self.w[key] = (w, t[f"{key}.b"]) if f"{key}.b" in t else (w[: t[f"{key}.place"].shape[1]], t[f"{key}.place"])

    def _gru(self, x: F, name: str) -> F:
        """X [T, ..., I] to the GRU's outputs [T, ..., H]."""
        (wi, bi), (wh, bh) = self.w[f"{name}_ih"], self.w[f"{name}_hh"]
        h = wh.shape[1]
        gi = x @ wi.T + bi
        s = np.zeros((*x.shape[1:-1], h), np.float32)
        out = np.empty((*x.shape[:-1], h), np.float32)
        for t in range(len(x)):
            gh = s @ wh.T + bh
            rz = _sigm(gi[t, ..., : 2 * h] + gh[..., : 2 * h])
            n = np.tanh(gi[t, ..., 2 * h :] + rz[..., :h] * gh[..., 2 * h :])
            s = (1 - rz[..., h:]) * n + rz[..., h:] * s
            out[t] = s
        return out

    def _dense(self, name: str, x: F) -> F:
        w, b = self.w[name]
        return x @ w.T + b

    def _leaky(self, name: str, x: F) -> F:
        y = self._dense(name, x)
        return np.where(y > 0, y, self.slope * y)

    def run(self, x: F) -> dict[str, F]:
        """Denoises a whole signal; the output lags by 480 samples."""
        heard = hear(x)
        feat = heard.feat
        frames = len(feat)
        g = np.zeros((frames, GROUPS, 13), np.float32)
        g[..., :4] = ((feat[:, :BANDS] - self.t["feat_mean"]) * self.t["feat_rstd"]).reshape(frames, GROUPS, 4)
        for k in range(2):
            first = BANDS + k * PHASES
            g[:, : PHASES // 4, 4 + 4 * k : 8 + 4 * k] = feat[:, first : first + PHASES].reshape(frames, -1, 4)
        g[..., 12] = heard.likeness
        side = np.pad(g, ((0, 0), (1, 1), (0, 0)))
        before = np.pad(g, ((1, 0), (0, 0), (0, 0)))[:-1]
        period = np.broadcast_to(feat[:, None, -2:], (frames, GROUPS, 2))
        near = self._leaky("near", np.concatenate([side[:, :-2], g, side[:, 2:], before, period], 2))
        known = self._gru(near, "group_in") + near
        outs = [self._leaky("gather", known.reshape(frames, -1))]
        for i in range(1, self.layers + 1):
            outs.append(self._gru(outs[-1], f"gru{i}") + outs[-1])
        said = self._dense("spread", np.concatenate(outs, 1))
        sent = said[:, : GROUPS * self.sent].reshape(frames, GROUPS, -1)
        both = np.concatenate([known, np.where(sent > 0, sent, self.slope * sent)], 2)
        spoken = self._gru(self._leaky("mix", both), "group_out")
        raw = _sigm(self._dense("out", np.concatenate([spoken, both, g], 2)).reshape(frames, BANDS))
        voice = _sigm(said[:, GROUPS * self.sent])
        refiner = Refiner.of(self.t, self.meta)
        gain, combs = refiner.run(raw, heard.power, heard.likeness)
        y = istft(apply(heard.spec, heard.earlier, gain, combs))
        return {"feat": feat, "raw": raw, "gain": gain, "vad": voice, "out": y}
