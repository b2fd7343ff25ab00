"""Synthesised speech as a data folder: more voices where recordings are few.

Everything comes from the table `VOICES` and `sentences.py`, so the same engines make the same folder. Engines and
voices that are not installed are skipped with a message. Audio has the engine's own rate.
"""

from __future__ import annotations

import csv
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile as sf

from .sentences import SENTENCES

COLUMNS = ("path", "set", "speaker", "class", "seconds", "sample_rate", "bandwidth_hz", "licence", "source_repo", "source_file")
LEVEL = 0.08
FREE = "CMU/Festvox licence (BSD-like)"


@dataclass(frozen=True)
class Voice:
    """One speaker: an engine's voice at a rate (1 is normal) and a pitch (0 to 99, espeak-ng only)."""

    group: str
    engine: str
    voice: str
    language: str
    licence: str
    rate: float = 1.0
    pitch: int = 50
    encoding: str = "utf-8"

    @property
    def speaker(self) -> str:
        """Name of the speaker, good for a file name."""
        return f"{self.engine}_{self.voice}".replace("+", "_").replace("/", "_").lower()


def _espeak() -> list[Voice]:
    """Formant voices: every language once, each with another variant, pitch and rate."""
    variants = ("m1", "f1", "m3", "f2", "m5", "f4", "m7", "f5", "m2", "f3")
    return [
        Voice("tts_formant", "espeak-ng", f"{lang}+{variants[i % len(variants)]}", lang, "output of espeak-ng (program GPL-3+)", (0.85, 1.0, 1.15)[i % 3], 35 + 7 * (i % 5))
        for i, lang in enumerate(SENTENCES)
    ]


VOICES: tuple[Voice, ...] = (
    Voice("tts_unit", "flite", "kal16", "en", FREE),
    Voice("tts_statistical", "flite", "awb", "en", FREE),
    Voice("tts_statistical", "flite", "rms", "en", FREE),
    Voice("tts_statistical", "flite", "slt", "en", FREE),
    Voice("tts_unit", "festival", "kal_diphone", "en", FREE, 1.1),
    Voice("tts_unit", "festival", "ked_diphone", "en", FREE),
    Voice("tts_unit", "festival", "msu_ru_nsh_clunits", "ru", "BSD-like (Nickolay V. Shmyrev)"),
    Voice("tts_unit_sharealike", "festival", "lp_diphone", "it", "GPL-2+", encoding="iso-8859-1"),
    Voice("tts_unit_sharealike", "festival", "pc_diphone", "it", "GPL-2+", encoding="iso-8859-1"),
    Voice("tts_unit_sharealike", "festival", "czech_ph", "cs", "GPL-2+", encoding="iso-8859-2"),
    Voice("tts_unit_sharealike", "festival", "czech_dita", "cs", "GPL-3+", encoding="iso-8859-2"),
    Voice("tts_unit_sharealike", "festival", "czech_machac", "cs", "GPL-3+", encoding="iso-8859-2"),
    Voice("tts_unit_sharealike", "festival", "czech_krb", "cs", "GPL-3+", encoding="iso-8859-2"),
    Voice("tts_unit_sharealike", "festival", "suo_fi_lj_diphone", "fi", "LGPL-2.1+", encoding="iso-8859-1"),
    Voice("tts_unit_sharealike", "festival", "hy_fi_mv_diphone", "fi", "LGPL-2.1+", encoding="iso-8859-1"),
    Voice("tts_unit_sharealike", "festival", "hindi_NSK_diphone", "hi", "GPL-2+"),
    *_espeak(),
)


def _command(v: Voice, text: Path, wav: Path) -> list[str]:
    if v.engine == "espeak-ng":
        return ["espeak-ng", "-v", v.voice, "-p", str(v.pitch), "-s", str(round(165 * v.rate)), "-w", str(wav), "-f", str(text)]
    if v.engine == "flite":
        return ["flite", "-voice", v.voice, "--setf", f"duration_stretch={1 / v.rate}", "-f", str(text), "-o", str(wav)]
    return ["text2wave", "-eval", f"(begin (voice_{v.voice}) (Parameter.set 'Duration_Stretch {1 / v.rate}))", "-o", str(wav), str(text)]


def speak(v: Voice, text: str) -> tuple[np.ndarray, int]:
    """One sentence, or ValueError with what the engine said."""
    with tempfile.TemporaryDirectory() as tmp:
        source, wav = Path(tmp) / "text", Path(tmp) / "out.wav"
        source.write_bytes(text.encode(v.encoding, "ignore"))
        r = subprocess.run(_command(v, source, wav), capture_output=True, text=True, errors="replace")
        if r.returncode or not wav.exists() or wav.stat().st_size < 1000:
            raise ValueError((r.stderr.strip().splitlines() or ["no audio"])[-1])
        x, rate = sf.read(wav, dtype="float32", always_2d=True)
    return x.mean(1), rate


