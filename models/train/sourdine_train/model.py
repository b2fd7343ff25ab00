"""The network: layers shared by all groups of four bands, around two GRUs that take all groups (FORMAT.md, steps 5 to 8)."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from . import gru
from .layout import BANDS, FEATURES, FILTER_ROWS, FILTERED, GROUP, GROUPS, PHASES, TAPS

LEAK = 0.1
"""Slope of the leaky rectifiers below zero."""
PHASED = PHASES // GROUP
"""The lowest groups, whose bins have phase advances."""
FILTERED_GROUPS = FILTERED // GROUP
INPUTS = 3 * GROUP + 1
"""Of a group: levels, cosines and sines of the phase advances (0 where there are none), correlation."""
UNITS = 16
"""Hidden state of a group's GRU."""
BROADCAST = 8
"""Outputs of the large GRUs broadcast to one group."""


class Output(NamedTuple):
    """Logits of the gains [N, T, 136] and of voice [N, T]; the low bins' complex filter [N, T, 32, 3]."""

    gains: Tensor
    voice: Tensor
    filter: Tensor


def grouped(x: Tensor) -> Tensor:
    """Features [..., 268] by group, [..., 34, 13]."""
    levels, cosines, sines, correlation, _ = x.split([BANDS, PHASES, PHASES, GROUPS, 2], -1)
    low = [nnf.pad(v.unflatten(-1, (PHASED, GROUP)), (0, 0, 0, GROUPS - PHASED)) for v in (cosines, sines)]
    return torch.cat([levels.unflatten(-1, (GROUPS, GROUP)), *low, correlation.unsqueeze(-1)], -1)


class Net(nn.Module):
    """Maps features [N, T, 268] to an `Output`, from a fresh state."""

    mean: Tensor
    rstd: Tensor

    def __init__(self, hidden: int = 256, layers: int = 2) -> None:
        super().__init__()
        self.hidden, self.layers = hidden, layers
        self.register_buffer("mean", torch.zeros(BANDS))
        self.register_buffer("rstd", torch.ones(BANDS))
        self.context = nn.Linear(4 * INPUTS + 2, UNITS, bias=False)
        self.context_biases = nn.Parameter(0.3 * torch.randn(GROUPS, UNITS))
        self.group_in = nn.GRU(UNITS, UNITS)
        self.gather = nn.Linear(GROUPS * UNITS, hidden)
        self.gru = nn.ModuleList(nn.GRU(hidden, hidden) for _ in range(layers))
        for g in self.gru:
            for gate in range(3):
                nn.init.orthogonal_(g.weight_hh_l0.data[gate * hidden : (gate + 1) * hidden])
        self.spread = nn.Linear((layers + 1) * hidden, GROUPS * BROADCAST)
        self.voice = nn.Linear((layers + 1) * hidden, 1)
        self.mix = nn.Linear(UNITS + BROADCAST, UNITS, bias=False)
        self.mix_biases = nn.Parameter(0.3 * torch.randn(GROUPS, UNITS))
        self.group_out = nn.GRU(UNITS, UNITS)
        self.out = nn.Linear(2 * UNITS + BROADCAST + INPUTS, GROUP, bias=False)
        self.out_biases = nn.Parameter(torch.ones(GROUPS, GROUP))
        nn.init.normal_(self.out.weight, std=0.05)
        # A filter of zeros leaves the sound to the gains.
        self.filter = nn.Linear(2 * UNITS + BROADCAST + INPUTS, FILTER_ROWS, bias=False)
        self.filter_biases = nn.Parameter(torch.zeros(FILTERED_GROUPS, FILTER_ROWS))
        nn.init.zeros_(self.filter.weight)

    def normalised(self, features: Tensor) -> Tensor:
        """The features with levels of mean 0 and deviation 1."""
        return torch.cat([(features[..., :BANDS] - self.mean) * self.rstd, features[..., BANDS:]], -1)

    def layer_outputs(self, features: Tensor) -> tuple[Output, list[Tensor]]:
        """The output, and those of the layers that take all groups [N, T, hidden]."""
        assert features.shape[-1] == FEATURES
        x = self.normalised(features).transpose(0, 1)
        t, n, _ = x.shape
        g = grouped(x)
        before = nnf.pad(g, (0, 0, 0, 0, 0, 0, 1, 0))[:-1]
        padded = nnf.pad(g, (0, 0, 1, 1))
        pitch = x[..., -2:].unsqueeze(2).expand(t, n, GROUPS, 2)
        local = self.context(torch.cat([padded[:, :, :-2], g, padded[:, :, 2:], before, pitch], 3))
        local = nnf.leaky_relu(local + self.context_biases, LEAK)

        def each(layer: nn.GRU, z: Tensor) -> Tensor:
            return gru.run(layer, z.flatten(1, 2)).unflatten(1, (n, GROUPS))

        encoded = each(self.group_in, local) + local
        h = nnf.leaky_relu(self.gather(encoded.flatten(2)), LEAK)
        outs = [h]
        for layer in self.gru:
            h = gru.run(layer, h) + h
            outs.append(h)
        every = torch.cat(outs, 2)
        broadcast = nnf.leaky_relu(self.spread(every), LEAK).unflatten(2, (GROUPS, BROADCAST))
        both = torch.cat([encoded, broadcast], 3)
        last = each(self.group_out, nnf.leaky_relu(self.mix(both) + self.mix_biases, LEAK))
        last = torch.cat([last, both, g], 3)
        gains = (self.out(last) + self.out_biases).flatten(2)
        low = torch.tanh(self.filter(last[:, :, :FILTERED_GROUPS]) + self.filter_biases)
        low = low.unflatten(3, (TAPS, 2, GROUP)).permute(1, 0, 2, 5, 3, 4)  # [N, T, groups, bin, tap, part]
        filters = torch.view_as_complex(low.flatten(2, 3).contiguous())
        output = Output(gains.transpose(0, 1), self.voice(every)[..., 0].T, filters)
        return output, [h.transpose(0, 1) for h in outs]

    def forward(self, features: Tensor) -> Output:
        """See the class."""
        return self.layer_outputs(features)[0]
