"""Muon: momentum whose direction is made orthogonal, for the matrices of the network.

After Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024): Nesterov momentum, then five steps
of a quintic Newton-Schulz iteration that drives all singular values of the update towards one. The three gates of a GRU
are three matrices.
torch.optim.Muon computes in bfloat16, which CPUs without that format emulate slowly; this one stays in float32.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
STEPS = 5


def orthogonalise(x: Tensor) -> Tensor:
    """The nearest semi-orthogonal matrices to x [N, rows, columns], singular values within about 0.7 to 1.2."""
    tall = x.shape[1] > x.shape[2]
    x = x.mT if tall else x
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-9)
    a, b, c = COEFFICIENTS
    for _ in range(STEPS):
        s = x @ x.mT
        x = a * x + (b * s + c * (s @ s)) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """Updates matrices [k * rows, columns] as k matrices each; `stacks` gives k for a parameter (default 1)."""

    def __init__(self, params: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, weight_decay: float = 1e-3) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay, "stacks": 1})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One update; the learning rate is the spectral norm of the change of a square matrix."""
        for group in self.param_groups:
            k = group["stacks"]
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                m = state["momentum"]
                m.lerp_(p.grad, 1 - group["momentum"])
                rows, columns = p.shape[0] // k, p.shape[1]
                update = orthogonalise(p.grad.lerp(m, group["momentum"]).view(k, rows, columns)).reshape(p.shape)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1.0, rows / columns) ** 0.5)
