"""Front end and post-filter in PyTorch against the NumPy reference, and against what they should say of known sounds."""

import numpy as np
import torch

from sourdine_train import layout as L
from sourdine_train import postfilter, reference
from sourdine_train.frontend import FrontEnd

ADVANCES = slice(L.BANDS, L.BANDS + 2 * L.PHASES)
CORRELATION = slice(ADVANCES.stop, ADVANCES.stop + L.GROUPS)
PERIOD = L.FEATURES - 2


def buzz(hz: float, seconds: float = 0.5) -> np.ndarray:
    t = np.arange(int(seconds * L.RATE)) / L.RATE
    return sum(np.sin(2 * np.pi * hz * k * t + k * k) / k for k in range(1, 30)).astype(np.float32) * 0.1


def features(x: np.ndarray) -> np.ndarray:
    return FrontEnd().analyse(torch.from_numpy(x)[None]).features[0].numpy()


def noise(seconds: float = 0.5) -> np.ndarray:
    return np.random.default_rng(1).standard_normal(int(seconds * L.RATE)).astype(np.float32)


def test_edges_cover_all_bins():
    assert len(L.EDGES) == L.BANDS + 1 and L.EDGES[0] == 0 and L.EDGES[-1] == L.BINS
    assert (L.BAND_BINS >= 1).all() and (L.BAND_BINS[: L.SINGLE] == 1).all()


def test_torch_and_reference_analyse_alike():
    x = buzz(150) + 0.05 * noise()
    got, want = FrontEnd().analyse(torch.from_numpy(x)[None]), reference.analyse(x)
    np.testing.assert_allclose(got.features[0].numpy(), want.features, atol=5e-4)
    np.testing.assert_allclose(got.spec[0].numpy(), want.spec, atol=1e-3)
    np.testing.assert_allclose(got.earlier[0].numpy(), want.earlier, atol=1e-3)
    np.testing.assert_allclose(got.bands[0].numpy(), want.bands, rtol=1e-3)
    np.testing.assert_allclose(got.before[0].numpy(), reference._before(want.spec), atol=1e-3)


def test_perfect_reconstruction_one_hop_later():
    front, x = FrontEnd(), torch.from_numpy(noise())[None]
    y = front.istft(front.stft(x))
    assert (y[:, L.HOP :] - x[:, : -L.HOP]).abs().max() < 1e-5 and y[:, : L.HOP].abs().max() < 1e-5
    z = reference.istft(reference.stft(x[0].numpy()))
    np.testing.assert_allclose(y[0].numpy(), z, atol=1e-5)


def test_a_tone_turns_by_its_distance_from_the_bin():
    hz = 20 * L.BIN_HZ + 7
    x = np.sin(2 * np.pi * hz * np.arange(24000) / L.RATE).astype(np.float32)
    turn = features(x)[10:, ADVANCES]
    want = 2 * np.pi * 7 * L.HOP / L.RATE
    assert np.abs(np.arctan2(turn[:, L.PHASES + 20], turn[:, 20]) - want).max() < 0.02
    one_up = np.angle(np.exp(1j * (want - 2 * np.pi * L.BIN_HZ * L.HOP / L.RATE)))
    assert np.abs(np.arctan2(turn[:, L.PHASES + 21], turn[:, 21]) - one_up).max() < 0.02


def test_a_buzz_correlates_with_itself_a_period_earlier_and_noise_does_not():
    for hz in (80.0, 125.0, 240.0, 440.0):
        f = features(buzz(hz))[10:]
        lag = np.sqrt(L.SHORTEST * L.LONGEST) * 10 ** (f[:, PERIOD] / 3)
        times = L.RATE / hz / lag
        assert np.abs(lag * np.rint(1 / times) - lag).max() < 1 or np.abs(times - np.rint(times)).max() < 0.02, hz
        assert f[:, CORRELATION][:, 2:16].min() > 0.9, hz
    assert np.abs(features(noise())[10:, CORRELATION].mean(0)).max() < 0.45


def test_silence_correlates_with_nothing_and_level_does_not_matter():
    assert not features(np.zeros(9600, np.float32))[:, L.BANDS : PERIOD].any()
    assert np.abs(features(noise()) - features(0.01 * noise()))[:, L.BANDS :].max() < 1e-3


