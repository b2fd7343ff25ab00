"""Mixtures: speech in a room, a background, both at some level, and their reduction to what the loss needs.

The costly part (`Mixer.speech`, `Mixer.background`) is apart from the cheap one (`combine`, `reduce`): the pool stores what
the first makes, and the trainer pairs it anew at every draw, so that it never sees a mixture twice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.ndimage
import soxr

from . import noise as synth
from .data import Clip, Corpus, early, smooth_random_response, trim_rir
from .features import BIN_HZ, BINS, EDGES, HOP, RATE, WINDOW, band_sum, hear, istft, levels, stft
from .refine import comb_weights, combed

COMPRESS = 0.3
PHASE = 0.3
VOICE_DB = -33.0
JOIN = 6 * RATE


@dataclass
class Recipe:
    """Shares and ranges of the mixing; the defaults are the training recipe."""

    studio: tuple[str, ...] = ("kerstin_de", "nathalie_nl", "kathleen_en", "flemishguy_nl")
    studio_share: float = 0.20
    group_weight: tuple[tuple[str, float], ...] = (
        ("alnum_en", 0.38), ("picovoice_s2i_en", 0.25), ("picovoice_wake_en", 0.22), ("mycroft_pcd", 0.07),
        ("asterisk_by", 0.10), ("festvox_ru", 0.05), ("gcin_zh", 0.04), ("tts_statistical", 0.02), ("tts_unit", 0.02), ("tts_formant", 0.02),
    )
    shift: float = 0.7
    formant: float = 0.6
    snr: tuple[float, float] = (5.0, 8.0)
    high_snr: float = 0.17
    clean: float = 0.07
    no_speech: float = 0.06
    reverb: float = 0.35
    synth: float = 0.28
    babble: float = 0.14
    enveloped: float = 0.09
    granular: float = 0.35
    clip: float = 0.08
    rumble: float = 0.12


@dataclass
class Speech:
    """A voice whose target has unit active level: what is to come back, what the microphone gets of it, bandwidth in Hz."""

    target: np.ndarray
    wet: np.ndarray
    bandwidth: float


@dataclass
class Noise:
    """A background of unit level, and by how many dB the drawn SNR is lowered, since much of it lies below the voice."""

    sound: np.ndarray
    lower: float


@dataclass
class Example:
    """What the trainer sees of one clip: features, A, P, B of the loss, levels of the clean and the combed sound, the voice label."""

    feat: np.ndarray
    a: np.ndarray
    p: np.ndarray
    b: np.ndarray
    clean: np.ndarray
    heard: np.ndarray
    vad: np.ndarray


def coefficients(x: np.ndarray, s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A, P, B of the closed-form loss u^2 A - 2 u P + B (u = g^0.3, g constant in a band).

    It equals, summed over the bins of a band, lam |u|X|^c e^(jx) - |S|^c e^(js)|^2 + (1 - lam) (u|X|^c - |S|^c)^2, the
    compressed complex spectral loss of Braun and Tashev (2020) with c = 0.3 and lam = 0.3.
    """
    px = x.real**2 + x.imag**2 + 1e-16
    ps = s.real**2 + s.imag**2 + 1e-16
    half = np.float32(COMPRESS / 2)
    xc, sc = np.exp(half * np.log(px)), np.exp(half * np.log(ps))  # Twice as fast as a power here.
    cos = (x.real * s.real + x.imag * s.imag) / np.sqrt(px * ps)
    return band_sum(xc * xc), band_sum(xc * sc * (PHASE * cos + 1 - PHASE)), band_sum(sc * sc)


def voice_labels(target: np.ndarray) -> np.ndarray:
    """Per frame of 10 ms: is there speech? From the energy of the clean signal, with one frame of hangover each way."""
    n = len(target) // HOP
    e = (target[: n * HOP].reshape(n, HOP) ** 2).mean(1)
    top = np.percentile(e, 95)
    if top < 1e-11:
        return np.zeros(n, bool)
    return scipy.ndimage.binary_dilation(e > top * 10 ** (VOICE_DB / 10), iterations=2)


