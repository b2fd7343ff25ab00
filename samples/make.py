#!/usr/bin/env python3
"""Makes the noisy samples in this folder, their references and `manifest.toml`.

Voices come from the program espeak-ng (Debian: `apt-get install espeak-ng`), which reads the sentences below;
every noise is computed here. The same seed gives the same samples, byte for byte, with the same versions of
espeak-ng, numpy and scipy.

    python make.py            writes the files beside this script
    python make.py --check    makes them again elsewhere and compares them with the files here

Needs numpy, scipy, soundfile, and espeak-ng on the PATH. Levels are RMS in dBFS (full scale: a square wave).
"""

from __future__ import annotations

import argparse
import io
import json
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline
from scipy.signal import butter, fftconvolve, lfilter, resample_poly, sosfilt

Signal = NDArray[np.float64]

HERE = Path(__file__).resolve().parent
SEED = 20_260
VOICE_RATE = 48_000
"""Voices are made at this rate and brought to the rate of their file afterwards."""


# --- Speech: where it is and how loud -------------------------------------------------------------------------


def rms_db(x: Signal) -> float:
    """The level of a signal in dBFS; −200 for silence."""
    return 10.0 * float(np.log10(np.mean(x**2) + 1e-20))


def short_time_db(x: Signal, rate: int, window_s: float) -> Signal:
    """The level of the `window_s` that begin at each millisecond, in dBFS."""
    window, hop = round(window_s * rate), rate / 1000.0
    energy = np.concatenate([[0.0], np.cumsum(x**2)])
    starts = np.round(np.arange(0.0, len(x) - window, hop)).astype(int)
    return 10.0 * np.log10((energy[starts + window] - energy[starts]) / window + 1e-20)


def speech_spans(voice: Signal, rate: int) -> list[tuple[float, float]]:
    """Where a clean voice speaks, in seconds: 20 ms levels above 35 dB below the 95th percentile of the voice's
    levels. Gaps under 0.2 s belong to the speech, sounds under 40 ms do not count."""
    level = short_time_db(voice, rate, 0.020)
    active = level > np.percentile(level[level > -80.0], 95) - 35.0
    edges = np.flatnonzero(np.diff(np.concatenate([[False], active, [False]]).astype(int)))
    spans: list[list[int]] = []
    for start, end in edges.reshape(-1, 2) + [[10, 10]]:  # the middle of the window
        if spans and start - spans[-1][1] < 200:
            spans[-1][1] = int(end)
        else:
            spans.append([int(start), int(end)])
    return [(a / 1000.0, b / 1000.0) for a, b in spans if b - a >= 40]


def pause_spans(speech: list[tuple[float, float]], seconds: float) -> list[tuple[float, float]]:
    """The stretches of 0.15 s or more that keep 50 ms ahead of speech and 150 ms behind it."""
    starts = [0.0] + [end + 0.150 for _, end in speech]
    ends = [start - 0.050 for start, _ in speech] + [seconds]
    return [(round(a, 3), round(b, 3)) for a, b in zip(starts, ends) if b - a >= 0.150]


def speech_onsets(voice: Signal, rate: int, below_speech_db: float) -> list[float]:
    """Where speech begins after 0.3 s without: the begin of the first 5 ms whose level is higher than
    `below_speech_db` below the speech level, in seconds."""
    level = short_time_db(voice, rate, 0.005)
    loud = np.flatnonzero(level > speech_level(voice, rate) - below_speech_db)
    first = np.diff(np.concatenate([[-1000], loud])) >= 300
    return [t / 1000.0 for t in loud[first].tolist()]


def within(x: Signal, spans: list[tuple[float, float]], rate: int) -> Signal:
    """The parts of a signal that lie in `spans`, joined."""
    return np.concatenate([x[round(a * rate) : round(b * rate)] for a, b in spans])


def speech_level(voice: Signal, rate: int) -> float:
    """The level of a clean voice over its speech, in dBFS."""
    return rms_db(within(voice, speech_spans(voice, rate), rate))


