"""Synthesised noises: everything here is made of formulas, so it adds variety without adding recordings."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.fft
import scipy.signal

from .layout import RATE

Rng = np.random.Generator
F = np.ndarray


def smooth_response(rng: Rng, bins: int, depth_db: float, points: int = 10) -> F:
    """A random smooth magnitude response on `bins` bins up to 24 kHz (points evenly spread over log frequency)."""
    f = np.linspace(0, RATE / 2, bins, dtype=np.float32)
    at = np.log(np.geomspace(40, 20000, points))
    db = np.cumsum(rng.standard_normal(points)) * depth_db / np.sqrt(points)
    gain = 10 ** (np.interp(np.log(np.maximum(f, 20)), at, db - db.mean()) / 20)
    return gain.astype(np.float32)


def shaped(rng: Rng, n: int, gain: F) -> F:
    """Gaussian noise with the magnitude response `gain` (n // 2 + 1 bins)."""
    spec = rng.standard_normal((n // 2 + 1, 2), dtype=np.float32).view(np.complex64)[:, 0]
    return scipy.fft.irfft(spec * gain, n).astype(np.float32)


def _freq(n: int) -> F:
    return np.linspace(0, RATE / 2, n // 2 + 1, dtype=np.float32)


def _slow(rng: Rng, n: int, hz: float) -> F:
    """A random curve in -1..1 that changes about `hz` times a second."""
    k = max(4, int(n / RATE * hz) + 3)
    return np.interp(np.linspace(0, k - 1, n), np.arange(k), rng.uniform(-1, 1, k)).astype(np.float32)


def coloured(rng: Rng, n: int) -> F:
    """Noise of a random slope and a random smooth spectrum."""
    f = np.maximum(_freq(n), 30)
    return shaped(rng, n, (f / 1000) ** rng.uniform(-1.2, 0.3) * smooth_response(rng, n // 2 + 1, 9))


def modulated(rng: Rng, n: int) -> F:
    """Coloured noise, amplitude-modulated at 0.2 to 8 Hz."""
    t = np.arange(n, dtype=np.float32) / RATE
    rate = np.exp(rng.uniform(np.log(0.2), np.log(8)))
    m = 1 + rng.uniform(0.3, 1) * np.sin(2 * np.pi * rate * t + rng.uniform(0, 6.28))
    return coloured(rng, n) * m ** rng.uniform(1, 2)


def tones(rng: Rng, n: int, f0: float, count: int, slope: float, wobble: float = 0.0) -> F:
    """Harmonics of a fundamental with a little drift."""
    drift = 1 + wobble * _slow(rng, n, 2) if wobble else np.ones(n, np.float32)
    phase = np.cumsum(2 * np.pi * f0 / RATE * drift, dtype=np.float64).astype(np.float32)
    out = np.zeros(n, np.float32)
    for k in range(1, count + 1):
        if k * f0 > 0.45 * RATE:
            break
        out += k**-slope * rng.uniform(0.2, 1) * np.sin(k * phase + rng.uniform(0, 6.28), dtype=np.float32)
    return out


def hum(rng: Rng, n: int) -> F:
    """Mains hum with harmonics, over a soft floor."""
    f0 = rng.choice([50.0, 60.0, 100.0, 120.0])
    return tones(rng, n, f0, int(rng.integers(3, 14)), rng.uniform(0.3, 1.5)) + 0.3 * _unit(coloured(rng, n)) * rng.uniform(0, 1)


def fan(rng: Rng, n: int) -> F:
    """A fan: broadband air and blade tones."""
    f = _freq(n)
    air = shaped(rng, n, 1 / (1 + (f / rng.uniform(150, 1500)) ** rng.uniform(1, 2.2)))
    blades = tones(rng, n, rng.uniform(40, 240), 6, rng.uniform(0.7, 1.6), 0.004)
    return _unit(air) + rng.uniform(0, 0.7) * _unit(blades)


def vacuum(rng: Rng, n: int) -> F:
    """A vacuum cleaner or blender: strong motor harmonics that drift, and a broad hiss."""
    motor = tones(rng, n, rng.uniform(90, 500), 16, rng.uniform(0.2, 1), 0.03)
    return _unit(coloured(rng, n)) + rng.uniform(0.2, 1.2) * _unit(motor)


def wind(rng: Rng, n: int) -> F:
    """Wind on a microphone: very low noise in gusts."""
    f = np.maximum(_freq(n), 10)
    x = shaped(rng, n, 1 / (1 + (f / rng.uniform(40, 250)) ** rng.uniform(1.5, 3)))
    return _unit(x) * np.maximum(0.05, 0.6 + _slow(rng, n, rng.uniform(0.5, 5))) ** 2


def siren(rng: Rng, n: int) -> F:
    """A siren or alarm: a swept tone with harmonics."""
    t = np.arange(n, dtype=np.float32) / RATE
    lo, span, rate = rng.uniform(400, 900), rng.uniform(1.2, 2.2), rng.uniform(0.2, 4)
    w = np.sin(2 * np.pi * rate * t + rng.uniform(0, 6.28))
    if rng.random() < 0.4:
        w = np.sign(w)
    ph = np.cumsum(2 * np.pi * lo * span ** (0.5 + 0.5 * w) / RATE, dtype=np.float64).astype(np.float32)
    return np.sin(ph) + rng.uniform(0, 0.6) * np.sin(2 * ph) + rng.uniform(0, 0.5) * np.sin(3 * ph)


def beeps(rng: Rng, n: int) -> F:
    """Notification beeps."""
    t = np.arange(n, dtype=np.float32) / RATE
    x = np.sin(2 * np.pi * rng.uniform(400, 3500) * t) + rng.uniform(0, 0.5) * np.sin(2 * np.pi * rng.uniform(800, 6000) * t)
    return x * ((t * rng.uniform(0.7, 5)) % 1 < rng.uniform(0.1, 0.6))


def clicks(rng: Rng, n: int) -> F:
    """Keys, mouse buttons, clatter: decaying filtered bursts, singly and in pairs."""
    out = np.zeros(n + RATE, np.float32)
    bank = []
    for _ in range(4):
        m = int(RATE * rng.uniform(0.004, 0.12))
        f = _freq(2 * m)
        c, q = np.exp(rng.uniform(np.log(300), np.log(7000))), rng.uniform(0.4, 1.4)
        g = np.exp(-0.5 * (np.log(np.maximum(f, 20) / c) / q) ** 2).astype(np.float32)
        bank.append(_unit(shaped(rng, 2 * m, g)) * np.exp(-np.arange(2 * m) / (m / rng.uniform(2, 5))).astype(np.float32))
    t = rng.uniform(0, 0.3)
    gap = rng.uniform(0.08, 0.6)
    while t < n / RATE:
        for dt in (0.0, rng.uniform(0.04, 0.12)):
            b = bank[rng.integers(4)]
            at = int((t + dt) * RATE)
            out[at : at + len(b)] += b[: len(out) - at] * rng.lognormal(0, 0.5)
        t += rng.exponential(gap) + 0.03
    return out[:n] + 1e-3 * _unit(coloured(rng, n))


def music(rng: Rng, n: int) -> F:
    """Plucked and held notes of a random scale over a beat."""
    out = np.zeros(n + 2 * RATE, np.float32)
    root = rng.uniform(80, 330)
    scale = 2 ** (np.array([0, 2, 3, 5, 7, 9, 10, 12, 14, 15, 19]) / 12)
    beat = rng.uniform(0.12, 0.5)
    for i in range(int(n / RATE / beat) + 1):
        for _ in range(int(rng.integers(0, 3))):
            f0 = root * scale[rng.integers(len(scale))] * rng.choice([1, 1, 2])
            m = int(RATE * rng.uniform(0.2, 1.2))
            env = np.exp(-np.arange(m) / (RATE * rng.uniform(0.08, 0.6))).astype(np.float32)
            at = int(i * beat * RATE)
            out[at : at + m] += tones(rng, m, f0, 6, rng.uniform(0.6, 1.8)) * env * rng.uniform(0.4, 1)
        if rng.random() < 0.5:
            m = int(RATE * 0.15)
            hit = _unit(shaped(rng, m * 2, smooth_response(rng, m + 1, 12)))[:m]
            at = int(i * beat * RATE)
            out[at : at + m] += hit * np.exp(-np.arange(m) / (RATE * 0.03)).astype(np.float32)
    return out[:n] + 1e-3 * rng.standard_normal(n, dtype=np.float32)


def _unit(x: F) -> F:
    return (x / np.sqrt(np.mean(x * x) + 1e-12)).astype(np.float32)


KINDS: list[tuple[Callable[[Rng, int], F], float]] = [
    (coloured, 3), (modulated, 2), (hum, 1), (fan, 2), (vacuum, 1.5), (wind, 1.5), (siren, 0.8), (beeps, 0.6), (clicks, 2.5),
    (music, 1.5),
]


def synth(rng: Rng, n: int) -> F:
    """One noise of a random kind, RMS one."""
    w = np.array([k[1] for k in KINDS])
    return _unit(KINDS[rng.choice(len(KINDS), p=w / w.sum())][0](rng, n))


def synth_rir(rng: Rng) -> F:
    """A room response: direct sound, sparse early reflections, a diffuse tail that dies faster at high frequencies."""
    t60 = np.exp(rng.uniform(np.log(0.12), np.log(0.9)))
    n = int(min(0.5, t60) * RATE)
    t = np.arange(n) / RATE
    h = np.zeros(n)
    for c, k in ((500, 1.0), (2500, 0.8), (9000, 0.5)):
        b, a = scipy.signal.butter(1, [c / 2.5, min(c * 2.2, 0.45 * RATE)], "bandpass", fs=RATE)
        h += scipy.signal.lfilter(b, a, rng.standard_normal(n)) * 10 ** (-3 * t / (t60 * k))
    h *= np.minimum(1, t / 0.02) * rng.uniform(0.1, 0.7) / np.sqrt((h**2).sum())
    for _ in range(int(rng.integers(4, 14))):
        at = rng.uniform(0.001, 0.05)
        h[int(at * RATE)] += rng.choice([-1, 1]) * rng.uniform(0.05, 0.5) * np.exp(-at / 0.03)
    h[48:] = np.convolve(h, [0.25, 0.5, 0.25], "same")[48:]
    h[0] = 1
    return h.astype(np.float32)
