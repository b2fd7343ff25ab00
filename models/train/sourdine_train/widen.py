"""A wider network that computes the same: units are copied, and what leaves them is shared out among the copies.

After Chen, Goodfellow and Shlens, "Net2Net: Accelerating Learning via Knowledge Transfer" (2016). Convolution and GRUs are
joined by residual sums, so one unit of each is copied at a time. The copies hear the same, but share what they say
unevenly, so training moves them apart.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

STATE = dict[str, Tensor]


def plan(hidden: int, wider: int, seed: int) -> tuple[Tensor, Tensor]:
    """For each of the wider network's units, which one it copies and which share of its output it has."""
    if wider < hidden:
        raise ValueError(f"{wider} units are fewer than {hidden}")
    rng = np.random.default_rng(seed)
    copies = [rng.permutation(hidden) for _ in range((wider - 1) // hidden)]
    of = np.concatenate([np.arange(hidden), *copies])[:wider]
    weight = rng.uniform(0.3, 0.7, wider)
    share = weight / np.bincount(of, weight, hidden)[of]
    return torch.from_numpy(of), torch.from_numpy(share).float()


def widen(net: STATE, of: Tensor, share: Tensor) -> STATE:
    """`Net`'s tensors with the units of a plan."""
    hidden = int(of.max()) + 1

    def gates(w: Tensor) -> Tensor:
        return torch.cat([gate[of] for gate in w.split(hidden)])

    def inputs(w: Tensor) -> Tensor:
        return torch.cat([part[:, of] * share for part in w.split(hidden, 1)], 1)

    out = dict(net)
    out["conv.weight"], out["conv.bias"] = net["conv.weight"][of], net["conv.bias"][of]
    out["out.weight"] = inputs(net["out.weight"])
    for name, w in net.items():
        if name.startswith("gru.") and "weight" in name:
            out[name] = gates(inputs(w))
        elif name.startswith("gru."):
            out[name] = gates(w)
    return out