# --- Voices ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Speaker:
    """A voice of espeak-ng and how it is made to speak."""

    name: str
    pitch: int
    """0 to 99."""
    words_per_minute: int = 160


ANNA = Speaker("en-gb+f2", 45, 158)
BELL = Speaker("en-us+linda", 48, 165)
CARL = Speaker("en-gb-x-rp+m3", 38, 155)
DEAN = Speaker("en-us+m7", 42, 162)
ELSA = Speaker("en-gb-scotland+f4", 52, 160)
FINN = Speaker("en-gb+michael", 40, 168)


def espeak_version() -> str:
    """The version of the program, such as `1.51`."""
    line = subprocess.run(["espeak-ng", "--version"], check=True, capture_output=True, text=True).stdout
    return line.split("text-to-speech:")[1].split()[0]


def speak(speaker: Speaker, text: str, rng: np.random.Generator, drift: float = 0.012) -> Signal:
    """`text` as read by espeak-ng, at 48 kHz, without the silence around it.

    espeak-ng speaks evenly and brightly. The time axis is bent a little (by `drift`, so pitch and pace wander
    as a person's do) and the treble is turned down by a few decibels.
    """
    command = ["espeak-ng", "-v", speaker.name, "-p", str(speaker.pitch), "-s", str(speaker.words_per_minute)]
    wav = subprocess.run([*command, "-a", "80", "--stdout", text], check=True, capture_output=True).stdout
    # On a pipe the header cannot hold the length: the samples are what follows its 44 bytes.
    raw_rate = int.from_bytes(wav[24:28], "little")
    raw = np.frombuffer(wav[44:], "<i2").astype(np.float64) / 32_768.0
    x = resample_poly(raw, VOICE_RATE, raw_rate, window=("kaiser", 9.0))
    loud = np.flatnonzero(np.abs(x) > 1e-3 * np.max(np.abs(x)))
    x = x[loud[0] : loud[-1] + 1]

    t = np.arange(len(x)) / VOICE_RATE
    bend = np.zeros_like(t)
    for hertz in (0.7, 1.9, 4.3):
        w = 2.0 * np.pi * hertz * rng.uniform(0.8, 1.25)
        bend += drift / 3.0 / w * np.sin(w * t + rng.uniform(0.0, 2.0 * np.pi))
    x = CubicSpline(t, x)(np.clip(t + bend - bend[0], 0.0, t[-1]))
    treble = sosfilt(butter(1, 3_500.0, "high", fs=VOICE_RATE, output="sos"), x)
    return fade(x - 0.45 * treble, VOICE_RATE, 0.002)


def room(x: Signal, rng: np.random.Generator, direct_db: float, decay_s: float = 0.25) -> Signal:
    """The voice in a small room: itself, and `direct_db` below it noise that decays by 60 dB in `decay_s`,
    8 ms later and duller than the voice. The result is as long as `x`."""
    t = np.arange(round(decay_s * VOICE_RATE)) / VOICE_RATE
    tail = rng.standard_normal(len(t)) * 10.0 ** (-3.0 * t / decay_s) * (t > 0.008)
    tail = sosfilt(butter(1, [200.0, 4_000.0], "band", fs=VOICE_RATE, output="sos"), tail)
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return fftconvolve(x, tail)[: len(x)]


def fade(x: Signal, rate: int, seconds: float) -> Signal:
    """The signal with a raised cosine at both ends."""
    n = round(seconds * rate)
    ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(n) + 0.5) / n)
    x = x.copy()
    x[:n] *= ramp
    x[-n:] *= ramp[::-1]
    return x


@dataclass(frozen=True)
class Phrase:
    """A sentence and the second at which it begins."""

    at: float
    speaker: Speaker
    text: str