def test_unit_noise_has_level_zero():
    assert np.abs(features(noise(20))[3:, : L.BANDS][:, -10:].mean()) < 0.02
    assert np.allclose(features(np.zeros(4800, np.float32))[:, : L.BANDS], -5)


def test_a_response_scales_every_spectrum():
    response = torch.ones(1, 1, L.BINS)
    response[..., 200:] = 0
    a = FrontEnd().analyse(torch.from_numpy(noise())[None], response)
    assert not a.spec[..., 200:].any() and not a.earlier[..., 200:].any() and (a.features[..., L.BANDS - 20 : L.BANDS] < -4.99).all()


def refined(raw: np.ndarray, bands: np.ndarray, sharpness: float, smoothing: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    got = postfilter.refine(torch.logit(torch.from_numpy(raw))[None], torch.from_numpy(bands)[None], sharpness, smoothing)
    return got.gains[0].numpy(), got.share[0, :, 0].numpy()


def test_torch_and_reference_refine_alike():
    rng = np.random.default_rng(3)
    raw = 1 / (1 + np.exp(-rng.normal(0, 3, (400, L.BANDS)))).astype(np.float32)
    bands = rng.gamma(0.5, 1, (400, L.BANDS)).astype(np.float32)
    bands[100:110, 3] = 0
    want = reference.PostFilter(L.DECAY, 0.8, 0.7, 0.0).run(raw, bands)
    for a, b in zip(refined(raw, bands, 0.8, 0.7), want, strict=True):
        np.testing.assert_allclose(a, b, atol=1e-4)


def test_near_clean_speech_is_left_alone():
    raw = np.full((300, L.BANDS), 0.99, np.float32)
    raw[:, ::2] = 1 - 1e-6
    gains, share = refined(raw, np.random.default_rng(1).gamma(0.5, 1, raw.shape).astype(np.float32), 1.0, 1.0)
    assert np.allclose(gains, raw, atol=1e-5) and not share.any()
    raw[:, 1::2] = 0.5
    gains, share = refined(raw, np.ones_like(raw), 1.0)
    assert (gains[:, 1::2] < 0.45).all() and np.allclose(share, 1)


def test_magnitudes_that_flicker_are_smoothed_and_onsets_are_not():
    rng = np.random.default_rng(2)
    raw = np.full((400, L.BANDS), 0.4, np.float32)
    bands = rng.gamma(4, 1, raw.shape).astype(np.float32)
    bands[300:] *= 1000

    def flicker(smoothing: float) -> np.ndarray:
        level = 10 * np.log10(refined(raw, bands, 0.0, smoothing)[0] ** 2 * bands)
        return np.abs(np.diff(level[100:300], axis=0)).mean(0)

    assert (flicker(0.9)[: L.FILTERED] < 0.6 * flicker(0.0)[: L.FILTERED]).all() and np.allclose(flicker(0.9)[L.FILTERED :], flicker(0.0)[L.FILTERED :])
    onset = refined(raw, bands, 0.0, 0.9)[0][300, : L.FILTERED]
    assert (onset > 0.7 * 0.4).all() and onset.max() <= 0.4 + 1e-6


def test_gains_fall_no_faster_than_the_limit():
    raw = np.repeat(np.array([[0.9999999], [1e-9], [1e-9], [0.95]], np.float32), L.BANDS, 1)
    gains, _ = refined(raw, np.ones_like(raw), 0.0)
    assert np.allclose(gains[:, 0], [1, 0.9, 0.81, 0.95], atol=1e-5) and np.allclose(gains[:, -1], [1, 0.24, 0.0576, 0.95], atol=1e-5)


def test_no_band_is_paid_for_by_another():
    """What sharpening takes is given back to the whole frame; no gradient says that a gain here makes it louder there."""
    logits = torch.randn(1, 50, L.BANDS, generator=torch.Generator().manual_seed(4), requires_grad=True)
    postfilter.refine(logits, torch.ones(1, 50, L.BANDS), 1.0, 0.9).gains[..., : L.BANDS // 2].sum().backward()
    there = logits.grad.abs().sum((0, 1)) > 0
    assert there[: L.BANDS // 2].all() and not there[L.BANDS // 2 :].any()
