"""The mixing in a GPU's memory, held to that of NumPy; it runs on a CPU just as well."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from sourdine_train import augment, data, features, pool, refine
from sourdine_train.augment import Mixer
from sourdine_train.device import Front, Mixing, Ring, voice_labels
from sourdine_train.features import BANDS, INPUTS, RATE

CPU = torch.device("cpu")


def sounds(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A voice of gliding harmonics that comes and goes, and the same in noise, 1 s."""
    rng = np.random.default_rng(seed)
    t = np.arange(RATE) / RATE
    voice = sum(np.sin(2 * np.pi * k * (120 * t + 15 * t * t)) / k for k in range(1, 30)) * (np.sin(7 * t) > 0) * 0.05
    return voice.astype(np.float32), (voice + 0.02 * rng.standard_normal(RATE)).astype(np.float32)


def test_hears_the_same() -> None:
    """Features, coefficients and labels, with and without a limit of the bandwidth."""
    f = Front(CPU)
    s, x = sounds(1)
    for k, soft in ((300, 0.01), (features.BINS, 1.0)):
        want = features.hear(x, above=(k, soft))
        above = torch.where(f.bins < k, 1.0, soft)[None, None]
        spec, earlier, feat = f.hear(torch.from_numpy(x)[None], above)
        np.testing.assert_allclose(feat[0].numpy(), want.feat, atol=5e-4)
        np.testing.assert_allclose(spec[0].numpy(), want.spec, atol=1e-4)
        np.testing.assert_allclose(earlier[0].numpy(), want.earlier, atol=1e-4)
        combed = f.comb(spec, earlier, feat[..., BANDS + 2 * features.PHASES : -2], 0.6)
        weights = refine.comb_weights(want.likeness, 0.6)
        np.testing.assert_allclose(combed[0].numpy(), refine.combed(want.spec, want.earlier, weights), atol=1e-3)
        clean = features.stft(s)
        a, p, _ = augment.coefficients(want.spec, clean)
        got = f.coefficients(spec, torch.from_numpy(clean)[None])
        np.testing.assert_allclose(got[0][0].numpy(), a, rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(got[1][0].numpy(), p, rtol=1e-3, atol=1e-3)
    np.testing.assert_array_equal(voice_labels(torch.from_numpy(s)[None])[0].numpy() > 0, augment.voice_labels(s))


def test_ring(corpus_dir: Path, tmp_path: Path) -> None:
    """Shards move into the ring, the oldest rows go, and batches have the trainer's shape and scale."""
    mixer = Mixer(data.load(corpus_dir, tmp_path / "cache", [], log=False), 2.0)
    pool.fill(mixer, tmp_path / "pool" / "0", 4, 99, 1, stop=3)
    ring = Ring(tmp_path / "pool", Mixing(CPU, 3), room=8 * 6 * mixer.n)
    assert (ring.loaded, ring.full, ring.rows) == (12, 8, 8)
    assert not list(tmp_path.glob("**/shard_*"))
    b = ring.batch(5)
    assert b.shape == (5, mixer.n // features.HOP, INPUTS + 4 * BANDS + 1)
    assert torch.isfinite(b).all()
    np.testing.assert_allclose(b[..., INPUTS : INPUTS + BANDS].sum(2).mean(1).numpy(), 100, rtol=0.01)
    assert not torch.equal(b, ring.batch(5))


def test_noise_lies_where_the_recipe_says() -> None:
    """At the drawn levels: no mixture is louder than full scale, and the voice is there in most."""
    s, x = (torch.from_numpy(v).repeat(64, 1) for v in sounds(2))
    target, noisy = Mixing(CPU, 5).combine(s * 20, s * 20, (x - s) * 50, torch.zeros(64))
    assert noisy.abs().max() <= 1.0001
    assert 0.8 < (target.abs().amax(1) > 0).float().mean() < 1