def recite(phrases: list[Phrase], seconds: float, rate: int, level_db: float, rng: np.random.Generator) -> Signal:
    """The phrases in a small room, with speech at `level_db`, at the given rate."""
    x = np.zeros(round(seconds * VOICE_RATE))
    end = 0.0
    for phrase in phrases:
        said = speak(phrase.speaker, phrase.text, rng)
        said *= 10.0 ** ((-26.0 - rms_db(said)) / 20.0)
        start = round(phrase.at * VOICE_RATE)
        if phrase.at < end or start + len(said) > len(x):
            raise ValueError(f"no room for {phrase.text!r}: {len(said) / VOICE_RATE:.2f} s at {phrase.at} s")
        x[start : start + len(said)] += said
        end = phrase.at + len(said) / VOICE_RATE
    x = room(x, rng, direct_db=12.0)
    x = resample_poly(x, rate, VOICE_RATE, window=("kaiser", 9.0))
    return x * 10.0 ** ((level_db - speech_level(x, rate)) / 20.0)


# --- Noises ---------------------------------------------------------------------------------------------------


def coloured(n: int, rate: int, slope_db_per_octave: float, rng: np.random.Generator) -> Signal:
    """Noise at −20 dBFS whose spectrum falls by the given slope above 40 Hz."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    octaves = np.log2(np.maximum(np.fft.rfftfreq(n, 1.0 / rate), 40.0) / 1000.0)
    return at_level(np.fft.irfft(spectrum * 10.0 ** (-slope_db_per_octave * octaves / 20.0), n), -20.0)


def at_level(x: Signal, level_db: float) -> Signal:
    """The signal brought to a level."""
    return x * 10.0 ** ((level_db - rms_db(x)) / 20.0)


def mains_hum(n: int, rate: int, rng: np.random.Generator) -> Signal:
    """50 Hz and its harmonics up to 1 kHz, the odd ones stronger, at −20 dBFS."""
    t = np.arange(n) / rate
    x = np.zeros(n)
    for k in range(1, 21):
        strength = (1.0 if k % 2 else 0.35) / k**0.9
        x += strength * np.sin(2.0 * np.pi * 50.0 * k * t + rng.uniform(0.0, 2.0 * np.pi))
    return at_level(x, -20.0)


def fan(n: int, rate: int, rng: np.random.Generator) -> Signal:
    """Rushing air that swells a little with every turn, and the tones of the blades, at −20 dBFS."""
    t = np.arange(n) / rate
    turns = 23.0 * t + 0.05 * np.sin(2.0 * np.pi * 0.3 * t)
    air = coloured(n, rate, 4.0, rng) * (1.0 + 0.12 * np.sin(2.0 * np.pi * turns))
    blades = sum(np.sin(2.0 * np.pi * 7.0 * k * turns + rng.uniform(0.0, 6.0)) / k**1.5 for k in range(1, 6))
    return at_level(air + at_level(np.asarray(blades), -29.0), -20.0)


def key_stroke(rate: int, strength: float, rng: np.random.Generator) -> Signal:
    """One key going down: a snap of a few milliseconds, ringing plastic, and the thump of the desk."""
    t = np.arange(round(0.09 * rate)) / rate
    x = 0.9 * rng.standard_normal(len(t)) * np.exp(-t / 0.0016)
    for low, high, decay, share in ((1_700, 2_600, 0.006, 0.5), (3_200, 5_200, 0.004, 0.4), (130, 210, 0.018, 0.35)):
        x += share * np.sin(2.0 * np.pi * rng.uniform(low, high) * t + rng.uniform(0.0, 6.0)) * np.exp(-t / decay)
    return strength * x


def keyboard(n: int, rate: int, rng: np.random.Generator) -> tuple[Signal, Signal]:
    """Typing, left and right: bursts of strokes, each key at its place and released 50 to 110 ms later; at
    −20 dBFS in all."""
    sides = (np.zeros(n), np.zeros(n))
    at = 0.12
    while at < n / rate - 0.3:
        place, strength = rng.uniform(0.35, 0.65), rng.uniform(0.5, 1.0)
        release = at + rng.uniform(0.050, 0.110)
        for when, sound in ((at, key_stroke(rate, strength, rng)), (release, key_stroke(rate, 0.3 * strength, rng))):
            for side, share, away in ((sides[0], 1.0 - place, place), (sides[1], place, 1.0 - place)):
                start = round((when + 0.0004 * away) * rate)
                side[start : start + len(sound)] += share * sound
        at += rng.uniform(0.09, 0.22) if rng.random() < 0.8 else rng.uniform(0.3, 0.55)
    scale = 10.0 ** ((-20.0 - rms_db(np.stack(sides))) / 20.0)
    return sides[0] * scale, sides[1] * scale


BABBLE = [
    (BELL, "We could take the early train and walk along the river before the others arrive at the hotel."),
    (CARL, "My brother painted the kitchen twice, because the first green looked like pea soup in the evening."),
    (DEAN, "Nobody told me that the cafeteria closes at two, so I had crisps and an apple for lunch again."),
    (ELSA, "The new bicycle lane ends at the bridge, and then you have to push it up the stairs yourself."),
    (FINN, "If the weather holds we will put the long table outside and light the lanterns after dinner."),
    (Speaker("en-us+f3", 50, 172), "She keeps three clocks in the hall, and every one of them shows another time of day."),
]


def babble(n: int, rate: int, rng: np.random.Generator) -> Signal:
    """Six people talking at once across a room, without a pause, at −20 dBFS."""
    length = round(n / rate * VOICE_RATE)
    x = np.zeros(length)
    for speaker, text in BABBLE:
        said = at_level(speak(speaker, text, rng), -20.0 + rng.uniform(-2.0, 2.0))
        said = np.tile(said, 2 + length // len(said))[rng.integers(0, len(said)) :][:length]
        x += said
    return at_level(resample_poly(room(x, rng, direct_db=3.0, decay_s=0.4), rate, VOICE_RATE)[:n], -20.0)


def moving_hiss(n: int, rate: int, levels: list[tuple[float, float]], rng: np.random.Generator) -> Signal:
    """White hiss whose level follows the points (second, dBFS), straight in dB between them."""
    times, dbfs = zip(*levels)
    gain = 10.0 ** (np.interp(np.arange(n) / rate, times, dbfs) / 20.0)
    return rng.standard_normal(n) * gain


def to_snr(noise: Signal, voice: Signal, rate: int, snr_db: float) -> Signal:
    """The noise, brought to the given distance below the voice, both measured where the voice speaks."""
    spans = speech_spans(voice, rate)
    have = speech_level(voice, rate) - rms_db(within(noise, spans, rate))
    return noise * 10.0 ** ((have - snr_db) / 20.0)


# --- The samples ----------------------------------------------------------------------------------------------


@dataclass
class Sample:
    """One noisy file, with what is known about it."""

    name: str
    rate: int
    bits: int
    shows: str
    expect: dict[str, float | list[float]]
    """What the engine with model `rnnoise` and default settings does to it; see the head of the manifest."""
    onset_below_speech_db: float = 20.0
    reference_bits: int | None = 16
    """None: no reference file."""
    reference_of: str | None = None
    """The sample whose reference file is this one's too."""
    gains: list[float] = field(default_factory=lambda: [1.0])
    """The voice's gain in each channel; the reference is the voice before them."""
    voice: Signal = field(default_factory=lambda: np.zeros(0))
    noisy: Signal = field(default_factory=lambda: np.zeros(0))
    """Frames by channels."""

    @property
    def file(self) -> str:
        """The noisy file's name."""
        return f"{self.name}.wav"

    @property
    def reference(self) -> str | None:
        """The clean file's name."""
        if self.reference_bits is None:
            return None
        return f"{self.reference_of or self.name}.ref.wav"

    def mix(self, voice: Signal, *noises: Signal) -> Sample:
        """Puts the voice together with one noise per channel."""
        self.voice = voice
        self.noisy = np.stack([gain * voice + noise for gain, noise in zip(self.gains, noises)], axis=1)
        return self

    def snr_db(self) -> float:
        """Voice to noise where the voice speaks, over all channels."""
        spans = speech_spans(self.voice, self.rate)
        pairs = [(g * self.voice, self.noisy[:, c] - g * self.voice) for c, g in enumerate(self.gains)]
        power = [sum(np.mean(within(x[i], spans, self.rate) ** 2) for x in pairs) for i in (0, 1)]
        return 10.0 * float(np.log10(power[0] / power[1]))


