"""What the tests share. `test.sh` says where the program and the samples are."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import sourdine

ROOT = Path(__file__).resolve().parents[3]
SAMPLES = ROOT / "samples"


@pytest.fixture(scope="session")
def samples() -> Path:
    return SAMPLES


@pytest.fixture(scope="session")
def program() -> Path:
    path = Path(os.environ.get("SOURDINE_PROGRAM", ROOT / "target/release/sourdine"))
    assert path.is_file(), f"{path} is missing; crates/python/test.sh builds it"
    return path


@pytest.fixture
def by_program(program: Path, tmp_path: Path) -> Callable[..., Path]:
    """Cleans a file by the program, without settings from elsewhere."""

    def clean(path: Path, *options: str) -> Path:
        output = tmp_path / "by-program" / path.name
        output.parent.mkdir(exist_ok=True)
        settings = {name: value for name, value in os.environ.items() if not name.startswith("SOURDINE_")}
        command = [str(program), "clean", str(path), "-o", str(output), "--quiet", "--force", *options]
        subprocess.run(command, check=True, env=settings, cwd=tmp_path)
        return output

    return clean


@pytest.fixture
def two_files(samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the examples name, which is the current one."""
    shutil.copy(samples / "phone-8k.wav", tmp_path / "phone.wav")
    shutil.copy(samples / "keyboard-stereo-44k1.wav", tmp_path / "stereo.wav")
    shutil.copy(samples / "fan-hum-48k.wav", tmp_path / "talk.wav")
    audio, rate = sourdine.read(samples / "babble-16k.wav", dtype="int16")
    sourdine.write(tmp_path / "other.flac", audio, rate)
    monkeypatch.chdir(tmp_path)
    return tmp_path
