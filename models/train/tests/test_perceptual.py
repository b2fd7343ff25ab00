"""The measures of what is heard rank what they should, and are of gains and clean speech what they say."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sourdine_train.features import BANDS, HOP, RATE, WIDTH, WINDOW, band_sum, stft
from sourdine_train.perceptual import Ear
from sourdine_train.refine import DECAY, Refiner


def powers(x: np.ndarray) -> torch.Tensor:
    """Mean power of a bin, as the levels have it, [1, T, 136]."""
    spec = stft(x.astype(np.float32))
    return torch.from_numpy((band_sum(spec.real**2 + spec.imag**2) / (WIDTH * (WINDOW / 2))).astype(np.float32))[None]


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
    ear, best = Ear(), (clean / noisy).clamp(max=1)
    heard = [best * noisy, best.sqrt() * noisy, noisy]
    annoyance = [float(ear.annoyance(x, clean)) for x in heard]
    alike = [float(ear.intelligibility(x, clean)) for x in heard]
    apart = [float(ear.distance(x, clean)) for x in heard]
    assert annoyance[0] < annoyance[1] < annoyance[2]
    assert alike[0] > alike[1] > alike[2]
    assert apart[0] < apart[1] < apart[2]
    assert float(ear.distance(clean, clean)) < 0.01
    assert float(ear.distance(10 * clean, clean)) == pytest.approx(1, abs=0.2)
    assert float(ear.annoyance(clean, clean)) < 0.02
    assert float(ear.intelligibility(clean, clean)) == pytest.approx(1, abs=1e-3)


def test_attenuation_is_in_dB(sounds: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, _ = sounds
    gain = torch.full_like(clean, 10 ** (-3 / 20))
    assert float(Ear().attenuation(gain, clean)) == pytest.approx(3, abs=0.05)
    gain[..., BANDS // 2 :] = 1
    assert 0 < float(Ear().attenuation(gain, clean)) < 3


def test_silence_and_nothing_have_gradients(sounds: tuple[torch.Tensor, torch.Tensor]) -> None:
    clean, noisy = sounds
    for target in (clean, torch.zeros_like(clean)):
        gain = torch.full_like(clean, 0.5, requires_grad=True)
        ear = Ear()
        heard = gain**2 * noisy
        total = ear.annoyance(heard, target) - ear.intelligibility(heard, target) + ear.attenuation(gain, target) + ear.distance(heard, target)
        total.sum().backward()
        assert torch.isfinite(gain.grad).all()


def test_gains_are_refined_as_when_denoising() -> None:
    rng = np.random.default_rng(3)
    logits, power = rng.normal(0, 3, (200, BANDS)).astype(np.float32), rng.gamma(0.5, 1, (200, BANDS)).astype(np.float32)
    want, _ = Refiner(DECAY, 0.8, 0.0).run(1 / (1 + np.exp(-logits)), power * WIDTH, np.zeros((200, 34), np.float32))
    got = Ear().refined(torch.from_numpy(logits)[None], torch.from_numpy(power)[None], 0.8)[0]
    np.testing.assert_allclose(got.numpy(), want, atol=1e-4)


def test_no_band_is_paid_for_by_another() -> None:
    """What sharpening takes is given back to the whole frame; no gradient says that a gain here makes it louder there."""
    logits = torch.randn(1, 50, BANDS, generator=torch.Generator().manual_seed(4), requires_grad=True)
    gains = Ear().refined(logits, torch.ones(1, 50, BANDS), 1.0)
    gains[..., : BANDS // 2].sum().backward()
    assert logits.grad is not None
    there = logits.grad.abs().sum((0, 1)) > 0
    assert there[: BANDS // 2].all() and not there[BANDS // 2 :].any()
