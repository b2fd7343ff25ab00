"""What the trainer does to a drawn clip equals what the mixer would have done to the sound."""

from __future__ import annotations

import numpy as np
import torch

from sourdine_train.augment import coefficients
from sourdine_train.features import BANDS, INPUTS, hear, levels, stft
from sourdine_train.train import vary


def _row(x: np.ndarray, s: np.ndarray) -> torch.Tensor:
    (sx, _, feat), ss = hear(x), stft(s)
    a, p, b = coefficients(sx, ss)
    clean, heard = (levels(v.real**2 + v.imag**2) for v in (ss, sx))
    return torch.from_numpy(np.concatenate([feat, a, p, clean, heard, b[:, :1] * 0], 1).astype(np.float32))[None]


class _Fixed:
    """A generator that gives a flat response of 6 dB."""

    def normal(self, *_: object) -> np.ndarray:
        return np.zeros(7)

    def uniform(self, *_: object) -> np.ndarray:
        return np.full((1, 1), 6.0)


def test_a_level_change_is_exact() -> None:
    rng = np.random.default_rng(1)
    s = rng.standard_normal(9600).astype(np.float32) * 0.1
    x = s + rng.standard_normal(9600).astype(np.float32) * 0.05
    gain = np.float32(10 ** (6 / 20))
    varied, louder = _row(x, s), _row(x * gain, s * gain)
    vary(varied, _Fixed(), 1.0)  # type: ignore[arg-type]
    used = slice(0, -1)
    assert torch.allclose(varied[..., used], louder[..., used], rtol=1e-3, atol=1e-4)


def test_masked_bands_stay_masked_and_nothing_happens_at_0() -> None:
    batch = torch.rand(4, 5, INPUTS + 4 * BANDS + 1)
    batch[:, :, INPUTS + 14 : INPUTS + 64] = 0
    same = batch.clone()
    vary(batch, np.random.default_rng(1), 0.0)
    assert torch.allclose(batch, same)
    vary(batch, np.random.default_rng(1), 1.0)
    assert not torch.allclose(batch, same) and (batch[:, :, INPUTS + 14 : INPUTS + 64] == 0).all()
