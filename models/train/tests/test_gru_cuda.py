"""The GPU's small GRU, run by Triton's interpreter, against the one written out for the CPU."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")

CODE = """
import torch
from sourdine_train import gru, gru_cuda
torch.manual_seed(0)
for width in (16, 24):
    layer, x, weight = torch.nn.GRU(width, 16), torch.randn(3, 40, width, requires_grad=True), torch.randn(3, 40, 16)
    results = []
    for run in (gru.run, gru_cuda.run):
        layer.zero_grad()
        x.grad = None
        y = run(layer, x)
        (y * weight).sum().backward()
        results.append([y.detach(), x.grad.clone(), *(p.grad.clone() for p in layer.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
print("same")
"""


def test_the_same_as_on_a_cpu() -> None:
    package = Path(__file__).parent.parent
    run = subprocess.run([sys.executable, "-c", CODE], cwd=package, env={**os.environ, "TRITON_INTERPRET": "1"}, capture_output=True, text=True)
    if "only 0-dimensional arrays can be converted" in run.stderr:
        pytest.skip("this interpreter does not know this NumPy")
    assert run.stdout.strip() == "same", run.stderr
