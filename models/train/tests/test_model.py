import numpy as np
import pytest
import torch

from sourdine_train import container, enhance, export, refine
from sourdine_train.features import BANDS, INPUTS
from sourdine_train.model import Net
from sourdine_train.plain import Plain


@pytest.fixture
def net() -> Net:
    torch.manual_seed(3)
    n = Net(48, 2)
    n.feat_mean.fill_(-1.2)
    n.feat_rstd.fill_(1.1)
    return n


def test_written_out_backward_equals_autograd(net):
    f, w = torch.randn(3, 40, INPUTS), torch.randn(3, 40, BANDS + 1)
    grads = []
    for fn in (net.forward, lambda x: net.layers_of(x)[0]):
        net.zero_grad()
        out = fn(f)
        (out * w).sum().backward()
        grads.append((out.detach(), [p.grad.clone() for p in net.parameters()]))
    assert (grads[0][0] - grads[1][0]).abs().max() < 1e-5
    for a, b in zip(grads[0][1], grads[1][1], strict=True):
        assert (a - b).abs().max() < 1e-4 * (1 + b.abs().max())


def test_quantise_and_pack_round_trip():
    w = np.random.default_rng(0).standard_normal((37, 20)).astype(np.float32)
    w[5] = 0
    q, s = export.quantise(w)
    p = export.pack(q)
    assert p.shape == (3, 20, 16) and s[5] == 0 and not q[5].any()
    assert (export.unpack(p, 37) == q).all()
    assert p[1, 7, 4] == q[20, 7] and not p[2, :, 5:].any()
    assert np.abs(q * s[:, None] - w).max() <= s.max() / 2 + 1e-7


def test_streaming_equals_batch_and_plain(net, tmp_path):
    file = tmp_path / "w.safetensors"
    export.save(net, file, "test", sharpness=0.7, comb=0.5)
    deq, refiner, meta = export.load(file)
    assert meta["format"] == "sourdine-5" and meta["hidden"] == "48"
    x = 0.1 * np.random.default_rng(1).standard_normal(480 * 60).astype(np.float32)
    whole = enhance.run(deq, x, refiner)
    s = enhance.Stream(deq, refiner)
    parts = [s.push(f) for f in x.reshape(-1, 480)]
    for k in ("raw", "gain", "out"):
        assert np.abs(np.concatenate([p[k].ravel() for p in parts]) - whole[k].ravel()).max() < 1e-5, k
    f = torch.from_numpy(whole["feat"])[None]
    state, steps = deq.start(), []
    with torch.no_grad():
        full = deq.layers_of(f)[0]
        for i in range(f.shape[1]):
            o, _, state = deq.layers_of(f[:, i : i + 1], state)
            steps.append(o)
        assert (torch.cat(steps, 1) - full).abs().max() < 1e-6 * 10
    plain = Plain(file).run(x)
    assert np.abs(plain["out"] - whole["out"]).max() < 1e-5
    again = tmp_path / "again.safetensors"
    export.save(deq, again, "test")
    t1, t2 = container.load(file)[0], container.load(again)[0]
    assert all(np.allclose(t1[k], t2[k], rtol=1e-6) for k in t1)


def test_other_format_is_refused(net, tmp_path):
    file = tmp_path / "w.safetensors"
    export.save(net, file, "test")
    t, m = container.load(file)
    container.save(file, t, {**m, "format": "sourdine-9"})
    with pytest.raises(ValueError, match="format"):
        export.load(file)


def test_sharp_gains_are_further_apart_and_as_loud():
    g = np.linspace(0, 1, BANDS, dtype=np.float32)
    power = np.ones_like(g)
    assert np.allclose(refine.sharpen(g, power, 0.0), g)
    w = refine.sharpen(g, power, 1.0)
    assert w[0] == 0 and w[-1] == 1 and (np.diff(w) >= 0).all() and (w[1:50] < 0.6 * g[1:50]).all()
    assert abs((w * w).sum() / (g * g).sum() - 1) < 0.05
    assert np.allclose(refine.sharpen(0 * g, power, 1.0), 0) and np.allclose(refine.sharpen(g, 0 * power, 1.0)[-1], 1)


def refined(gain: float, like: float, frames: int = 300) -> tuple[np.ndarray, np.ndarray]:
    raw = np.full((frames, BANDS), gain, np.float32)
    raw[:, ::2] = 1
    return refine.Refiner(export.DECAY, 1.0, 0.5).run(raw, np.ones_like(raw), np.full((frames, 34), like, np.float32))


def test_near_clean_speech_is_left_alone():
    gains, combs = refined(0.99, 0.8)
    assert np.allclose(gains[:, 1::2], 0.99) and not combs.any()
    gains, combs = refined(0.5, 0.8)
    assert (gains[:, 1::2] < 0.45).all() and np.allclose(combs, 0.5 * 0.8**2)
    assert not refined(0.5, -0.8)[1].any()


def test_decay_limit():
    raw = np.repeat(np.array([[1.0], [0.0], [0.0], [0.95]], np.float32), BANDS, 1)
    g, _ = refine.Refiner(export.DECAY, 0.0, 0.0).run(raw, np.ones_like(raw), np.zeros((4, 34), np.float32))
    assert np.allclose(g[:, 0], [1, 0.9, 0.81, 0.95]) and np.allclose(g[:, -1], [1, 0.24, 0.0576, 0.95])
