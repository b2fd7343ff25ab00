"""Recordings that Debian packages bring along, as a data folder: more speakers where recordings are few.

`apt-get install asterisk-core-sounds-{it,ru}-g722 festvox-ru gcin-voice` (and, for a tuning set that training may not
learn from, `asterisk-core-sounds-{en,es,fr}-g722`); G.722 is decoded by ffmpeg. Packages that are not installed are
skipped with a message. Prompts are joined to files of a minute.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from .voices import COLUMNS, LEVEL, bandwidth, join, record, trim


@dataclass(frozen=True)
class Voice:
    """One speaker: where the files of a package lie."""

    group: str
    speaker: str
    package: str
    root: str
    pattern: str
    licence: str
    leave_out: str = "silence"


_ASTERISK = "/usr/share/asterisk/sounds"
VOICES: tuple[Voice, ...] = (
    Voice("asterisk_by", "it_carlo", "asterisk-core-sounds-it-g722", f"{_ASTERISK}/it_IT_m_Carlo", "**/*.g722", "CC BY 3.0"),
    Voice("asterisk_by", "ru_ivrvoice", "asterisk-core-sounds-ru-g722", f"{_ASTERISK}/ru_RU_f_IvrvoiceRU", "**/*.g722", "CC BY 3.0"),
    Voice("festvox_ru", "nsh", "festvox-ru", "/usr/share/festival/voices/russian/msu_ru_nsh_clunits/wav", "*.wav", "BSD-like (Nickolay V. Shmyrev)"),
    Voice("gcin_zh", "chu_lo", "gcin-voice", "/usr/share/gcin-voice/ogg", "*/5.ogg", "CC BY 3.0"),
)
TUNING: tuple[Voice, ...] = (
    Voice("gcin_gpl", "edward_liu", "gcin-voice", "/usr/share/gcin-voice/ogg", "*/3.ogg", "GPL-3"),
    Voice("asterisk_sa", "en_allison", "asterisk-core-sounds-en-g722", f"{_ASTERISK}/en_US_f_Allison", "**/*.g722", "CC BY-SA 3.0"),
    Voice("asterisk_sa", "es_allison", "asterisk-core-sounds-es-g722", f"{_ASTERISK}/es_MX_f_Allison", "**/*.g722", "CC BY-SA 3.0"),
    Voice("asterisk_sa", "fr_june", "asterisk-core-sounds-fr-g722", f"{_ASTERISK}/fr_CA_f_June", "**/*.g722", "CC BY-SA 3.0"),
)


def decode(path: Path) -> tuple[np.ndarray, int]:
    """A recording as mono float32 and its rate."""
    if path.suffix != ".g722":
        x, rate = sf.read(path, dtype="float32", always_2d=True)
        return x.mean(1), rate
    with tempfile.TemporaryDirectory() as tmp:
        wav = Path(tmp) / "out.wav"
        subprocess.run(["ffmpeg", "-v", "error", "-i", str(path), str(wav)], check=True)
        return sf.read(wav, dtype="float32")


def make(root: Path, voices: tuple[Voice, ...] = VOICES, seconds: float = 1500.0) -> list[str]:
    """Writes the voices' files and their rows of MANIFEST.csv (others stay); returns why voices were skipped."""
    skipped = []
    for v in voices:
        files = sorted(f for f in Path(v.root).glob(v.pattern) if v.leave_out not in f.parts)
        if not files:
            skipped.append(f"{v.speaker}: {v.package} is not installed")
            continue
        rng = np.random.default_rng([ord(c) for c in v.speaker])
        parts, total, rate = [], 0.0, 0
        for k in rng.permutation(len(files)):
            x, rate = decode(files[k])
            x = trim(x, rate)
            if len(x) < 0.2 * rate:
                continue
            parts.append(x * min(LEVEL / np.sqrt(np.mean(x**2)), 0.99 / np.abs(x).max()))
            total += len(x) / rate
            if total > seconds:
                break
        rows = []
        for i, x in enumerate(join(parts, rate, rng)):
            rel = f"speech/{v.group}/{v.speaker}_{i:03d}.flac"
            (root / rel).parent.mkdir(parents=True, exist_ok=True)
            sf.write(root / rel, x, rate, subtype="PCM_16")
            rows.append((rel, v.group, v.speaker, "", round(len(x) / rate, 3), rate, bandwidth(x, rate), v.licence, v.package, v.pattern))
        record(root, [dict(zip(COLUMNS, r, strict=True)) for r in rows])
    return skipped
