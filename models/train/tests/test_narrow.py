import torch

from sourdine_train.model import Net
from sourdine_train.narrow import narrowed
from sourdine_train.weights import widened


def features(n=2, t=120):
    torch.manual_seed(3)
    return torch.randn(n, t, 268)


def outputs(state, hidden):
    net = Net(hidden, 2)
    net.load_state_dict(state)
    with torch.no_grad():
        return net(features())


def test_units_that_nothing_hears_go_first():
    torch.manual_seed(1)
    small = Net(24, 2)
    small.spread.weight.data *= 10  # All of them are heard well.
    wide = widened(small.state_dict(), Net(40, 2))
    back = narrowed(wide, 24, features())
    for a, b in zip(outputs(small.state_dict(), 24), outputs(back, 24), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-3)


def test_others_take_over_what_they_can():
    # A unit that always says twice what another says, plus one: what is heard of it moves there.
    torch.manual_seed(1)
    net = Net(24, 2)
    state = net.state_dict()
    state["gather.weight"].zero_()
    state["gather.weight"][:] = torch.randn(24, state["gather.weight"].shape[1]) / 20
    for layer in range(2):
        for gate in range(3):
            state[f"gru.{layer}.weight_ih_l0"][gate * 24 + 7] = state[f"gru.{layer}.weight_ih_l0"][gate * 24 + 3]
            state[f"gru.{layer}.weight_hh_l0"][gate * 24 + 7] = state[f"gru.{layer}.weight_hh_l0"][gate * 24 + 3]
            for bias in ("bias_ih_l0", "bias_hh_l0"):
                state[f"gru.{layer}.{bias}"][gate * 24 + 7] = state[f"gru.{layer}.{bias}"][gate * 24 + 3]
    state["gather.weight"][7], state["gather.bias"][7] = state["gather.weight"][3], state["gather.bias"][3]
    less = narrowed(state, 23, features())
    for a, b in zip(outputs(state, 24), outputs(less, 23), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-2, atol=2e-2)


def test_fewer_units_than_needed_are_still_better_than_cutting():
    torch.manual_seed(1)
    state = Net(32, 2).state_dict()
    whole = outputs(state, 32).gains
    guessed = outputs(narrowed(state, 16, features()), 16).gains

    def cut(k, v):
        rows = v.shape[0]
        if k.startswith("gru."):
            v = torch.cat([v[g * 32 : g * 32 + 16] for g in range(3)])
            return v[:, :16] if v.ndim > 1 else v
        if k in ("spread.weight", "voice.weight"):
            return torch.cat([v[:, b * 32 : b * 32 + 16] for b in range(3)], 1)
        return v[:16] if rows == 32 else v

    plain = outputs({k: cut(k, v) for k, v in state.items()}, 16).gains
    assert (guessed - whole).square().mean() < 0.7 * (plain - whole).square().mean()