def formant_shift(x: np.ndarray, ratio: float, quefrency_ms: float = 1.25) -> np.ndarray:
    """Moves the spectral envelope of speech by `ratio` along frequency and leaves the pitch where it is.

    The envelope is the log spectrum smoothed in the cepstrum (Oppenheim and Schafer, Discrete-Time Signal Processing);
    each frame is filtered by the quotient of the moved and the old one, at most 20 dB.
    """
    spec = stft(np.concatenate([x, np.zeros(HOP, np.float32)]))
    cepstrum = scipy.fft.irfft(np.log(np.abs(spec) + 1e-5), WINDOW, axis=1)
    keep = int(quefrency_ms * RATE / 1000)
    lifter = np.zeros(WINDOW, np.float32)
    lifter[: keep + 1] = 0.5 + 0.5 * np.cos(np.pi * np.arange(keep + 1) / keep)
    lifter[-keep:] = lifter[keep:0:-1]
    envelope = scipy.fft.rfft(cepstrum * lifter, axis=1).real
    at = np.minimum(np.arange(BINS) / ratio, BINS - 1)
    low = np.minimum(at.astype(int), BINS - 2)
    part = (at - low).astype(np.float32)
    moved = envelope[:, low] * (1 - part) + envelope[:, low + 1] * part
    gain = np.exp(np.clip(moved - envelope, -2.3, 2.3)).astype(np.float32)
    return istft(spec * gain)[HOP : HOP + len(x)]


