"""Many files on threads: every source, resumed, and what is said about items that fail."""

from __future__ import annotations

import io
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sourdine
from sourdine.batch import COLUMNS, RESULTS, clean_item, plan, run
from sourdine.batch.__main__ import main


def recording(number: int, seconds: float = 0.5) -> np.ndarray:
    return np.random.default_rng(number).normal(0, 2000, int(16_000 * seconds)).astype(np.int16)


def make_folder(folder: Path, files: int, seconds: float = 0.5) -> list[str]:
    """Files in two folders, one of them broken."""
    names = []
    for number in range(files):
        name = f"{'ab'[number % 2]}/{number:04}.wav"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        sourdine.write(folder / name, recording(number, seconds), 16_000)
        names.append(name)
    (folder / "a/broken.wav").write_bytes(b"RIFF of nothing")
    (folder / "notes.txt").write_text("not sound")
    return names


def make_tar(path: Path, source: Path, names: list[str]) -> None:
    with tarfile.open(path, "w") as tar:
        for number, name in enumerate([*names, "a/broken.wav"]):
            for ending, content in (("wav", (source / name).read_bytes()), ("txt", f"text {number}".encode())):
                about = tarfile.TarInfo(f"{number:04}.{ending}")
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))


def make_parquet(path: Path, source: Path, names: list[str]) -> None:
    pa = pytest.importorskip("pyarrow")
    import pyarrow.parquet as pq

    audio = [{"bytes": (source / name).read_bytes(), "path": name} for name in [*names, "a/broken.wav"]]
    texts = [f"text {number}" for number in range(len(audio))]
    table = pa.table({"text": texts, "audio": audio}).replace_schema_metadata({"huggingface": "{}"})
    pq.write_table(table, path)


def rows(output: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (output / RESULTS).read_text().splitlines()]


def expected(path: Path) -> bytes:
    """The bytes of the file cleaned on its own."""
    output = path.with_name(f"{path.stem}.expected.wav")
    sourdine.clean_file(path, output, overwrite=True)
    content = output.read_bytes()
    output.unlink()
    return content


def leftovers(folder: Path) -> list[Path]:
    return [path for path in folder.rglob(".*") if path.is_file()]