FAN_PHRASES = [
    Phrase(0.55, ANNA, "Can you hear me over the fan?"),
    Phrase(2.75, ANNA, "I moved the desk to the window."),
]


def fan_hum(rng: np.random.Generator) -> Sample:
    """A desk beside a fan, with a ground loop in the cable."""
    sample = Sample(
        "fan-hum-48k", 48_000, 16,
        shows="A voice beside a desk fan, with mains hum on the cable: steady noise, the easy case.",
        expect=EXPECT["fan-hum-48k"],
    )
    voice = recite(FAN_PHRASES, 5.0, sample.rate, -26.0, rng)
    noise = fan(len(voice), sample.rate, rng) + at_level(mains_hum(len(voice), sample.rate, rng), -25.0)
    return sample.mix(voice, to_snr(noise, voice, sample.rate, 8.0))


def near_clean(rng: np.random.Generator, like: Sample) -> Sample:
    """The same words with hardly any noise."""
    sample = Sample(
        "near-clean-48k", 48_000, 16,
        shows="The same words 35 dB above faint room noise: a good recording, which is to be left as it is.",
        expect=EXPECT["near-clean-48k"],
        reference_of=like.name,
    )
    noise = coloured(len(like.voice), sample.rate, 3.0, rng)
    return sample.mix(like.voice, to_snr(noise, like.voice, sample.rate, 35.0))