def _rms_top(x: np.ndarray) -> float:
    """RMS of the louder half of the frames, so that sparse noises are not blown up."""
    n = len(x) // HOP
    e = (x[: n * HOP].reshape(n, HOP) ** 2).mean(1)
    return float(np.sqrt(np.sort(e)[n // 2 :].mean() + 1e-12))


class Mixer:
    """Draws examples of a fixed length from a corpus."""

    def __init__(self, corpus: Corpus, seconds: float, recipe: Recipe | None = None, seed: int = 0) -> None:
        self.c = corpus
        self.r = recipe or Recipe()
        self.n = int(seconds * RATE)
        rng = np.random.default_rng(seed)
        rirs = [h for _, h in corpus.rirs] + [trim_rir(synth.synth_rir(rng)) for _ in range(150)]
        self.nfft = scipy.fft.next_fast_len(self.n + RATE // 2, real=True)
        self.rir = [(h, early(h)) for h in rirs]
        names = [g for g in self.r.studio if g in corpus.speech]
        others = [(g, w) for g, w in self.r.group_weight if g in corpus.speech]
        listed = set(names) | {g for g, _ in others}
        others += [(g, 0.2) for g in corpus.speech if g not in listed]
        share = self.r.studio_share if others else 1.0
        total = sum(w for _, w in others) or 1.0
        self.groups = names + [g for g, _ in others]
        rest = 1 - share if names else 1.0
        self.weights = np.array([share / max(1, len(names))] * len(names) + [rest * w / total for _, w in others])
        self.weights /= self.weights.sum()
        self.noise_classes = sorted(corpus.noise)

    def speaker(self, rng: np.random.Generator) -> Clip:
        """A recording: group first, then speaker, then file."""
        g = self.c.speech[self.groups[rng.choice(len(self.groups), p=self.weights)]]
        clips = g[list(g)[rng.integers(len(g))]]
        return clips[rng.integers(len(clips))]

    @staticmethod
    def cut(rng: np.random.Generator, clip: Clip, n: int, loop: bool = False) -> np.ndarray:
        """A random piece of n samples as float; short recordings are repeated (`loop`) or padded."""
        pcm = clip.pcm
        if len(pcm) >= n:
            at = int(rng.integers(len(pcm) - n + 1))
            return pcm[at : at + n].astype(np.float32) / 32768
        x = np.resize(pcm, n) if loop else np.pad(pcm, (0, n - len(pcm)))
        return np.roll(x, int(rng.integers(n))).astype(np.float32) / 32768 if loop else x.astype(np.float32) / 32768

    def _resampled(self, rng: np.random.Generator, clip: Clip, n: int, factor: float, loop: bool = False) -> np.ndarray:
        """A piece played `factor` times faster: pitch and formants move together."""
        if factor == 1.0:
            return self.cut(rng, clip, n, loop)
        x = self.cut(rng, clip, int(n * factor) + 64, loop)
        y = soxr.resample(x, RATE * factor, RATE, quality="QQ" if clip.bandwidth < 9000 else "LQ")
        return y[:n] if len(y) >= n else np.pad(y, (0, n - len(y)))

    def _joined(self, rng: np.random.Generator, clip: Clip, factor: float) -> np.ndarray:
        """Pieces of 2 to 5 seconds of one recording with pauses, for long sequences."""
        out, at = np.zeros(self.n, np.float32), 0
        while at < self.n:
            k = int(rng.uniform(2, 5) * RATE)
            x = self._resampled(rng, clip, k, factor)
            k = min(k, self.n - at)
            out[at : at + k] = x[:k]
            at += k + int(rng.exponential(0.5) * RATE)
        return out

    def voice(self, rng: np.random.Generator) -> tuple[np.ndarray, float]:
        """Dry speech of unit active level, and its bandwidth in Hz."""
        clip = self.speaker(rng)
        factor = float(np.exp(rng.uniform(np.log(0.76), np.log(1.3)))) if rng.random() < self.r.shift else 1.0
        bw = clip.bandwidth * factor
        for _ in range(4):
            x = self._joined(rng, clip, factor) if self.n > JOIN else self._resampled(rng, clip, self.n, factor)
            if _rms_top(x) > 0.2 * clip.level:
                break
        if rng.random() < self.r.formant:
            ratio = float(np.exp(rng.uniform(np.log(0.82), np.log(1.22))))
            x = formant_shift(x, ratio)
            bw *= min(1.0, ratio)
        if rng.random() < 0.35:
            self._gap(rng, x)
        if rng.random() < 0.08:
            other = self.speaker(rng)
            if other.bandwidth * 1.05 >= bw:
                at = int(rng.uniform(0.3, 0.7) * self.n)
                y = self.cut(rng, other, self.n - at)
                x[at:] = y * (clip.level / max(other.level, 1e-4))
                ramp = np.linspace(0, 1, HOP, dtype=np.float32)
                x[at : at + HOP] *= ramp
        n = self.n // HOP
        e = (x.reshape(n, HOP) ** 2).mean(1)
        top = np.percentile(e, 95)
        level = np.sqrt(e[e >= top * 10**-2.5].mean() + 1e-12)
        return x / max(float(level), 1e-5), bw

    def _gap(self, rng: np.random.Generator, x: np.ndarray) -> None:
        k = int(rng.uniform(0.1, 1.5) * RATE)
        at = int(rng.choice([0, rng.integers(0, self.n - k), self.n - k]))
        ramp = np.ones(k, np.float32) * 0
        m = min(HOP, k // 2)
        ramp[:m], ramp[-m:] = np.linspace(1, 0, m), np.linspace(0, 1, m)
        x[at : at + k] *= ramp

    def recording(self, rng: np.random.Generator) -> Clip:
        """A noise recording: class first, then recording by length."""
        clips = self.c.noise[self.noise_classes[rng.integers(len(self.noise_classes))]]
        w = np.array([min(60.0, len(c.pcm) / RATE) for c in clips])
        return clips[rng.choice(len(clips), p=w / w.sum())]

    def one_noise(self, rng: np.random.Generator) -> np.ndarray:
        """One noise of unit level."""
        u = rng.random()
        n = self.n
        if u < self.r.synth:
            x = synth.synth(rng, n)
        elif u < self.r.synth + self.r.babble:
            x = np.zeros(n, np.float32)
            for _ in range(int(rng.integers(3, 12))):
                c = self.speaker(rng)
                x += self.cut(rng, c, n) / max(c.level, 1e-4) * rng.uniform(0.3, 1)
        elif u < self.r.synth + self.r.babble + self.r.enveloped:
            clip = self.recording(rng) if rng.random() < 0.5 else self.speaker(rng)
            x = synth.enveloped(rng, self.cut(rng, clip, n, loop=True), n)
        else:
            clip = self.recording(rng)
            factor = float(np.exp(rng.uniform(np.log(0.6), np.log(1.6)))) if rng.random() < 0.7 else 1.0
            if rng.random() < self.r.granular:
                x = synth.granular(rng, self._resampled(rng, clip, n, factor, loop=True), n)
            else:
                x = self._resampled(rng, clip, n, factor, loop=True)
            if rng.random() < 0.12:
                x = x[::-1].copy()
        if rng.random() < 0.15:
            self._gap(rng, x)
        if rng.random() < 0.1:
            x = x * (10 ** (rng.uniform(0, 1) * np.interp(np.arange(n), np.linspace(0, n, 7), rng.uniform(-1, 0, 7)))).astype(np.float32)
        return x / max(_rms_top(x), 1e-5)

    def noise(self, rng: np.random.Generator) -> np.ndarray:
        """One to three noises together."""
        x = self.one_noise(rng)
        for _ in range(int(rng.choice([0, 1, 2], p=[0.6, 0.28, 0.12]))):
            x = x + self.one_noise(rng) * 10 ** (rng.uniform(-14, 0) / 20)
        return x / max(_rms_top(x), 1e-5)

    @staticmethod
    def _rumble(rng: np.random.Generator, bins: int) -> np.ndarray:
        """The slope of engines, wind and waves heard from afar: 3 to 10 dB an octave above 50 to 400 Hz."""
        f = np.linspace(0, RATE / 2, bins, dtype=np.float32)
        corner, slope = np.exp(rng.uniform(np.log(50), np.log(400))), rng.uniform(3, 10) / 6.02
        return (1 + (f / corner) ** 2) ** (-slope / 2)

    def _filter(self, x: np.ndarray, *gains: np.ndarray | None) -> list[np.ndarray]:
        spec = scipy.fft.rfft(x, self.nfft)
        return [scipy.fft.irfft(spec * g, self.nfft)[: self.n].astype(np.float32) if g is not None else x for g in gains]

    def speech(self, rng: np.random.Generator) -> Speech:
        """A voice through a random response, in a room or not."""
        dry, bw = self.voice(rng)
        eq = smooth_random_response(rng, self.nfft // 2 + 1, rng.uniform(0, 11)) if rng.random() < 0.65 else None
        if rng.random() < self.r.reverb:
            h, e = self.rir[rng.integers(len(self.rir))]
            hs, es = scipy.fft.rfft(h, self.nfft), scipy.fft.rfft(e, self.nfft)
            if eq is not None:
                hs, es = hs * eq, es * eq
            wet, target = self._filter(dry, hs, es)
        else:
            (wet,) = self._filter(dry, eq)
            target = wet
        norm = _rms_active(target)
        return Speech(target / norm, wet / norm, bw)

    def background(self, rng: np.random.Generator) -> Noise:
        """Noises through a random response, in a room or not."""
        noise, lower = self.noise(rng), 0.0
        rumble = rng.random() < self.r.rumble
        if rumble or rng.random() < 0.8:
            bins = self.nfft // 2 + 1
            g = smooth_random_response(rng, bins, rng.uniform(2, 14))
            if rumble:
                g = g * self._rumble(rng, bins)
                lower = rng.uniform(0, 8)
            if rng.random() < 0.25:
                g = g * scipy.fft.rfft(self.rir[rng.integers(len(self.rir))][0], self.nfft)
            (noise,) = self._filter(noise, g)
            noise = noise / max(_rms_top(noise), 1e-5)
        return Noise(noise, lower)


def combine(rng: np.random.Generator, recipe: Recipe, speech: Speech, noise: Noise) -> tuple[np.ndarray, np.ndarray, float]:
    """Target, noisy signal and bandwidth: speech and noise at a random level and SNR, sometimes clipped or rounded to 16 bits."""
    u = rng.random()
    if u > 1 - recipe.clean:
        snr = rng.uniform(38, 65)
    elif u > 1 - recipe.clean - recipe.high_snr:
        snr = rng.uniform(15, 35)
    else:
        snr = float(np.clip(rng.normal(*recipe.snr), -8, 35))
    level = 10 ** ((rng.normal(-27, 7) if rng.random() < 0.7 else rng.uniform(-50, -10)) / 20)
    there = np.float32(0 if u < recipe.no_speech else level)
    target = speech.target * there
    x = speech.wet * there + noise.sound * np.float32(level * 10 ** ((noise.lower - snr) / 20))
    top = float(np.abs(x).max())
    if rng.random() < recipe.clip:
        lim = np.float32(min(1.0, top + 1e-9) * 10 ** (-rng.uniform(1, 8) / 20))
        x = np.clip(x, -lim, lim)
    elif top > 1:
        x, target = x / np.float32(top), target / np.float32(top)
    if rng.random() < 0.4:
        x = np.rint(x * np.float32(32768)) / np.float32(32768)
    return target, x, speech.bandwidth


def reduce(rng: np.random.Generator, target: np.ndarray, x: np.ndarray, bandwidth: float, comb: float = 0.0) -> Example:
    """Features and loss coefficients of a mixture, voice strengthened in it by `comb`; nothing above the bandwidth counts."""
    ss = stft(target)
    if rng.random() < 0.12:
        bandwidth = min(bandwidth, rng.choice([3600.0, 5500.0, 7600.0, 11000.0, 15000.0]))
    limited, above = bandwidth < 17500, None
    if limited:
        k = min(BINS, int(bandwidth * 0.97 / BIN_HZ))
        soft = 10 ** rng.uniform(-4.5, -2)
        above = k, 0.0 if rng.random() < 0.5 else soft
        ss[:, k:] = 0
    there = hear(x, above=above)
    sx = combed(there.spec, there.earlier, comb_weights(there.likeness, comb)) if comb else there.spec
    a, p, b = coefficients(sx, ss)
    if limited:
        first = int(np.searchsorted(EDGES[:-1], k - 1))
        a[:, first:] = p[:, first:] = b[:, first:] = 0
    scale = np.float32(100.0 / (float(a.sum(1).mean()) + 1e-9))
    clean, heard = (levels(v.real**2 + v.imag**2) for v in (ss, sx))
    return Example(there.feat, a * scale, p * scale, b * scale, clean, heard, voice_labels(target))


def _rms_active(x: np.ndarray) -> float:
    n = len(x) // HOP
    e = (x[: n * HOP].reshape(n, HOP) ** 2).mean(1)
    top = np.percentile(e, 95)
    return float(np.sqrt(e[e >= top * 10**-2.5].mean() + 1e-12))
