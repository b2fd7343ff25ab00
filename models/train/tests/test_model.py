"""The network, and its weights on their way from checkpoints to files and back."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save
from torch import nn

from sourdine_train import gru, recipe, weights
from sourdine_train.enhance import Enhancer
from sourdine_train.layout import BAND_HZ, FEATURES, FILTERED
from sourdine_train.model import Net
from sourdine_train.reference import Reference
from sourdine_train.weights import Checkpoint


def checkpoint(hidden: int = 48, filtered: bool = True) -> Checkpoint:
    torch.manual_seed(3)
    net = Net(hidden)
    net.mean.fill_(-1.2)
    net.rstd.fill_(1.1)
    if filtered:
        nn.init.normal_(net.filter.weight, std=0.1)
        nn.init.normal_(net.filter_biases, std=0.1)
    state = {k: v.clone() for k, v in net.state_dict().items()}
    return Checkpoint(recipe.of({"network": {"hidden": hidden}}), state, dict(state), 10, 7200.0, ["made up"])


def test_written_out_backward_equals_autograd():
    layer, x, w = nn.GRU(24, 16), torch.randn(40, 3, 24, requires_grad=True), torch.randn(40, 3, 16)
    results = []
    for run in (gru.run, lambda g, x: g(x)[0]):
        layer.zero_grad()
        x.grad = None
        y = run(layer, x)
        (y * w).sum().backward()
        results.append([y.detach(), x.grad.clone(), *(p.grad.clone() for p in layer.parameters())])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)


def test_a_new_network_has_no_filter_and_a_bounded_one_later():
    f = torch.randn(2, 20, FEATURES)
    assert not Net(32)(f).filter.any()
    out = checkpoint().model()(10 * f)
    assert out.gains.shape == (2, 20, 136) and out.voice.shape == (2, 20) and out.filter.shape == (2, 20, FILTERED, 3)
    assert out.filter.any() and out.filter.real.abs().max() <= 1 and out.filter.imag.abs().max() <= 1


def test_a_widened_network_computes_the_same():
    c, f = checkpoint(48), torch.randn(2, 30, FEATURES)
    wide = Net(80)
    wide.load_state_dict(weights.widened(c.average, wide))
    for a, b in zip(c.model()(f), wide(f), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)
    assert wide.gru[0].weight_hh_l0[48:80].any(), "new units hear something"
    with pytest.raises(ValueError, match="do not fit"):
        weights.widened(c.average, Net(32))


def test_quantise_and_pack_round_trip():
    w = torch.from_numpy(np.random.default_rng(0).standard_normal((37, 20)).astype(np.float32))
    w[5] = 0
    q, s = weights.quantise(w)
    p = weights.pack(q.numpy())
    assert p.shape == (3, 20, 16) and s[5] == 0 and not q[5].any()
    assert (weights.unpack(p, 37) == q.numpy()).all()
    assert p[1, 7, 4] == q[20, 7] and not p[2, :, 5:].any()
    # A scale that was rounded down cuts the largest weight by half a step more.
    assert (q * s[:, None] - w).abs().max() <= s.max() + 1e-7
    assert not (s.view(torch.int32) & 0xFFFF).any()


def test_fewer_steps_are_small_numbers_with_the_stated_error():
    w = torch.randn(64, 400, generator=torch.Generator().manual_seed(3)) * torch.logspace(-3, 1, 64)[:, None]
    q, s = weights.quantise(w, 5.0)
    assert q.abs().max() < 32
    error = (q * s[:, None] - w).square().mean(1) / w.square().mean(1)
    torch.testing.assert_close(error, torch.full((64,), 1 / (12 * 25)), rtol=0.2, atol=0)


def test_training_rounds_as_the_file_does(tmp_path: Path):
    c = checkpoint()
    c.recipe.weight_steps = 4.0
    net = c.model()
    exact = {k: v.clone() for k, v in net.state_dict().items()}
    file = tmp_path / "w.safetensors"
    weights.export(c, file, "test", sharpness=1.0, smoothing=0.5, pitch_filter=0.5)
    stored = dict(weights.load(file)[0].named_parameters())
    f = torch.randn(2, 6, FEATURES)
    with weights.rounded(net, 4.0):
        for k, v in net.named_parameters():
            if "bias" not in k:
                torch.testing.assert_close(v, stored[k], rtol=0, atol=0)
        assert not torch.equal(net.gather.weight, exact["gather.weight"])
        net(f).gains.sum().backward()
    for k, v in net.state_dict().items():
        assert torch.equal(v, exact[k]), k
    other = weights.load(file)[0]
    for k, v in other.named_parameters():  # Biases that are not shortened.
        if "bias" in k:
            v.data.copy_(exact[k])
    other(f).gains.sum().backward()
    torch.testing.assert_close(net.gru[0].weight_hh_l0.grad, other.gru[0].weight_hh_l0.grad)


def test_the_file_runs_alike_in_torch_and_by_the_format(tmp_path: Path):
    file = tmp_path / "w.safetensors"
    weights.export(checkpoint(), file, "test", sharpness=0.7, smoothing=0.8, pitch_filter=0.5)
    x = 0.1 * np.random.default_rng(1).standard_normal(480 * 60).astype(np.float32)
    got, want = Enhancer(file).run(x), Reference(file).run(x)
    for k in ("raw", "gains", "filter", "voice", "sound"):
        np.testing.assert_allclose(getattr(got, k).numpy(), getattr(want, k), atol=1e-4, err_msg=k)
    tensors, meta = weights.read_tensors(file)
    assert meta["format"] == "sourdine-7" and meta["hidden"] == "48" and meta["hours"] == "2.0" and "made up" in meta["history"]
    assert tensors["filter.w_q"].shape == (2, 53, 16) and tensors["filter.biases"].shape == (8, 24)


def test_an_unlike_format_is_refused(tmp_path: Path):
    file = tmp_path / "w.safetensors"
    weights.export(checkpoint(), file, "test", sharpness=1, smoothing=1, pitch_filter=1)
    tensors, meta = weights.read_tensors(file)
    for change in ({"format": "sourdine-6"}, {"filtered": "48"}):
        file.write_bytes(save(tensors, {**meta, **change}))
        with pytest.raises(ValueError, match=r"format|other bands"):
            weights.load(file)


def test_snapshots_keep_weights_and_history(tmp_path: Path):
    c, file = checkpoint(), tmp_path / "c.safetensors"
    weights.save_checkpoint(c, file)
    again = weights.read_checkpoint(file)
    assert (again.recipe, again.steps, again.seconds, again.history) == (c.recipe, c.steps, c.seconds, c.history)
    for k, v in c.average.items():
        torch.testing.assert_close(again.average[k], v, rtol=1e-3, atol=1e-3)


def test_averages_name_their_parents(tmp_path: Path):
    files = [tmp_path / "a.pt", tmp_path / "b.pt"]
    for file, sign in zip(files, (1, 3), strict=True):
        c = checkpoint()
        c.average = {k: sign * v for k, v in c.average.items()}
        weights.save_checkpoint(c, file)
    mean = weights.average([(files[0], 1), (files[1], 3)])
    torch.testing.assert_close(mean.average["gather.weight"], 2.5 * checkpoint().average["gather.weight"])
    assert "a.pt (" in mean.history[-1] and mean.history[-1].endswith("=3")


def test_offsets_move_logits_where_they_say():
    c = checkpoint()
    moved = weights.shifted(c, 0.5, {0.0: -1.0, 1000.0: 0.0})
    more = (moved.average["out_biases"] - c.average["out_biases"]).view(-1).numpy()
    np.testing.assert_allclose(more, 0.5 - np.maximum(1 - BAND_HZ / 1000, 0), atol=1e-5)
