"""The network: a causal convolution over three frames, GRUs with residual sums, a local path, gains and voice logit."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as nnf
from torch import Tensor, nn

from . import fastgru
from .features import BANDS, INPUTS

SLOPE = 0.1
TAPS = 3
CHANNELS = 4
REACH = 2


@dataclass
class State:
    """What one stream carries from frame to frame."""

    past: Tensor
    gru: list[Tensor]


class Net(nn.Module):
    """Maps features [N, T, 268] to logits [N, T, 137] (136 gains, voice)."""

    feat_mean: Tensor
    feat_rstd: Tensor

    def __init__(self, hidden: int = 192, layers: int = 2, dropout: float = 0.0) -> None:
        super().__init__()
        self.hidden, self.layers, self.dropout = hidden, layers, dropout
        self.register_buffer("feat_mean", torch.zeros(BANDS))
        self.register_buffer("feat_rstd", torch.ones(BANDS))
        self.conv = nn.Linear(TAPS * INPUTS, hidden)
        self.gru = nn.ModuleList(nn.GRU(hidden, hidden, batch_first=True) for _ in range(layers))
        for g in self.gru:
            for gate in range(3):
                nn.init.orthogonal_(g.weight_hh_l0.data[gate * hidden : (gate + 1) * hidden])
        self.out = nn.Linear((layers + 1) * hidden, BANDS + 1)
        self.local_conv = nn.Conv1d(1, CHANNELS, 2 * REACH + 1, padding=REACH)
        self.local_out = nn.Parameter(torch.zeros(BANDS, CHANNELS))
        nn.init.normal_(self.local_out, std=0.1)
        nn.init.constant_(self.out.bias, 1.0)

    def start(self, batch: int = 1) -> State:
        """The state before the first frame."""
        w = self.conv.weight
        return State(w.new_zeros(batch, TAPS - 1, INPUTS), [w.new_zeros(1, batch, self.hidden) for _ in self.gru])

    def normalised(self, feat: Tensor) -> Tensor:
        """The features with levels of mean 0 and deviation 1."""
        return torch.cat([(feat[..., :BANDS] - self.feat_mean) * self.feat_rstd, feat[..., BANDS:]], -1)

    def layers_of(self, feat: Tensor, state: State | None = None) -> tuple[Tensor, list[Tensor], State]:
        """Logits, the outputs of all layers [c, h1, h2, ...] and the state after the last frame."""
        n, t, _ = feat.shape
        state = state or self.start(n)
        x = self.normalised(feat)
        ext = torch.cat([state.past, x], 1)
        h = nnf.leaky_relu(self.conv(torch.cat([ext[:, i : i + t] for i in range(TAPS)], 2)), SLOPE)
        outs, hidden = [h], []
        for g, s in zip(self.gru, state.gru, strict=True):
            y, s2 = g(h, s)
            h = y + h
            outs.append(h)
            hidden.append(s2)
        o = self.out(torch.cat(outs, 2))
        local = torch.tanh(self.local_conv(x[..., :BANDS].reshape(n * t, 1, BANDS))).reshape(n, t, CHANNELS, BANDS)
        gains = o[..., :BANDS] + (local * self.local_out.T).sum(2)
        logits = torch.cat([gains, o[..., BANDS:]], 2)
        return logits, outs, State(ext[:, -(TAPS - 1) :], hidden)

    def _drop(self, h: Tensor) -> Tensor:
        return nnf.dropout(h, self.dropout, self.training)

    def forward(self, feat: Tensor) -> Tensor:
        """Logits for whole sequences from a fresh state; the fast path for training, equal to `layers_of` but for dropout."""
        t = feat.shape[1]
        x = self.normalised(feat).transpose(0, 1).contiguous()
        ext = nnf.pad(x, (0, 0, 0, 0, TAPS - 1, 0))
        h = nnf.leaky_relu(self.conv(torch.cat([ext[i : i + t] for i in range(TAPS)], 2)), SLOPE)
        o = nnf.linear(self._drop(h), self.out.weight[:, : self.hidden], self.out.bias)
        for i, g in enumerate(self.gru, 1):
            h = fastgru.run(g, self._drop(h)) + h
            o = o + nnf.linear(self._drop(h), self.out.weight[:, i * self.hidden : (i + 1) * self.hidden])
        side = nnf.pad(x[..., :BANDS], (REACH, REACH))
        gains = o[..., :BANDS]
        for k in range(CHANNELS):
            w = self.local_conv.weight[k, 0]
            c = sum((side[..., j : j + BANDS] * w[j] for j in range(2 * REACH + 1)), self.local_conv.bias[k])
            gains = gains + torch.tanh(c) * self.local_out[:, k]
        return torch.cat([gains, o[..., BANDS:]], 2).transpose(0, 1)
