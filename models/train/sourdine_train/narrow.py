"""A narrower network from a trained one: units are removed one by one, and their outputs are estimated from those that stay.

Optimal brain surgeon (Hassibi and Stork, 1993) over whole units: the unit goes whose removal changes its consumers least, in mean
squares over `features`, after the weights of the others have been adjusted.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .model import Net
from .weights import Checkpoint, State

RIDGE = 1e-4
"""Share of a signal's mean variance that is added to every unit's, so that the covariance has an inverse even with unused units."""


@dataclass
class Consumers:
    """A signal of one value per unit and frame, with the weights [rows, units] and bias [rows] of all layers that take it."""

    mean: Tensor
    precision: Tensor
    weight: Tensor
    bias: Tensor
    owner: Tensor
    """The unit that a row belongs to, -1 for the last layers' [rows]."""

    @classmethod
    def of(cls, signal: Tensor, weight: Tensor, gates: int) -> Consumers:
        """`signal` [frames, units]; the last rows of `weight` are a GRU's `gates`, a row a unit each."""
        units = weight.shape[1]
        owner = torch.full((len(weight),), -1)
        owner[len(weight) - gates * units :] = torch.arange(units).repeat(gates)
        covariance = torch.cov(signal.T.double())
        ridge = RIDGE * covariance.diagonal().mean() + 1e-12
        precision = torch.linalg.inv(covariance + ridge * torch.eye(len(covariance), dtype=torch.float64))
        return cls(signal.double().mean(0), precision, weight.double().clone(), torch.zeros(len(weight), dtype=torch.float64), owner)

    def cost(self) -> Tensor:
        """Mean square change of the consumers without each unit."""
        return self.weight.square().sum(0) / self.precision.diagonal()

    def remove(self, unit: int) -> None:
        """Removes a unit: adjusts the others' weights and the bias, and drops the rows of the unit itself."""
        self.weight[self.owner == unit] = 0
        p, w = self.precision[unit] / self.precision[unit, unit], self.weight[:, unit].clone()
        self.weight -= torch.outer(w, p)
        self.bias += w * (p @ self.mean)
        self.precision = self.precision - torch.outer(p, p) * self.precision[unit, unit]
        # A removed unit has neither weight nor cost.
        self.precision[unit], self.precision[:, unit], self.weight[:, unit] = 0, 0, 0
        self.precision[unit, unit] = 1


@torch.no_grad()
def narrowed(state: State, units: int, features: Tensor) -> State:
    """The weights with `units` of the large layers' units, chosen over `features` [clips, frames, 268]."""
    hidden = state["gather.weight"].shape[0]
    layers = sum(k.startswith("gru.") and k.endswith("weight_ih_l0") for k in state)
    net = Net(hidden, layers)
    net.load_state_dict(state)
    streams = net.layer_outputs(features)[1]
    state = {k: v.clone() for k, v in state.items()}

    # Every layer adds to one stream, so a unit is the same column everywhere. The last layers take the stream after each
    # layer, a block of columns each; a GRU takes the stream before it and its own last output.
    last = torch.cat([state["spread.weight"], state["voice.weight"]])
    broadcast = len(state["spread.weight"])
    signals = []
    for i, stream in enumerate(streams):
        block = last[:, i * hidden : (i + 1) * hidden]
        after = state[f"gru.{i}.weight_ih_l0"] if i < layers else block[:0]
        signals.append(Consumers.of(stream.flatten(0, 1), torch.cat([block, after]), 3 if i < layers else 0))
    for i in range(layers):
        own = (streams[i + 1] - streams[i]).flatten(0, 1)
        signals.append(Consumers.of(own, state[f"gru.{i}.weight_hh_l0"], 3))

    left = torch.ones(hidden, dtype=torch.bool)
    for _ in range(hidden - units):
        cost = sum(h.cost() for h in signals).masked_fill(~left, torch.inf)
        unit = int(cost.argmin())
        left[unit] = False
        for h in signals:
            h.remove(unit)
    keep = left.nonzero()[:, 0]
    gates = torch.cat([keep + gate * hidden for gate in range(3)])

    blocks, bias = [], torch.zeros(len(last), dtype=torch.float64)
    for i, h in enumerate(signals[: layers + 1]):
        blocks.append(h.weight[: len(last), keep])
        bias += h.bias[: len(last)]
        if i < layers:
            state[f"gru.{i}.weight_ih_l0"] = h.weight[len(last) :, keep][gates].float()
            state[f"gru.{i}.bias_ih_l0"] = (state[f"gru.{i}.bias_ih_l0"] + h.bias[len(last) :])[gates].float()
    for i, h in enumerate(signals[layers + 1 :]):
        state[f"gru.{i}.weight_hh_l0"] = h.weight[:, keep][gates].float()
        state[f"gru.{i}.bias_hh_l0"] = (state[f"gru.{i}.bias_hh_l0"] + h.bias)[gates].float()
    whole = torch.cat(blocks, 1).float()
    state["spread.weight"], state["voice.weight"] = whole[:broadcast], whole[broadcast:]
    state["spread.bias"] = (state["spread.bias"] + bias[:broadcast]).float()
    state["voice.bias"] = (state["voice.bias"] + bias[broadcast:]).float()
    state["gather.weight"], state["gather.bias"] = state["gather.weight"][keep], state["gather.bias"][keep]
    return state


def narrow(c: Checkpoint, units: int, features: Tensor, how: str) -> Checkpoint:
    """A checkpoint whose last and averaged weights are both the narrowed average."""
    state = narrowed(c.average, units, features)
    recipe = replace(c.recipe, network=replace(c.recipe.network, hidden=units))
    return replace(c, recipe=recipe, net=state, average=dict(state), history=[*c.history, how], training={})
