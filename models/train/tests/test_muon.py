"""The optimizer: its updates are orthogonal, gate by gate, and it finds what it is to find."""

from __future__ import annotations

import pytest
import torch

from sourdine_train.muon import Muon, orthogonalise


@pytest.mark.parametrize("shape", [(1, 32, 32), (3, 32, 32), (1, 24, 60), (1, 60, 24)])
def test_singular_values_are_near_one(shape: tuple[int, int, int]) -> None:
    torch.manual_seed(1)
    x = torch.randn(shape) * torch.logspace(-2, 2, shape[2])
    s = torch.linalg.svdvals(orthogonalise(x))
    assert s.median() > 0.7 and s.max() < 1.25


def test_the_gates_of_a_stack_are_updated_apart() -> None:
    torch.manual_seed(2)
    w = torch.nn.Parameter(torch.zeros(24, 8))
    w.grad = torch.randn(24, 8) * torch.tensor([1.0, 1e-3, 1e3]).repeat_interleave(8)[:, None]
    Muon([{"params": [w], "stacks": 3}], lr=0.1, weight_decay=0.0).step()
    norms = w.detach().view(3, 8, 8).norm(dim=(1, 2))
    assert norms.max() < 1.4 * norms.min(), "the scale of a gate's gradient does not matter"


def test_it_solves_a_badly_conditioned_problem() -> None:
    torch.manual_seed(3)
    x = torch.randn(256, 16) * torch.logspace(-1.5, 0, 16)
    target = x @ torch.randn(16, 16)
    w = torch.nn.Parameter(torch.zeros(16, 16))
    opt = Muon([w], lr=0.1, weight_decay=0.0)
    losses = []
    for i in range(300):
        opt.param_groups[0]["lr"] = 0.1 * (1 - i / 300)
        loss = (x @ w - target).square().mean()
        w.grad = None
        loss.backward()
        opt.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 1e-3 * losses[0]