def typing(rng: np.random.Generator) -> Sample:
    """Somebody takes minutes; the voice sits to the left."""
    sample = Sample(
        "keyboard-stereo-44k1", 44_100, 16,
        shows="A voice left of the middle and somebody typing: short clicks, which are hard, and two channels "
        "in which the voice has to stay where it is.",
        expect=EXPECT["keyboard-stereo-44k1"],
        gains=[0.9, 0.4],
    )
    phrases = [
        Phrase(0.5, CARL, "Sorry, I am still typing the minutes."),
        Phrase(3.1, CARL, "Go on, I am listening."),
    ]
    voice = recite(phrases, 5.0, sample.rate, -25.0, rng)
    left, right = keyboard(len(voice), sample.rate, rng)
    sides = [
        0.16 * side + at_level(coloured(len(voice), sample.rate, 3.0, rng), -46.0) for side in (left, right)
    ]
    return sample.mix(voice, *sides)


def party(rng: np.random.Generator) -> Sample:
    """One voice before many."""
    sample = Sample(
        "babble-16k", 16_000, 16,
        shows="A voice in front of six others: noise that is speech itself, where a small model can do little.",
        expect=EXPECT["babble-16k"],
    )
    phrases = [
        Phrase(0.6, ELSA, "The plan is on page three, right below the chart."),
        Phrase(4.0, ELSA, "Please read it before we meet on Monday."),
    ]
    voice = recite(phrases, 7.0, sample.rate, -26.0, rng)
    return sample.mix(voice, to_snr(babble(len(voice), sample.rate, rng), voice, sample.rate, 5.0))


def phone(rng: np.random.Generator) -> Sample:
    """A narrow line whose hiss comes and goes."""
    sample = Sample(
        "phone-8k", 8_000, 16,
        shows="A telephone line, 300 to 3400 Hz, with hiss that swells and falls back.",
        expect=EXPECT["phone-8k"],
    )
    phrases = [
        Phrase(0.7, DEAN, "Hello, this is the front desk."),
        Phrase(3.2, DEAN, "Your parcel is here. We keep it until Friday."),
    ]
    line = butter(4, [300.0, 3_400.0], "band", fs=sample.rate, output="sos")
    voice = sosfilt(line, recite(phrases, 7.0, sample.rate, -22.0, rng))
    voice *= 10.0 ** ((-24.0 - speech_level(voice, sample.rate)) / 20.0)
    levels = [(0.0, -46.0), (1.5, -46.0), (3.0, -34.0), (4.5, -34.0), (5.5, -42.0), (7.0, -42.0)]
    hiss = sosfilt(line, moving_hiss(len(voice), sample.rate, levels, rng))
    return sample.mix(voice, hiss)


