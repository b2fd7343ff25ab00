"""The examples on Spark and Daft: every file a row, with the bits that `clean_file` writes, and its error where it has one."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import sourdine

EXAMPLES = Path(__file__).parent.parent / "examples"


@pytest.fixture
def folder(tmp_path: Path, samples: Path) -> Path:
    made = tmp_path / "in"
    (made / "sub").mkdir(parents=True)
    shutil.copy(samples / "fan-hum-48k.wav", made / "fan.wav")
    shutil.copy(samples / "phone-8k.wav", made / "sub" / "phone.wav")
    (made / "broken.wav").write_bytes(b"RIFF, and then nothing of the kind")
    return made


def check(example: str, folder: Path, output: Path) -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    done = subprocess.run(
        [sys.executable, EXAMPLES / example, folder, output],
        env=os.environ | {"PYSPARK_PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    rows = {Path(row["path"]).name: row for row in pq.read_table(output).to_pylist()}
    assert {name: row["status"] for name, row in rows.items()} == {
        "fan.wav": "cleaned",
        "phone.wav": "cleaned",
        "broken.wav": "failed",
    }
    assert "broken.wav" in rows["broken.wav"]["error"] and rows["broken.wav"]["audio"] is None
    for given in (folder / "fan.wav", folder / "sub" / "phone.wav"):
        wanted = folder.parent / given.name
        report = sourdine.clean_file(given, wanted)
        row = rows[given.name]
        assert row["audio"] == wanted.read_bytes()
        assert row["seconds"] == report.seconds and row["voiced_share"] == report.voiced_share


def test_spark(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("pyspark")
    if shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    check("with_spark.py", folder, tmp_path / "out.parquet")


def test_daft(folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("daft")
    check("with_daft.py", folder, tmp_path / "out")
