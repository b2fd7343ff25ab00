"""What phases and periods say, and a network that did not hear them before."""

import numpy as np

from sourdine_train import features as F

ADVANCES = slice(F.BANDS, F.BANDS + 2 * F.PHASES)
LIKENESS = slice(ADVANCES.stop, ADVANCES.stop + len(F.GROUPS))
PERIOD, STRENGTH = F.INPUTS - 2, F.INPUTS - 1


def buzz(hz: float, seconds: float = 0.5) -> np.ndarray:
    t = np.arange(int(seconds * F.RATE)) / F.RATE
    return sum(np.sin(2 * np.pi * hz * k * t + k * k) / k for k in range(1, 30)).astype(np.float32) * 0.1


def test_a_tone_turns_by_its_distance_from_the_bin():
    hz = 20 * F.BIN_HZ + 7
    x = np.sin(2 * np.pi * hz * np.arange(24000) / F.RATE).astype(np.float32)
    turn = F.hear(x).feat[10:, ADVANCES]
    want = 2 * np.pi * 7 * F.HOP / F.RATE
    assert np.abs(np.arctan2(turn[:, F.PHASES + 20], turn[:, 20]) - want).max() < 0.02
    one_up = np.angle(np.exp(1j * (want - 2 * np.pi * F.BIN_HZ * F.HOP / F.RATE)))
    assert np.abs(np.arctan2(turn[:, F.PHASES + 21], turn[:, 21]) - one_up).max() < 0.02


def test_a_buzz_is_like_itself_a_period_earlier_and_noise_is_not():
    for hz in (80.0, 125.0, 240.0, 440.0):
        feat = F.hear(buzz(hz)).feat[10:]
        lag = np.sqrt(F.SHORTEST * F.LONGEST) * 10 ** (feat[:, PERIOD] / 3)
        times = F.RATE / hz / lag
        assert np.abs(lag * np.rint(1 / times) - lag).max() < 1 or np.abs(times - np.rint(times)).max() < 0.02, hz
        assert feat[:, LIKENESS][:, 2:16].min() > 0.9, hz
    feat = F.hear(np.random.default_rng(1).standard_normal(24000).astype(np.float32)).feat[10:]
    assert np.abs(feat[:, LIKENESS].mean(0)).max() < 0.45


def test_silence_is_like_nothing_and_level_does_not_matter():
    assert not F.hear(np.zeros(9600, np.float32)).feat[:, F.BANDS : PERIOD].any()
    x = np.random.default_rng(1).standard_normal(9600).astype(np.float32)
    a, b = F.hear(x).feat, F.hear(0.01 * x).feat
    assert np.abs(a - b)[:, F.BANDS :].max() < 1e-3


def test_frame_by_frame_is_the_same():
    x = buzz(150) + 0.05 * np.random.default_rng(1).standard_normal(24000).astype(np.float32)
    spec, _, feat = F.hear(x)
    past = F.Past()
    parts = [F.hear(f, past) for f in x.reshape(-1, F.HOP)]
    assert np.allclose(np.concatenate([p[0] for p in parts]), spec, atol=1e-4)
    assert np.abs(np.concatenate([p.feat for p in parts]) - feat).max() < 1e-3
    assert np.allclose(F.stft(x), spec, atol=1e-4)


def test_nothing_is_heard_above_a_limit():
    x = np.random.default_rng(1).standard_normal(9600).astype(np.float32)
    spec, _, feat = F.hear(x, above=(200, 0.0))
    assert not spec[:, 200:].any() and (feat[:, F.BANDS - 20 : F.BANDS] < -4.99).all() and not feat[:, LIKENESS][:, -4:].any()
