"""The measures of what is heard rank what they should, and are of gains and clean speech what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sourdine_train.frontend import FrontEnd, power
from sourdine_train.layout import BANDS, HOP, RATE, WINDOW
from sourdine_train.perceptual import PerceptualLoss


def powers(x: np.ndarray) -> torch.Tensor:
    """Mean power of a bin, as the levels have it, [1, T, 136]."""
    front = FrontEnd()
    bands = front.band_sum(power(front.stft(torch.from_numpy(x.astype(np.float32))[None])))
    return bands / front.band_bins / (WINDOW / 2)


@pytest.fixture
def sounds() -> tuple[torch.Tensor, torch.Tensor]:
    """Syllables of a buzz, and the same in noise; 2 s."""
    rng = np.random.default_rng(4)
    t = np.arange(200 * HOP) / RATE
    buzz = sum(np.sin(2 * np.pi * k * (130 * t + 10 * np.sin(5 * t))) / k for k in range(1, 40))
    voice = 0.1 * buzz * (1 + np.sin(2 * np.pi * 3 * t)) * (0.3 + (t % 0.7 < 0.5))
    return powers(voice), powers(voice + 0.05 * rng.standard_normal(len(t)))


def test_better_gains_are_judged_better(sounds: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, noisy = sounds
    loss, best = PerceptualLoss(), (clean / noisy).clamp(max=1)
    heard = [best * noisy, best.sqrt() * noisy, noisy]
    annoyance = [float(loss.annoyance(x, clean)) for x in heard]
    alike = [float(loss.intelligibility(x, clean)) for x in heard]
    apart = [float(loss.distance(x, clean)) for x in heard]
    assert annoyance[0] < annoyance[1] < annoyance[2]
    assert alike[0] > alike[1] > alike[2]
    assert apart[0] < apart[1] < apart[2]
    assert float(loss.distance(clean, clean)) < 0.01
    assert float(loss.distance(10 * clean, clean)) == pytest.approx(1, abs=0.2)
    assert float(loss.annoyance(clean, clean)) < 0.02
    assert float(loss.intelligibility(clean, clean)) == pytest.approx(1, abs=1e-3)


def test_attenuation_is_in_dB(sounds: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, _ = sounds
    gain = torch.full_like(clean, 10 ** (-3 / 20))
    assert float(PerceptualLoss().attenuation(gain * clean, clean)) == pytest.approx(3, abs=0.05)
    gain[..., BANDS // 2 :] = 1
    assert 0 < float(PerceptualLoss().attenuation(gain * clean, clean)) < 3


def test_silence_and_nothing_have_gradients(sounds: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, noisy = sounds
    for target in (clean, torch.zeros_like(clean)):
        gain = torch.full_like(clean, 0.5, requires_grad=True)
        loss = PerceptualLoss()
        heard = gain**2 * noisy
        total = loss.annoyance(heard, target) - loss.intelligibility(heard, target) + loss.attenuation(gain * target, target) + loss.distance(heard, target)
        total.sum().backward()
        assert torch.isfinite(gain.grad).all()
