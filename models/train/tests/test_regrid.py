"""A network moved to other bands hears the same of a smooth spectrum, and says the same."""

import numpy as np
import torch

from sourdine_train.features import BAND_HZ
from sourdine_train.model import Net
from sourdine_train.regrid import between, regrid

OLD = np.concatenate([np.arange(61), np.linspace(64, 481, 40).round().astype(int)])
HZ = (OLD[:-1] + OLD[1:] - 1) / 2 * 50.0


def test_interpolation_keeps_what_is_smooth():
    for curve in (lambda f: np.ones_like(f), lambda f: f, lambda f: np.sin(f / 10000)):
        there = between(HZ, BAND_HZ).numpy() @ curve(BAND_HZ)
        error = np.abs(there - curve(HZ))[2:-2]
        assert (error < 0.03 * np.abs(curve(HZ)).max()).all()


def test_the_same_is_heard_and_said():
    torch.manual_seed(3)
    net = Net(16)
    old = {k: v.clone() for k, v in net.state_dict().items()}
    old["conv.weight"] = torch.randn(16, 300) * 0.1
    ramp = torch.from_numpy(HZ / 24000).float()
    old["out.weight"] = torch.cat([torch.outer(ramp, torch.randn(48)), torch.randn(1, 48)])
    old["out.bias"] = torch.cat([ramp, torch.zeros(1)])
    old["local_out"] = torch.zeros(100, 4)
    new = regrid(old, OLD, 960, torch.zeros(len(BAND_HZ)), torch.ones(len(BAND_HZ)))
    net.load_state_dict(new)
    heard = [w.reshape(16, 3, -1) @ torch.from_numpy(x).float() for w, x in ((old["conv.weight"], HZ / 24000), (new["conv.weight"], BAND_HZ / 24000))]
    assert torch.allclose(*heard, atol=0.02)
    said = new["out.weight"][:-1] / (torch.from_numpy(BAND_HZ).float()[:, None] / 24000).clamp(min=1e-3)
    at_3k = np.abs(BAND_HZ - 3000).argmin()
    assert torch.allclose(said[at_3k], old["out.weight"][60] / ramp[60], atol=0.01)
