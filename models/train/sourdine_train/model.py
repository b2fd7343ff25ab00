"""The network: what one group of four bands hears and remembers, the same for all groups, around two GRUs that hear all of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from . import fastgru
from .features import BANDS, GROUPS, PHASES

SLOPE = 0.1
COUNT = len(GROUPS)
BAND = 4
"""Bands of a group."""
PHASED = PHASES // BAND
"""The lowest groups, whose bins have phases."""
HEARD = 3 * BAND + 1
"""What there is of a group: levels, cosines and sines of its phase advances (0 where there are none), likeness."""
UNITS = 16
"""What a group remembers."""
SENT = 8
"""What the large GRUs say to a group."""

Recur = Callable[[nn.GRU, Tensor], Tensor]


@dataclass
class State:
    """What one stream carries from frame to frame: the groups of the last frame, and the memory of every GRU."""

    before: Tensor
    memories: dict[nn.GRU, Tensor]


def grouped(x: Tensor) -> Tensor:
    """Features [..., 268] as the groups have them, [..., 34, 13]."""
    levels, cosines, sines, likeness, _ = x.split([BANDS, PHASES, PHASES, COUNT, 2], -1)
    low = [nnf.pad(v.unflatten(-1, (PHASED, BAND)), (0, 0, 0, COUNT - PHASED)) for v in (cosines, sines)]
    return torch.cat([levels.unflatten(-1, (COUNT, BAND)), *low, likeness.unsqueeze(-1)], -1)


class Net(nn.Module):
    """Maps features [N, T, 268] to logits [N, T, 137] (136 gains, voice)."""

    feat_mean: Tensor
    feat_rstd: Tensor

    def __init__(self, hidden: int = 192, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden, self.layers, self.dropout = hidden, layers, dropout
        self.register_buffer("feat_mean", torch.zeros(BANDS))
        self.register_buffer("feat_rstd", torch.ones(BANDS))
        self.near = nn.Linear(4 * HEARD + 2, UNITS, bias=False)
        self.near_place = nn.Parameter(0.3 * torch.randn(COUNT, UNITS))
        self.group_in = nn.GRU(UNITS, UNITS)
        self.gather = nn.Linear(COUNT * UNITS, hidden)
        self.gru = nn.ModuleList(nn.GRU(hidden, hidden) for _ in range(layers))
        for g in self.gru:
            for gate in range(3):
                nn.init.orthogonal_(g.weight_hh_l0.data[gate * hidden : (gate + 1) * hidden])
        self.spread = nn.Linear((layers + 1) * hidden, COUNT * SENT)
        self.voice = nn.Linear((layers + 1) * hidden, 1)
        self.mix = nn.Linear(UNITS + SENT, UNITS, bias=False)
        self.mix_place = nn.Parameter(0.3 * torch.randn(COUNT, UNITS))
        self.group_out = nn.GRU(UNITS, UNITS)
        self.out = nn.Linear(2 * UNITS + SENT + HEARD, BAND, bias=False)
        self.out_bias = nn.Parameter(torch.ones(BANDS))
        nn.init.normal_(self.out.weight, std=0.05)

    def start(self, batch: int = 1) -> State:
        """The state before the first frame."""
        w = self.gather.weight
        group = w.new_zeros(1, batch * COUNT, UNITS)
        memories = {self.group_in: group, self.group_out: group, **{g: w.new_zeros(1, batch, self.hidden) for g in self.gru}}
        return State(w.new_zeros(1, batch, COUNT, HEARD), memories)

    def normalised(self, feat: Tensor) -> Tensor:
        """The features with levels of mean 0 and deviation 1."""
        return torch.cat([(feat[..., :BANDS] - self.feat_mean) * self.feat_rstd, feat[..., BANDS:]], -1)

    def _compute(self, feat: Tensor, before: Tensor | None, recur: Recur) -> tuple[Tensor, list[Tensor], Tensor]:
        """Logits [N, T, 137], outputs of the layers that hear all groups [T, N, hidden], the groups of the last frame."""
        x = self.normalised(feat).transpose(0, 1)
        t, n, _ = x.shape
        g = grouped(x)
        ext = nnf.pad(g, (0, 0, 0, 0, 0, 0, 1, 0)) if before is None else torch.cat([before, g])
        side = nnf.pad(g, (0, 0, 1, 1))
        period = x[..., -2:].unsqueeze(2).expand(t, n, COUNT, 2)
        near = self.near(torch.cat([side[:, :, :-2], g, side[:, :, 2:], ext[:-1], period], 3))
        near = nnf.leaky_relu(near + self.near_place, SLOPE)

        def each(layer: nn.GRU, z: Tensor) -> Tensor:
            return recur(layer, z.flatten(1, 2)).unflatten(1, (n, COUNT))

        known = each(self.group_in, near) + near
        h = nnf.leaky_relu(self.gather(known.flatten(2)), SLOPE)
        outs = [h]
        for layer in self.gru:
            h = recur(layer, self._drop(h)) + h
            outs.append(h)
        every = self._drop(torch.cat(outs, 2))
        sent = nnf.leaky_relu(self.spread(every), SLOPE).unflatten(2, (COUNT, SENT))
        both = torch.cat([known, sent], 3)
        spoken = each(self.group_out, nnf.leaky_relu(self.mix(both) + self.mix_place, SLOPE))
        gains = self.out(torch.cat([spoken, both, g], 3)).flatten(2) + self.out_bias
        return torch.cat([gains, self.voice(every)], 2).transpose(0, 1), outs, g[-1:]

    def layers_of(self, feat: Tensor, state: State | None = None) -> tuple[Tensor, list[Tensor], State]:
        """Logits, the outputs of the layers that hear all groups [N, T, hidden] and the state after the last frame."""
        state = state or self.start(feat.shape[0])
        after = State(state.before, {})

        def recur(layer: nn.GRU, x: Tensor) -> Tensor:
            y, after.memories[layer] = layer(x, state.memories[layer])
            return y

        logits, outs, after.before = self._compute(feat, state.before, recur)
        return logits, [h.transpose(0, 1) for h in outs], after

    def _drop(self, h: Tensor) -> Tensor:
        return nnf.dropout(h, self.dropout, self.training)

    def forward(self, feat: Tensor) -> Tensor:
        """Logits for whole sequences from a fresh state; the fast path for training, equal to `layers_of` but for dropout."""
        return self._compute(feat, None, fastgru.run)[0]
