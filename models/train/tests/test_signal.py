import numpy as np
import torch

from sourdine_train import features as F
from sourdine_train.augment import COMPRESS, PHASE, coefficients, formant_shift, voice_labels


def test_edges_cover_all_bins():
    e = F.band_edges()
    assert len(e) == F.BANDS + 1 and e[0] == 0 and e[-1] == F.BINS
    assert (np.diff(e) >= 1).all() and (np.diff(e[: F.SINGLE + 1]) == 1).all()


def test_perfect_reconstruction_one_hop_later():
    x = np.random.default_rng(1).standard_normal(480 * 50).astype(np.float32)
    y = F.istft(F.stft(x))
    assert np.abs(y[480:] - x[:-480]).max() < 1e-5
    assert np.abs(y[:480]).max() < 1e-5


def test_feature_of_unit_noise_is_zero():
    x = np.random.default_rng(2).standard_normal(480 * 2000).astype(np.float32)
    f = F.levels(np.abs(F.stft(x)[3:]).astype(np.float32) ** 2)
    assert np.abs(f[:, -10:].mean()) < 0.02
    assert np.allclose(F.levels(np.zeros((1, F.BINS), np.float32)), -5)


def test_closed_form_equals_spectral_loss():
    rng = np.random.default_rng(3)
    x = (rng.standard_normal((7, F.BINS)) + 1j * rng.standard_normal((7, F.BINS))).astype(np.complex64)
    s = (rng.standard_normal((7, F.BINS)) + 1j * rng.standard_normal((7, F.BINS))).astype(np.complex64)
    a, p, b = coefficients(x, s)
    g = rng.uniform(0, 1, (7, F.BANDS))
    u = g**COMPRESS
    closed = (u * u * a - 2 * u * p + b).sum()

    def comp(z):
        return np.abs(z) ** COMPRESS * np.exp(1j * np.angle(z))

    y = np.repeat(g, np.diff(F.EDGES), axis=1) * x
    whole = PHASE * np.abs(comp(y) - comp(s)) ** 2 + (1 - PHASE) * (np.abs(comp(y)) - np.abs(comp(s))) ** 2
    assert abs(closed - whole.sum()) < 1e-3 * whole.sum()


def test_loss_gradient_has_its_zero_at_the_best_gain():
    from sourdine_train.train import Config, loss_terms

    a, p = torch.rand(1, 4, F.BANDS) + 0.5, torch.rand(1, 4, F.BANDS) * 0.4 + 0.05
    batch = torch.cat([torch.zeros(1, 4, F.INPUTS), a, p, torch.zeros(1, 4, 1)], 2)
    best = (p / a) ** (1 / COMPRESS)
    logits = torch.cat([torch.logit(best), torch.zeros(1, 4, 1)], 2).requires_grad_()
    total, terms = loss_terms(logits, batch, torch.ones(F.BANDS), Config(vad=0.0))
    total.backward()
    assert terms["spec"] < 1e-9 and logits.grad.abs().max() < 1e-5


def test_voice_labels():
    x = np.zeros(48000)
    assert not voice_labels(x).any()
    x[9600:19200] = np.random.default_rng(4).standard_normal(9600)
    v = voice_labels(x)
    assert v[20:40].all() and not v[:17].any() and not v[43:].any()


def test_formants_move_and_pitch_stays() -> None:
    n, f0 = 48000, 120.0
    t = np.arange(n) / 48000
    harmonics = np.arange(1, 60) * f0
    level = np.exp(-0.5 * ((harmonics - 1500) / 300) ** 2) + 1e-2
    x = (level[:, None] * np.sin(2 * np.pi * harmonics[:, None] * t)).sum(0).astype(np.float32) * 0.05
    y = formant_shift(x, 1.2)
    assert len(y) == n
    spectrum = np.abs(np.fft.rfft(y[12000:36000] * np.hanning(24000)))
    peaks = spectrum[(harmonics / 2).astype(int)]
    assert abs(harmonics[peaks.argmax()] - 1.2 * 1500) < 200, "the formant moved"
    between = spectrum[((harmonics[5:30] + 60) / 2).astype(int)]
    assert between.max() < 0.05 * peaks.max(), "the harmonics did not"
