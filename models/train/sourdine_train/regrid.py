"""A network for one grid of bands made from that for another: weights that lead to and from bands are interpolated.

Not the same function, but near enough that training goes on from there instead of from the beginning.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from .features import BAND_HZ, BANDS, RATE

STATE = dict[str, Tensor]


def between(old: np.ndarray, new: np.ndarray) -> Tensor:
    """[old, new]: what each old band is, as a mean of new ones near it. Triangles as wide as the old bands' distance."""
    gap = np.gradient(old)
    m = np.maximum(0, 1 - np.abs(old[:, None] - new[None]) / gap[:, None])
    lost = m.sum(1) == 0
    m[lost, np.abs(old[lost, None] - new[None]).argmin(1)] = 1
    return torch.from_numpy(m / m.sum(1, keepdims=True)).float()


def regrid(net: STATE, old_edges: np.ndarray, old_window: int, mean: Tensor, rstd: Tensor) -> STATE:
    """`Net`'s tensors for this package's bands; `mean` and `rstd` are the features' statistics there."""
    old, new = (old_edges[:-1] + old_edges[1:] - 1) / 2 * (RATE / old_window), BAND_HZ
    bands = len(old)
    there = between(old, new)
    # The way back: gains of new bands lie between those of old ones.
    i = np.clip(np.searchsorted(old, new) - 1, 0, bands - 2)
    part = torch.from_numpy(np.clip((new - old[i]) / (old[i + 1] - old[i]), 0, 1)).float()
    i = torch.from_numpy(i)

    def rows(w: Tensor) -> Tensor:
        part_of = part.view(-1, *([1] * (w.ndim - 1)))
        return w[i] * (1 - part_of) + w[i + 1] * part_of

    out = dict(net)
    out["feat_mean"], out["feat_rstd"] = mean, rstd
    out["conv.weight"] = torch.cat([w @ there for w in net["conv.weight"].split(bands, 1)], 1)
    out["out.weight"] = torch.cat([rows(net["out.weight"][:bands]), net["out.weight"][bands:]])
    out["out.bias"] = torch.cat([rows(net["out.bias"][:bands]), net["out.bias"][bands:]])
    out["local_out"] = rows(net["local_out"])
    assert out["local_out"].shape[0] == BANDS
    return out