def quiet(rng: np.random.Generator) -> Sample:
    """Few words, far from the microphone."""
    sample = Sample(
        "hiss-48k-24bit", 48_000, 24,
        shows="A quiet voice, long pauses and hiss of changing level in 24 bits: whether words begin whole after silence.",
        expect=EXPECT["hiss-48k-24bit"],
    )
    phrases = [
        Phrase(0.9, BELL, "Shall we start?"),
        Phrase(2.75, BELL, "Fine."),
        Phrase(4.2, BELL, "Take the seat at the back."),
    ]
    voice = recite(phrases, 6.0, sample.rate, -40.0, rng)
    levels = [(0.0, -62.0), (2.0, -62.0), (2.6, -54.0), (3.6, -54.0), (4.1, -58.0), (6.0, -58.0)]
    return sample.mix(voice, moving_hiss(len(voice), sample.rate, levels, rng))


ONSET_WORDS = """
    seven fish paper table coffee house shadow cheese summer forest
    pocket tiger kitten hammer sugar thunder silver father pencil tunnel
    candle honey shoulder chapter sailor feather picture towel castle heaven
    shelter thousand simple finger people tailor cabin hotel shower church
    basket doctor garden morning number letter river window valley yellow
    sister fever parcel ticket
""".split()
"""Half of them begin without voicing: s, f, p, t, k, h, sh, ch, th. Those are the beginnings that a gate loses."""


def onsets(rng: np.random.Generator) -> Sample:
    """Many words, one at a time."""
    sample = Sample(
        "onsets-16k", 16_000, 8,
        shows="Single words between pauses, in 8 bits: many beginnings, most of them voiceless, for the gate.",
        expect=EXPECT["onsets-16k"],
        reference_bits=None,
    )
    speakers = (ANNA, CARL, BELL, DEAN)
    pieces = [np.zeros(round(0.6 * VOICE_RATE))]
    for i, word in enumerate(ONSET_WORDS):
        said = at_level(speak(speakers[i % len(speakers)], word, rng), -20.0)
        pieces += [said, np.zeros(round(rng.uniform(0.62, 0.82) * VOICE_RATE))]
    voice = room(np.concatenate(pieces), rng, direct_db=16.0, decay_s=0.2)
    voice = resample_poly(voice, sample.rate, VOICE_RATE, window=("kaiser", 9.0))
    voice = at_level(voice, -20.0 + rms_db(voice) - speech_level(voice, sample.rate))
    noise = coloured(len(voice), sample.rate, 3.0, rng)
    return sample.mix(voice, to_snr(noise, voice, sample.rate, 20.0))


# Ranges, a little wider than what `cargo test -p sourdine-cli --test samples -- --nocapture` measured.
EXPECT: dict[str, dict[str, float | list[float]]] = {
    "fan-hum-48k": {
        "noise_attenuation_db": [19.0, 24.5],
        "si_sdr_gain_db_min": 4.0,
        "speech_loss_db_max": 1.0,
        "voiced_share": [0.49, 0.69],
    },
    "near-clean-48k": {
        "noise_attenuation_db": [8.0, 16.0],
        "si_sdr_gain_db_min": -16.0,
        "speech_loss_db_max": 0.3,
        "voiced_share": [0.5, 0.7],
    },
    "keyboard-stereo-44k1": {
        "noise_attenuation_db": [7.0, 12.0],
        "si_sdr_gain_db_min": 4.5,
        "speech_loss_db_max": 0.7,
        "voiced_share": [0.49, 0.69],
    },
    "babble-16k": {
        "noise_attenuation_db": [6.0, 12.0],
        "si_sdr_gain_db_min": 3.0,
        "speech_loss_db_max": 1.4,
        "voiced_share": [0.5, 0.7],
    },
    "phone-8k": {
        "noise_attenuation_db": [12.0, 17.5],
        "si_sdr_gain_db_min": 0.8,
        "speech_loss_db_max": 0.7,
        "voiced_share": [0.35, 0.55],
    },
    "hiss-48k-24bit": {
        "noise_attenuation_db": [7.0, 12.5],
        "si_sdr_gain_db_min": 2.8,
        "speech_loss_db_max": 0.4,
        "voiced_share": [0.32, 0.52],
    },
    "onsets-16k": {
        "noise_attenuation_db": [20.0, 30.0],
        "voiced_share": [0.25, 0.45],
    },
}