def trim(x: np.ndarray, rate: int, below_db: float = 40.0) -> np.ndarray:
    """Without the silence at the ends (60 ms of it stay)."""
    hop = rate // 100
    power = (x[: len(x) // hop * hop].reshape(-1, hop) ** 2).mean(1)
    if not power.any():
        return x[:0]
    on = np.flatnonzero(power > power.max() * 10 ** (-below_db / 10))
    return x[max(0, on[0] - 6) * hop : (on[-1] + 7) * hop]


def bandwidth(x: np.ndarray, rate: int, below_db: float = 72.0) -> int:
    """Upper edge of the highest 250-Hz band whose loud frames lie less than `below_db` under the strongest band's."""
    n = 1 << int(np.log2(rate * 0.06))
    frames = np.lib.stride_tricks.sliding_window_view(x, n)[:: n // 2] * scipy.signal.windows.blackmanharris(n)  # side lobes below -92 dB
    power = np.percentile(np.abs(np.fft.rfft(frames, axis=1)) ** 2, 98, axis=0)
    band = (np.fft.rfftfreq(n, 1 / rate) // 250).astype(int)
    level = np.array([power[band == k].max(initial=0) for k in range(int(rate / 2 // 250))])
    return int(250 * (1 + np.flatnonzero(level >= level.max() * 10 ** (-below_db / 10))[-1]))


def join(parts: list[np.ndarray], rate: int, rng: np.random.Generator, file_s: float = 60.0) -> list[np.ndarray]:
    """Sentences with 0.2 to 0.6 s between them, in pieces of at most `file_s`."""
    files: list[list[np.ndarray]] = [[]]
    for p in parts:
        gap = np.zeros(int(rng.uniform(0.2, 0.6) * rate), np.float32)
        if files[-1] and sum(map(len, files[-1])) + len(p) + len(gap) > file_s * rate:
            files.append([])
        files[-1] += [p, gap]
    return [np.concatenate(f) for f in files if f]


def make(root: Path, seconds: float = 90.0, voices: tuple[Voice, ...] = VOICES, speaker: Callable[[Voice, str], tuple[np.ndarray, int]] = speak) -> list[str]:
    """Writes the voices' files and their rows of MANIFEST.csv (others stay); returns why voices were skipped."""
    skipped = []
    for v in voices:
        program = "text2wave" if v.engine == "festival" else v.engine
        if speaker is speak and not shutil.which(program):
            skipped.append(f"{v.engine} {v.voice}: {program} is not installed")
            continue
        rng = np.random.default_rng([ord(c) for c in v.speaker])
        parts, total, rate, why = [], 0.0, 0, ""
        for k in rng.permutation(len(SENTENCES[v.language])):
            try:
                x, rate = speaker(v, SENTENCES[v.language][k])
            except ValueError as e:
                why = str(e)
                break
            x = trim(x, rate)
            if total + len(x) / rate + 0.6 > seconds:
                break
            parts.append(x)
            total += len(x) / rate + 0.6
        if why or total < 2:
            skipped.append(f"{v.engine} {v.voice}: {why or 'no speech'}")
            continue
        scale = LEVEL / np.sqrt(np.mean(np.concatenate(parts) ** 2))
        rows = []
        for i, x in enumerate(join(parts, rate, rng)):
            rel = f"speech/{v.group}/{v.speaker}_{i:03d}.flac"
            x = x * min(scale, 0.99 / np.abs(x).max())
            (root / rel).parent.mkdir(parents=True, exist_ok=True)
            sf.write(root / rel, x, rate, subtype="PCM_16")
            rows.append((rel, v.group, v.speaker, "", round(len(x) / rate, 3), rate, bandwidth(x, rate), v.licence, v.engine, v.voice))
        record(root, [dict(zip(COLUMNS, r, strict=True)) for r in rows])
    return skipped


def record(root: Path, rows: list[dict[str, object]]) -> None:
    """Adds rows to MANIFEST.csv in one step, in place of rows of the same path."""
    file, new = root / "MANIFEST.csv", root / ".MANIFEST.voices"
    paths = {r["path"] for r in rows}
    old: list[dict[str, object]] = []
    if file.exists():
        with open(file, newline="") as f:
            old = [r for r in csv.DictReader(f) if r["path"] not in paths]
    with open(new, "w", newline="") as f:
        w = csv.DictWriter(f, COLUMNS, extrasaction="ignore")
        w.writeheader()
        w.writerows(sorted(old + rows, key=lambda r: str(r["path"])))
    os.replace(new, file)
