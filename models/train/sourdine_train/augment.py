"""Voices and backgrounds of endless variety from a finite corpus, in batches on any device.

A voice is a recording at another speed, with other formants, through a random response, in a room or not, now and then
whispered; a background is one to three noises: recordings, textures made of their grains, babble, synthesised sounds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as nnf
from torch import Tensor

from . import synth
from .corpus import Clip, Corpus, early, trimmed
from .frontend import FrontEnd
from .layout import BINS, HOP, RATE, WINDOW
from .recipe import Mixing

GRID = 50
"""Speeds are multiples of 1/50 whose numerator has small primes, so that every resampling is one fast transform."""
SPEEDS = np.array([30, 32, 33, 35, 36, 39, 40, 42, 44, 45, 48, 50, 52, 54, 55, 56, 60, 63, 64, 65, 66, 70, 72, 75, 77, 78, 80])
JOIN = 6.0
"""Clips longer than that, in seconds, are pieces of one recording with pauses between them."""
SYNTH_ROOMS = 150
POINTS = 10
"""Of a random response, evenly spread over log frequency."""


@dataclass
class Voices:
    """Voices of unit active level [N, samples]: what is to come back, what the microphone gets, bandwidth in Hz [N]."""

    target: Tensor
    wet: Tensor
    bandwidth: Tensor


@dataclass
class Backgrounds:
    """Backgrounds of unit level [N, samples], and by how many dB the SNR is lowered [N], since much of them lies below the voice."""

    sound: Tensor
    lower: Tensor


def smooth_curves(points: int, bins: int) -> Tensor:
    """[bins, points]: linear interpolation of values at points over log frequency, 40 Hz to 20 kHz, to bins up to 24 kHz."""
    f = np.log(np.maximum(np.linspace(0, RATE / 2, bins), 20))
    at = np.log(np.geomspace(40, 20000, points))
    return torch.from_numpy(np.stack([np.interp(f, at, row) for row in np.eye(points)], 1).astype(np.float32))


def frame_energy(x: Tensor) -> Tensor:
    """Mean square of every 10 ms frame [N, T]."""
    return x.unflatten(1, (-1, HOP)).square().mean(2)


def rms_top(x: Tensor) -> Tensor:
    """RMS of the louder half of the frames [N], so that sparse noises are not blown up."""
    e = frame_energy(x)
    return (e.topk(e.shape[1] // 2, 1).values.mean(1) + 1e-12).sqrt()


def rms_active(x: Tensor) -> Tensor:
    """RMS of the frames within 25 dB of the loud ones [N]."""
    e = frame_energy(x)
    on = (e >= torch.quantile(e, 0.95, dim=1, keepdim=True) * 10**-2.5).float()
    return ((e * on).sum(1) / on.sum(1) + 1e-12).sqrt()


class Augment:
    """Draws voices and backgrounds of one length. Choices come from one seeded NumPy generator, sound from one on the device."""

    def __init__(self, corpus: Corpus, mixing: Mixing, seconds: float, device: torch.device | str = "cpu", seed: int = 0) -> None:
        self.corpus, self.mixing, self.device = corpus, mixing, torch.device(device)
        self.n = round(seconds * RATE)
        assert self.n % (GRID * HOP) == 0, "the length is a multiple of half a second"
        self.choice = np.random.default_rng([seed, self.n])
        self.random = torch.Generator(self.device).manual_seed(seed)
        self.front = FrontEnd(self.device)
        self.nfft = self.n + RATE // 2
        self.curves = smooth_curves(POINTS, self.nfft // 2 + 1).to(self.device)
        self.f = torch.linspace(0, RATE / 2, self.nfft // 2 + 1, device=self.device)
        rng = np.random.default_rng([seed, 1])
        rooms = [h for _, h in corpus.rooms] + [trimmed(synth.synth_rir(rng)) for _ in range(SYNTH_ROOMS)]

        def stacked(responses: list[np.ndarray]) -> Tensor:
            return torch.from_numpy(np.stack([np.pad(h, (0, RATE // 2 - len(h))) for h in responses])).float().to(self.device)

        self.rooms, self.early = stacked(rooms), stacked([early(h) for h in rooms])
        weights = mixing.speech_weights
        self.sets = sorted(corpus.speech)
        w = np.array([weights.get(s, mixing.other_weight) for s in self.sets], float)
        self.set_share = w / w.sum()
        self.speakers = {s: list(v.values()) for s, v in corpus.speech.items()}
        self.classes = sorted(c for c in corpus.noise if c != "synth")
        w = np.array([mixing.noise_weights.get(c, 1.0) for c in self.classes], float)
        self.class_share = w / w.sum()
        keep = int(1.25e-3 * RATE)
        lifter = torch.zeros(WINDOW)
        lifter[: keep + 1] = 0.5 + 0.5 * torch.cos(torch.pi * torch.arange(keep + 1) / keep)
        lifter[-keep:] = lifter[1 : keep + 1].flip(0)
        self.lifter = lifter.to(self.device)

    # Numbers.

    def _uniform(self, n: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        return low + (high - low) * torch.rand(n, generator=self.random, device=self.device)

    def _some(self, n: int, share: float) -> np.ndarray:
        return np.flatnonzero(self.choice.random(n) < share)

    def _gaussian(self, *shape: int) -> Tensor:
        return torch.randn(*shape, generator=self.random, device=self.device)

    def _speeds(self, n: int, low: float, high: float, share: float) -> np.ndarray:
        """Numerators over `GRID`, close to evenly spread in log speed; `GRID` for those that keep theirs."""
        wanted = np.exp(self.choice.uniform(np.log(low), np.log(high), n)) * GRID
        nearest = SPEEDS[np.abs(np.log(SPEEDS[None] / wanted[:, None])).argmin(1)]
        return np.where(self.choice.random(n) < share, nearest, GRID)

    # Pieces of recordings.

    def _speaker(self) -> Clip:
        """A recording: set first, then speaker, then file."""
        speakers = self.speakers[self.sets[self.choice.choice(len(self.sets), p=self.set_share)]]
        clips = speakers[self.choice.integers(len(speakers))]
        return clips[self.choice.integers(len(clips))]

    def _recording(self) -> Clip:
        """A noise: class first, then recording by length."""
        clips = self.corpus.noise[self.classes[self.choice.choice(len(self.classes), p=self.class_share)]]
        w = np.array([min(60.0, c.length / RATE) for c in clips])
        return clips[self.choice.choice(len(clips), p=w / w.sum())]

    def _cut(self, clip: Clip, n: int, loop: bool = False) -> Tensor:
        """A random piece of n samples, int16; short recordings are repeated (`loop`) or followed by silence."""
        pcm = self.corpus.pcm(clip)
        if len(pcm) >= n:
            at = int(self.choice.integers(len(pcm) - n + 1))
            return pcm[at : at + n]
        if loop:
            at = int(self.choice.integers(len(pcm)))
            return torch.cat([pcm[at:], pcm.repeat(n // len(pcm) + 1)])[:n]
        return nnf.pad(pcm, (0, n - len(pcm)))

    def _joined(self, clip: Clip, n: int) -> Tensor:
        """Pieces of 2 to 5 seconds of one recording with pauses."""
        out, at = torch.zeros(n, dtype=torch.int16, device=self.device), 0
        while at < n:
            k = min(int(self.choice.uniform(2, 5) * RATE), n - at)
            out[at : at + k] = self._cut(clip, k)
            at += k + int(self.choice.exponential(0.5) * RATE)
        return out

    def _pieces(self, clips: list[Clip], speeds: np.ndarray, loop: bool, joined: bool = False) -> Tensor:
        """A piece of every clip at its speed (over `GRID`), resampled through the spectrum [N, samples]."""
        out = torch.empty(len(clips), self.n, device=self.device)
        for speed in np.unique(speeds):
            which = np.flatnonzero(speeds == speed)
            m = self.n // GRID * int(speed)
            raw = torch.stack([self._joined(clips[i], m) if joined else self._cut(clips[i], m, loop) for i in which])
            x = raw.float() / 32768
            if m != self.n:
                spec = torch.fft.rfft(x)[:, : self.n // 2 + 1]
                x = torch.fft.irfft(nnf.pad(spec, (0, self.n // 2 + 1 - spec.shape[1])), self.n) * (self.n / m)
            out[which] = x
        return out

    def _silence(self, x: Tensor, which: np.ndarray, longest: float, at_start: bool = False) -> None:
        """A pause of 0.1 to `longest` seconds at the start, at the end or anywhere, in place."""
        for i in which:
            k = int(self.choice.uniform(0.1, min(longest, 0.8 * self.n / RATE)) * RATE)
            at = 0 if at_start else int(self.choice.choice([0, self.choice.integers(0, self.n - k), self.n - k]))
            ramp = torch.zeros(k, device=self.device)
            m = min(HOP, k // 2)
            fade = torch.linspace(0, 1, m, device=self.device)
            ramp[:m], ramp[k - m :] = 1 - fade, fade
            if at == 0:
                ramp[:m] = 0
            x[i, at : at + k] *= ramp

    # Voices.

    def _envelope(self, spec: Tensor) -> Tensor:
        """Log spectral envelopes [N, T, 769]: the log spectrum smoothed in the cepstrum (Oppenheim and Schafer)."""
        cepstrum = torch.fft.irfft(torch.log(spec.abs() + 1e-5), WINDOW)
        return torch.fft.rfft(cepstrum * self.lifter).real

    def _reshaped(self, x: Tensor, ratio: Tensor) -> Tensor:
        """Envelopes moved by `ratio` [N] along frequency, by at most 20 dB; the pitch stays."""
        spec = self.front.stft(nnf.pad(x, (0, HOP)))
        envelope = self._envelope(spec)
        at = (torch.arange(BINS, device=self.device) / ratio[:, None]).clamp(max=BINS - 1)
        low = at.long().clamp(max=BINS - 2)
        part = (at - low)[:, None]
        low = low[:, None].expand(-1, envelope.shape[1], -1)
        moved = envelope.gather(2, low) * (1 - part) + envelope.gather(2, low + 1) * part
        return self.front.istft(spec * (moved - envelope).clamp(-2.3, 2.3).exp())[:, HOP:]

    def _whispered(self, x: Tensor) -> Tensor:
        """Noise with the envelope of speech, 12 dB an octave down below 700 Hz: no voice source, and its low end is gone."""
        spec = self.front.stft(nnf.pad(x, (0, HOP)))
        tilt = (torch.linspace(0, RATE / 2, BINS, device=self.device) / 700).clamp(0.02, 1).square()
        noise = self.front.stft(self._gaussian(len(x), x.shape[1] + HOP)) / (WINDOW / 2) ** 0.5
        return self.front.istft(noise * self._envelope(spec).exp() * tilt)[:, HOP:]

    def _response(self, n: int, depth: Tensor) -> Tensor:
        """Random smooth magnitude responses [N, bins]."""
        db = self._gaussian(n, POINTS).cumsum(1) * (depth / POINTS**0.5)[:, None]
        return 10 ** ((db - db.mean(1, keepdim=True)) @ self.curves.T / 20)

    @torch.no_grad()
    def voices(self, n: int) -> Voices:
        """New voices."""
        m = self.mixing
        joined = self.n > JOIN * RATE
        speeds = self._speeds(n, 0.76, 1.3, m.speed)
        clips = [self._speaker() for _ in range(n)]
        x = self._pieces(clips, speeds, loop=False, joined=joined)
        for _ in range(3):  # A piece without speech is drawn again.
            level = torch.tensor([c.level for c in clips], device=self.device)
            quiet = torch.nonzero(rms_top(x) < 0.2 * level)[:, 0].cpu().numpy()
            if not len(quiet):
                break
            for i in quiet:
                clips[i] = self._speaker()
            x[quiet] = self._pieces([clips[i] for i in quiet], speeds[quiet], loop=False, joined=joined)
        bandwidth = torch.tensor([c.bandwidth * s / GRID for c, s in zip(clips, speeds, strict=True)], device=self.device).float()
        which = self._some(n, m.formants)
        if len(which):
            ratio = torch.exp(self._uniform(len(which), np.log(0.82), np.log(1.22)))
            x[which] = self._reshaped(x[which], ratio)
            bandwidth[which] *= ratio.clamp(max=1)
        which = self._some(n, m.whisper)
        if len(which):
            x[which] = self._whispered(x[which])
        self._silence(x, self._some(n, m.pause), 1.5)
        for i in self._some(n, m.second_speaker):
            other = self._speaker()
            if other.bandwidth * 1.05 >= bandwidth[i]:
                at = int(self.choice.uniform(0.3, 0.7) * self.n)
                x[i, at:] = self._cut(other, self.n - at).float() * (clips[i].level / max(other.level, 1e-4) / 32768)
                x[i, at : at + HOP] *= torch.linspace(0, 1, HOP, device=self.device)
        self._silence(x, self._some(n, m.late_start), 2.0, at_start=True)
        x /= rms_active(x).clamp(min=1e-5)[:, None]
        h = self._response(n, self._uniform(n, 0, 11) * (self._uniform(n) < 0.65))
        spec = torch.fft.rfft(x, self.nfft)
        spec *= h
        direct = torch.fft.irfft(spec, self.nfft)[:, : self.n]
        target, wet = direct, direct.clone()
        which = self._some(n, m.reverb)
        if len(which):
            room = torch.from_numpy(self.choice.integers(len(self.rooms), size=len(which))).to(self.device)
            for out, responses in ((wet, self.rooms), (target, self.early)):
                out[which] = torch.fft.irfft(spec[which] * torch.fft.rfft(responses[room], self.nfft), self.nfft)[:, : self.n]
        level = rms_active(target).clamp(min=1e-6)[:, None]
        return Voices(target / level, wet / level, bandwidth)

    # Backgrounds.

    def _babble(self) -> Tensor:
        x = torch.zeros(self.n, device=self.device)
        for _ in range(int(self.choice.integers(3, 12))):
            c = self._speaker()
            x += self._cut(c, self.n).float() * (self.choice.uniform(0.3, 1) / max(c.level, 1e-4) / 32768)
        return x

    def _coloured(self, n: int) -> Tensor:
        """Noise of a random slope and a random smooth spectrum."""
        slope = self._uniform(n, -1.2, 0.3)[:, None]
        h = (self.f.clamp(min=30) / 1000) ** slope * self._response(n, torch.full((n,), 9.0, device=self.device))
        return torch.fft.irfft(torch.fft.rfft(self._gaussian(n, self.nfft)) * h, self.nfft)[:, : self.n]

    def _enveloped(self, x: Tensor) -> Tensor:
        """Noise with the loudness curve of something else (speech, machines, impacts)."""
        e = nnf.avg_pool1d(x.square()[:, None], HOP, HOP).sqrt()
        e = nnf.interpolate(e / (e.amax(2, keepdim=True) + 1e-9), size=self.n, mode="linear")[:, 0]
        return self._coloured(len(x)) * (e ** self._uniform(len(x), 0.5, 1.5)[:, None] + self._uniform(len(x), 0, 0.1)[:, None])

    def _granular(self, x: Tensor) -> Tensor:
        """New textures: grains of 40 to 400 ms from anywhere in a sound, each at a speed of its own, in two overlapping rows."""
        n = len(x)
        size = (RATE * torch.exp(self._uniform(n, np.log(0.04), np.log(0.4))))[:, None]
        spread = self._uniform(n, 0, 0.5)[:, None]
        count = int(self.n / (0.04 * RATE)) + 2
        time = torch.arange(self.n, device=self.device)
        out = torch.zeros_like(x)
        for shift in (0.0, 0.5):
            position = time / size + shift
            grain = position.long()
            part = position - grain
            speed = torch.exp((2 * self._uniform(n * count).view(n, -1) - 1) * spread)
            start = self._uniform(n * count).view(n, -1) * (self.n - 2 * size)
            at = start.gather(1, grain) + speed.gather(1, grain) * part * size
            low = at.long().clamp(0, self.n - 2)
            fraction = (at - low).clamp(0, 1)
            y = x.gather(1, low) * (1 - fraction) + x.gather(1, low + 1) * fraction
            loud = torch.exp(0.3 * self._gaussian(n, count)).gather(1, grain)
            out += y * loud * torch.sin(torch.pi * part).square()
        return out

    def _noises(self, n: int) -> Tensor:
        """Single noises of unit level."""
        m = self.mixing
        kinds = self.choice.choice(4, n, p=[m.synthesised, m.babble, m.enveloped, 1 - m.synthesised - m.babble - m.enveloped])
        made = self.corpus.noise.get("synth")
        clips = []
        for kind in kinds:
            if kind == 0 and made:
                clips.append(made[self.choice.integers(len(made))])
            else:
                clips.append(self._speaker() if kind == 2 and self.choice.random() < 0.5 else self._recording())
        x = self._pieces(clips, self._speeds(n, 0.6, 1.6, 0.7), loop=True)
        for i in np.flatnonzero(kinds == 1):
            x[i] = self._babble()
        which = np.flatnonzero(kinds == 2)
        if len(which):
            x[which] = self._enveloped(x[which])
        which = np.flatnonzero((kinds == 3) & (self.choice.random(n) < m.granular))
        if len(which):
            x[which] = self._granular(x[which])
        which = np.flatnonzero((kinds != 1) & (self.choice.random(n) < 0.12))
        x[which] = x[which].flip(1)
        self._silence(x, self._some(n, 0.15), 1.5)
        which = self._some(n, 0.1)
        if len(which):
            drift = nnf.interpolate(self._uniform(7 * len(which), -1, 0).view(-1, 1, 7), size=self.n, mode="linear", align_corners=True)[:, 0]
            x[which] *= 10 ** (drift * self._uniform(len(which))[:, None])
        return x / rms_top(x).clamp(min=1e-5)[:, None]

    @torch.no_grad()
    def backgrounds(self, n: int) -> Backgrounds:
        """New backgrounds."""
        m = self.mixing
        more = self.choice.choice(3, n, p=[0.6, 0.28, 0.12])
        extra = torch.from_numpy(np.repeat(np.arange(n), more)).to(self.device)
        single = self._noises(n + len(extra))
        x = single[:n].index_add_(0, extra, single[n:] * 10 ** (self._uniform(len(extra), -14, 0) / 20)[:, None])
        rumble = self._uniform(n) < m.rumble
        h = self._response(n, self._uniform(n, 2, 14) * ((self._uniform(n) < 0.8) | rumble))
        # Engines, wind and waves from afar: 3 to 10 dB an octave down above 50 to 400 Hz.
        corner, slope = torch.exp(self._uniform(n, np.log(50), np.log(400)))[:, None], self._uniform(n, 3, 10)[:, None] / 6.02
        h = torch.where(rumble[:, None], h * (1 + (self.f / corner).square()) ** (-slope / 2), h)
        # Noise that ends below the voice: at 8, 11 kHz and anywhere else.
        end = torch.where(self._uniform(n) < m.noise_ends, 10 ** self._uniform(n, np.log10(3500), np.log10(17000)), 1e9)[:, None]
        h = h * torch.where(self.f > end, 1e-4, 1.0)
        spec = torch.fft.rfft(x, self.nfft) * h
        which = self._some(n, 0.25)
        if len(which):
            room = torch.from_numpy(self.choice.integers(len(self.rooms), size=len(which))).to(self.device)
            spec[which] *= torch.fft.rfft(self.rooms[room], self.nfft)
        x = torch.fft.irfft(spec, self.nfft)[:, : self.n]
        lower = torch.where(rumble, self._uniform(n, 0, 8), 0.0)
        return Backgrounds(x / rms_top(x).clamp(min=1e-5)[:, None], lower)