def make_all() -> list[Sample]:
    """All samples. Each has its own random numbers, so that one can change without the others."""

    def draw(make: Callable[..., Sample], *others: Sample) -> Sample:
        return make(np.random.default_rng([SEED, *make.__name__.encode()]), *others)

    fan_sample = draw(fan_hum)
    rest = [draw(make) for make in (typing, party, phone, quiet)]
    return [fan_sample, *rest, draw(near_clean, fan_sample), draw(onsets)]


# --- Files ----------------------------------------------------------------------------------------------------


def write_wav(path: Path, x: Signal, rate: int, bits: int) -> None:
    """Writes integer PCM. 8 bits get a triangular dither, so that soft sounds stay noise-like."""
    if np.max(np.abs(x)) >= 0.99:
        raise ValueError(f"{path.name} would clip")
    steps = x * 2.0 ** (bits - 1)
    if bits == 8:
        dither = np.random.default_rng(SEED)
        steps = steps + dither.random(x.shape) - dither.random(x.shape)
    whole = np.clip(np.round(steps), -(2 ** (bits - 1)), 2 ** (bits - 1) - 1).astype(np.int32)
    subtype = "PCM_U8" if bits == 8 else f"PCM_{bits}"
    soundfile.write(path, whole << (32 - bits), rate, subtype=subtype)


MANIFEST_HEAD = """\
# The samples: what each shows and what is known about it. Written by make.py; do not edit.
#
# file, reference   Noisy file; the clean voice in it, where that is kept. The reference is mono: channel c of the
#                   file is `gains[c]` times the reference, plus noise.
# snr_db            Voice to noise while the voice speaks, over all channels.
# speech            Seconds [begin, end] in which the clean voice speaks (20 ms levels less than 35 dB below its
#                   loud ones; gaps under 0.2 s included).
# pauses            The rest, from 150 ms after speech to 50 ms before it.
# onsets            Seconds at which speech begins after 0.3 s without: the first 5 ms in which the clean voice is
#                   less than `onset_below_speech_db` below its level over `speech`.
#
# expect            What comes of it with the model `rnnoise` and a limit of 24 dB, output aligned to input:
#   noise_attenuation_db  [least, most] fall of the level over `pauses`, all channels together. Includes the rounding
#                         to the file's bits: with 8, what is left of the noise mostly rounds to silence.
#   si_sdr_gain_db_min    Least gain in SI-SDR against the reference over the whole file, mean of the channels.
#                         Negative: it may lose that much.
#   speech_loss_db_max    Most that the voice itself is turned down over `speech`: with s the reference and y the
#                         output in a channel of gain g, 20·log10(g·<s,s>/<y,s>); the worst channel.
#   voiced_share          [least, most] share of frames decided to be voice.
"""


def toml_value(value: object) -> str:
    """A value as TOML."""
    match value:
        case dict():
            return "{ " + ", ".join(f"{k} = {toml_value(v)}" for k, v in value.items()) + " }"
        case list() | tuple():
            return "[" + ", ".join(toml_value(v) for v in value) + "]"
        case float():
            return repr(round(value, 3))
        case _:
            return json.dumps(value, ensure_ascii=False)