def check_folder(source: Path, output: Path, names: list[str]) -> None:
    """Exactly one output a file with the right bytes, one row each, and nothing else."""
    found = sorted(str(path.relative_to(output)) for path in output.rglob("*.wav"))
    assert found == sorted(names)
    for name in names[:: max(1, len(names) // 8)]:
        assert (output / name).read_bytes() == expected(source / name)
    told = rows(output)
    by_input = {row["input"]: row for row in told}
    assert len(told) == len(by_input) == len(names) + 1, "a row for each file, one only"
    for name in names:
        assert by_input[str(source / name)]["status"] in ("cleaned", "skipped")
    failed = by_input[str(source / "a/broken.wav")]
    assert failed["status"] == "failed" and "broken.wav" in failed["error"]
    assert not leftovers(output)


@pytest.fixture
def source(tmp_path: Path) -> tuple[Path, list[str]]:
    return tmp_path / "in", make_folder(tmp_path / "in", 10)


def test_a_folder(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    output = tmp_path / "out"
    told: list[tuple[int, int]] = []
    summary = run(folder, output, workers=2, progress=lambda row, done, total: told.append((done, total)))
    assert (summary.cleaned, summary.skipped, summary.failed) == (10, 0, 1)
    assert told == [(done, 11) for done in range(1, 12)]
    check_folder(folder, output, names)
    assert set(rows(output)[0]) == {"input", "item", "output", *COLUMNS}
    summary = run(folder, output)
    assert (summary.cleaned, summary.skipped, summary.failed) == (0, 10, 1)
    check_folder(folder, output, names)
    (output / names[3]).unlink()
    assert run(folder, output).cleaned == 1
    check_folder(folder, output, names)


def test_an_output_inside_the_input(source: tuple[Path, list[str]]) -> None:
    folder, _ = source
    for _ in range(2):
        summary = run(folder, folder / "out")
        assert summary.cleaned + summary.skipped == 10


def test_patterns_and_files(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, _ = source
    tasks = plan(f"{folder}/**/000*.wav", tmp_path / "out")
    assert [task.output for task in tasks][:2] == [str(tmp_path / "out/a/0000.wav"), str(tmp_path / "out/a/0002.wav")]
    assert plan(folder / "a/0000.wav", tmp_path / "out")[0].output == str(tmp_path / "out/0000.wav")
    for wrong in ("none", f"{folder}/*.xyz"):
        with pytest.raises(FileNotFoundError):
            plan(wrong, tmp_path / "out")
    with pytest.raises(ValueError, match="is an input"):
        plan(folder, folder)
    (folder / "a/0000.mp3").write_bytes(b"")
    with pytest.raises(ValueError, match="both"):
        plan(folder, tmp_path / "out")


def test_a_manifest(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    elsewhere = tmp_path / "elsewhere.wav"
    shutil.copy(folder / names[0], elsewhere)
    listed = [*names, "a/broken.wav", str(elsewhere)]
    lines = [json.dumps({"audio_filepath": name, "duration": 0.5, "text": "é"}) for name in listed]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")
    output = tmp_path / "out"
    summary = run(folder / "train.jsonl", output)
    assert (summary.cleaned, summary.failed) == (11, 1)
    written = [json.loads(line) for line in (output / "train.jsonl").read_text().splitlines()]
    assert [entry["audio_filepath"] for entry in written] == [*names, "elsewhere.wav"]
    assert all((output / entry["audio_filepath"]).is_file() and entry["text"] == "é" for entry in written)
    (folder / "bad.jsonl").write_text('{"audio_filepath": "a.wav"}\n{"audio": "b.wav"}\n')
    with pytest.raises(ValueError, match="bad.jsonl, line 2: has no `audio_filepath`"):
        run(folder / "bad.jsonl", output)


def test_parquet(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    make_parquet(tmp_path / "train.parquet", folder, names)
    import pyarrow.parquet as pq

    output = tmp_path / "out"
    summary = run(tmp_path / "train.parquet", output)
    assert (summary.cleaned, summary.failed) == (10, 1)
    table = pq.read_table(output / "train.parquet")
    assert table.schema.metadata[b"huggingface"] == b"{}"
    assert table.column("text").to_pylist() == [f"text {number}" for number in range(11)]
    audio, told = table.column("audio").to_pylist(), table.column("sourdine").to_pylist()
    assert audio[0] == {"bytes": expected(folder / names[0]), "path": os.path.basename(names[0])}
    assert audio[10]["bytes"] is None and told[10]["status"] == "failed" and "broken" in told[10]["error"]
    assert told[0]["status"] == "cleaned" and told[0]["seconds"] == 0.5
    assert len(rows(output)) == 11
    summary = run(tmp_path / "train.parquet", output)
    assert (summary.cleaned, summary.skipped, summary.failed) == (0, 10, 1) and len(rows(output)) == 11
    failed = run(output / "train.parquet", tmp_path / "again")
    assert failed.failed == 1 and "cleaned before" in rows(tmp_path / "again")[0]["error"]


def test_webdataset(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    make_tar(tmp_path / "0.tar", folder, names)
    output = tmp_path / "out"
    summary = run(f"{tmp_path}/*.tar", output)
    assert (summary.cleaned, summary.failed) == (10, 1)
    with tarfile.open(output / "0.tar") as tar:
        content = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    assert content["0000.wav"] == expected(folder / names[0])
    assert content["0007.txt"] == b"text 7" and "0010.wav" not in content and content["0010.txt"] == b"text 10"
    assert json.loads(content["0003.sourdine.json"])["status"] == "cleaned"
    assert json.loads(content["0010.sourdine.json"])["status"] == "failed"
    (tmp_path / "torn.tar").write_bytes((tmp_path / "0.tar").read_bytes()[:40_000])
    summary = run(tmp_path / "torn.tar", output)
    assert summary.failed == 1 and not (output / "torn.tar").exists() and not leftovers(output)


def test_items_are_pure_and_never_raise(samples: Path) -> None:
    content = (samples / "phone-8k.wav").read_bytes()
    item = clean_item(content, name="x/phone.mp3")
    assert item.name == "phone.wav" and item.columns["status"] == "cleaned"
    assert pickle.loads(pickle.dumps(item)) == item and pickle.loads(pickle.dumps(clean_item)) is clean_item
    audio, rate = sourdine.read(samples / "phone-8k.wav", dtype="int16")
    from_array = clean_item(audio, sample_rate=rate)
    assert isinstance(from_array.audio, np.ndarray)
    assert np.array_equal(from_array.audio, sourdine.denoise(audio, rate))
    assert from_array.columns["seconds"] == item.columns["seconds"]
    flac = clean_item(content, name="phone.flac")
    assert isinstance(flac.audio, bytes) and flac.audio[:4] == b"fLaC"
    wrong = [clean_item(b""), clean_item(audio), clean_item(audio.astype(np.int64), sample_rate=rate)]
    assert all(item.audio is None and item.columns["status"] == "failed" and item.columns["error"] for item in wrong)


def test_the_command(source: tuple[Path, list[str]], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, names = source
    command = ["clean", str(folder), str(tmp_path / "out"), "--workers", "2", "--model", "sourdine-lite"]
    assert main(command) == 2
    told = capsys.readouterr()
    assert "10 cleaned, 0 skipped, 1 failed" in told.out and "broken.wav" in told.err
    assert main(["clean", "none", str(tmp_path / "out")]) == 1
    assert "no such file" in capsys.readouterr().err
    assert main([*command[:3], "--model", "none"]) == 1
    (folder / "a/broken.wav").unlink()
    assert main(command) == 0
    with pytest.raises(SystemExit):
        main([*command, "--attenuation-limit", "-3"])


@pytest.mark.parametrize("kind", ["folder", "parquet", "tar"])
def test_killed_and_resumed(kind: str, tmp_path: Path) -> None:
    folder, output = tmp_path / "in", tmp_path / "out"
    names = make_folder(folder, 40, seconds=20)
    if kind == "folder":
        given = folder
    else:
        given = tmp_path / "shards"
        given.mkdir()
        make = make_parquet if kind == "parquet" else make_tar
        for shard in range(8):
            make(given / f"{shard}.{kind}", folder, names[shard::8])
    command = [sys.executable, "-m", "sourdine.batch", "clean", str(given), str(output), "--workers", "2"]
    killed = 0
    for wait in (0.7, 0.5, 0.3):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            child.wait(timeout=wait)
        except subprocess.TimeoutExpired:
            child.send_signal(signal.SIGKILL)
            child.wait()
            killed += 1
        if output.exists():
            complete = [path for path in output.rglob("*.wav")]
            assert all(sourdine.read(path)[0].shape == (320_000,) for path in complete), "half-written"
    assert killed > 0, "the runs were too short to be killed"
    assert subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 2
    if kind == "folder":
        check_folder(folder, output, names)
        return
    shards = [path.name for path in output.iterdir() if not path.name.startswith("sourdine-")]
    assert sorted(shards) == [f"{shard}.{kind}" for shard in range(8)]
    told = rows(output)
    assert len({(row["input"], row["item"]) for row in told}) == len(told) == 8 * 6
    assert [row["status"] for row in told].count("failed") == 8
    assert not leftovers(output)


def test_other_settings_want_another_folder(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, _ = source
    run(folder, tmp_path / "out")
    with pytest.raises(ValueError, match="attenuation_limit_db 60.0 and not 6.0.*name another folder"):
        run(folder, tmp_path / "out", settings=sourdine.Settings(attenuation_limit_db=6))
    assert run(folder, tmp_path / "out").skipped == 10


def test_sources_share_a_folder(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    (tmp_path / "more").mkdir()
    shutil.copy(folder / names[0], tmp_path / "more/other.wav")
    run(folder, tmp_path / "out")
    run(tmp_path / "more", tmp_path / "out")
    told = rows(tmp_path / "out")
    assert len(told) == 12 and told[-1]["input"].endswith("other.wav")


def test_a_tar_with_two_sounds_of_a_key(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    sourdine.write(tmp_path / "a.flac", recording(1), 16_000)
    with tarfile.open(tmp_path / "in.tar", "w") as tar:
        tar.add(folder / names[0], "k.wav")
        tar.add(tmp_path / "a.flac", "k.flac")
    run(tmp_path / "in.tar", tmp_path / "out")
    with tarfile.open(tmp_path / "out/in.tar") as tar:
        assert tar.getnames() == ["k.wav", "k.sourdine.json", "k.flac", "k.flac.sourdine.json"]
    # One that becomes WAV has the name of one that is WAV.
    (tmp_path / "k.mp3").write_bytes((folder / names[0]).read_bytes())
    with tarfile.open(tmp_path / "mixed.tar", "w") as tar:
        tar.add(tmp_path / "k.mp3", "k.mp3")
        tar.add(folder / names[0], "k.wav")
    run(tmp_path / "mixed.tar", tmp_path / "out")
    with tarfile.open(tmp_path / "out/mixed.tar") as tar:
        assert tar.getnames() == ["k.wav", "k.sourdine.json", "k.wav.wav", "k.wav.sourdine.json"]
    # What was cleaned before is refused, as in Parquet.
    assert run(tmp_path / "out/in.tar", tmp_path / "again").failed == 1
    assert "was cleaned before" in rows(tmp_path / "again")[0]["error"]


def test_a_pattern_around_its_own_output(source: tuple[Path, list[str]]) -> None:
    folder, _ = source
    for _ in range(2):
        summary = run(str(folder / "**/*.wav"), folder / "out")
        assert summary.cleaned + summary.skipped == 10 and summary.failed == 1


def test_a_manifest_with_a_mark_and_one_that_is_no_text(source: tuple[Path, list[str]], tmp_path: Path) -> None:
    folder, names = source
    line = json.dumps({"audio_filepath": names[0]}) + "\n"
    (folder / "marked.jsonl").write_text("\ufeff" + line, encoding="utf-8")
    assert run(folder / "marked.jsonl", tmp_path / "out").cleaned == 1
    (folder / "wide.jsonl").write_text(line, encoding="utf-16")
    with pytest.raises(ValueError, match="wide.jsonl, line 1: not UTF-8"):
        plan(folder / "wide.jsonl", tmp_path / "out")


@pytest.mark.parametrize("given", [None, "a.wav", Path("a.wav"), io.BytesIO(b"")])
def test_an_item_of_no_kind_is_told(given: Any) -> None:
    assert "give the bytes of a sound file, or an array" in clean_item(given).columns["error"]


def test_an_items_rate_never_raises() -> None:
    for rate in (-1, 10**30, "x"):
        assert clean_item(np.zeros(10, np.float32), sample_rate=rate).columns["status"] == "failed"  # type: ignore[arg-type]
