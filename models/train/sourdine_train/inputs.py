"""A network that hears phases and periods from one that hears levels alone: it computes the same until trained on.

The weights of format `sourdine-2` were trained without them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .features import BANDS, INPUTS
from .model import TAPS

STATE = dict[str, Tensor]


def add(net: STATE) -> STATE:
    """`Net`'s tensors with columns of zeros for the new inputs of every tap."""
    old = net["conv.weight"]
    assert old.shape[1] == TAPS * BANDS
    new = old.new_zeros(old.shape[0], TAPS, INPUTS)
    new[:, :, :BANDS] = old.view(-1, TAPS, BANDS)
    return {**net, "conv.weight": torch.flatten(new, 1)}