def manifest(samples: list[Sample]) -> str:
    """The text of `manifest.toml`."""
    out = io.StringIO()
    out.write(MANIFEST_HEAD)
    out.write(f'\nespeak_ng = "{espeak_version()}"\nseed = {SEED}\n')
    for s in samples:
        seconds = len(s.voice) / s.rate
        speech = speech_spans(s.voice, s.rate)
        entries: dict[str, object] = {"file": s.file}
        if s.reference:
            entries["reference"] = s.reference
        entries |= {
            "shows": s.shows,
            "rate": s.rate,
            "channels": len(s.gains),
            "bits": s.bits,
            "seconds": seconds,
            "gains": s.gains,
            "snr_db": round(s.snr_db(), 1),
            "speech": speech,
            "pauses": pause_spans(speech, seconds),
            "onset_below_speech_db": s.onset_below_speech_db,
            "onsets": speech_onsets(s.voice, s.rate, s.onset_below_speech_db),
            "expect": s.expect,
        }
        out.write("\n[[sample]]\n" + "".join(f"{k} = {toml_value(v)}\n" for k, v in entries.items()))
    return out.getvalue()


def write_all(folder: Path) -> None:
    """Writes every file into `folder`."""
    samples = make_all()
    for s in samples:
        write_wav(folder / s.file, s.noisy, s.rate, s.bits)
        if s.reference_bits is not None and s.reference_of is None:
            write_wav(folder / f"{s.name}.ref.wav", s.voice, s.rate, s.reference_bits)
    (folder / "manifest.toml").write_text(manifest(samples), encoding="utf-8")


def check(tolerance: float) -> list[str]:
    """What differs between the files here and newly made ones; empty if nothing does."""
    problems = []
    with tempfile.TemporaryDirectory() as name:
        fresh = Path(name)
        write_all(fresh)
        for path in sorted(fresh.glob("*.wav")):
            if not (HERE / path.name).exists():
                problems.append(f"{path.name}: missing")
                continue
            a, b = soundfile.SoundFile(path), soundfile.SoundFile(HERE / path.name)
            kind = [(f.samplerate, f.channels, f.subtype, f.frames) for f in (a, b)]
            if kind[0] != kind[1]:
                problems.append(f"{path.name}: {kind[1]}, newly made {kind[0]}")
                continue
            # A difference of a rounding step is allowed in every format.
            allowed = max(tolerance, 1.01 * 2.0 ** (1 - int(a.subtype.split("_")[1].lstrip("SU"))))
            worst = float(np.max(np.abs(a.read() - b.read())))
            if worst > allowed:
                problems.append(f"{path.name}: samples differ by up to {worst:.6f}")
        for path in HERE.glob("*.wav"):
            if not (fresh / path.name).exists() and not path.name.endswith(".clean.wav"):
                problems.append(f"{path.name}: not made by this script")
        ours, theirs = (tomllib.loads((d / "manifest.toml").read_text("utf-8")) for d in (HERE, fresh))
        versions = (ours.pop("espeak_ng"), theirs.pop("espeak_ng"))
        if not problems and ours != theirs:
            problems.append("manifest.toml: differs")
        if problems and versions[0] != versions[1]:
            problems.append(f"the files were made with espeak-ng {versions[0]}, here is {versions[1]}: it may speak otherwise")
    return problems


def main() -> int:
    """The command line; the exit status."""
    parser = argparse.ArgumentParser(description="Makes the noisy samples, their references and manifest.toml.")
    parser.add_argument("--check", action="store_true", help="compare with the files here instead of writing them")
    parser.add_argument(
        "--tolerance", type=float, default=1e-4,
        help="with --check: the largest difference of a sample, full scale 1 (default %(default)s). Other versions "
        "of espeak-ng may speak otherwise, with another length; then the check says so and fails.",
    )
    parser.add_argument("--output", type=Path, default=HERE, metavar="FOLDER", help="write here (default: beside the script)")
    args = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        print("espeak-ng is not on the PATH; on Debian: apt-get install espeak-ng", file=sys.stderr)
        return 2
    if args.check:
        problems = check(args.tolerance)
        print("\n".join(problems) or "the files here are what the script makes")
        return 1 if problems else 0
    args.output.mkdir(parents=True, exist_ok=True)
    write_all(args.output)
    return 0


if __name__ == "__main__":
    sys.exit(main())
