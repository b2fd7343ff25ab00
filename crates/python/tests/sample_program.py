"""A program that uses all of the package; for type checkers; it is not run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import sourdine
from sourdine.batch import Item, Summary, clean_item, run


def arrays(floats: npt.NDArray[np.float32], integers: npt.NDArray[np.int16]) -> None:
    clean: npt.NDArray[np.float32] = sourdine.denoise(floats, 48_000)
    short: npt.NDArray[np.int16] = sourdine.denoise(integers, 16_000, model=Path("weights.bin"), gate=True)
    both: tuple[npt.NDArray[np.int16], sourdine.Report] = sourdine.denoise(
        integers, 44_100.0, attenuation_limit_db=None, channels="separate", return_report=True
    )
    segments: list[sourdine.Segment] = sourdine.vad([0.0, 0.1], 48_000, pad=0.1)
    seconds: float = sum(segment.end - segment.start for segment in segments)
    print(clean, short, both[1].mean_attenuation_db, seconds)


def streams(blocks: list[npt.NDArray[np.int16]]) -> int:
    detector = sourdine.VoiceDetector(48_000, 2, hangover_ms=200)
    with sourdine.Stream(48_000, 2, block=480, channel_mode="separate") as stream:
        for block in blocks:
            out: npt.NDArray[np.int16] = stream.process(block)
            if stream.report.voice and detector.process(out).probability > 0.5:
                print(stream.report.output_dbfs)
        stream.flush()
        stream.reset()
        return stream.latency


def files(paths: list[Path]) -> None:
    audio, rate = sourdine.read("talk.wav", dtype="int16")
    short: npt.NDArray[np.int16] = audio
    notices: list[str] = sourdine.write(Path("out.flac"), short, rate, overwrite=True)
    report: sourdine.FileReport = sourdine.clean_file("talk.wav", "out.wav", strict=True, progress=print)
    results: list[sourdine.FileResult] = sourdine.clean_files(paths, "out", workers=2, skip_existing=True)
    print(notices, report.voiced_share, [result.error for result in results])
    print([model.latency_ms for model in sourdine.models()], sourdine.__version__)


def batch(content: bytes) -> None:
    settings = sourdine.Settings(model="sourdine-lite", attenuation_limit_db=24)
    item: Item = clean_item(content, name="talk.wav", settings=settings)
    summary: Summary = run("in", "out", engine="ray", workers=4, settings=settings)
    print(item.columns["status"], summary.failed)
