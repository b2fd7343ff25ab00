"""A widened network is the same function, and its copies can part."""

import pytest
import torch

from sourdine_train.features import INPUTS
from sourdine_train.model import Net
from sourdine_train.widen import plan, widen


@pytest.mark.parametrize("wider", [32, 48, 80])
def test_the_wider_network_computes_the_same(wider):
    torch.manual_seed(3)
    narrow, wide = Net(32).eval(), Net(wider).eval()
    of, share = plan(32, wider, seed=1)
    assert len(of) == wider and torch.allclose(torch.bincount(of, share), torch.ones(32))
    wide.load_state_dict(widen(narrow.state_dict(), of, share))
    x = torch.randn(2, 50, INPUTS)
    with torch.no_grad():
        assert torch.allclose(narrow(x), wide(x), atol=1e-5)


def test_copies_get_gradients_of_their_own():
    torch.manual_seed(3)
    wide = Net(48)
    of, share = plan(32, 48, seed=1)
    wide.load_state_dict(widen(Net(32).state_dict(), of, share))
    wide(torch.randn(2, 20, INPUTS)).square().sum().backward()
    grad = wide.gru[0].weight_hh_l0.grad
    assert not torch.allclose(grad[of[40]], grad[40])


def test_narrower_is_refused():
    with pytest.raises(ValueError, match="fewer"):
        plan(32, 16, seed=1)
