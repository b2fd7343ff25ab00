"""`python -m sourdine.batch`."""

from __future__ import annotations

import argparse
import math
import sys

from .._settings import ATTENUATION_LIMIT_DB, Settings, models
from ._run import run
from ._tasks import Row


def _limit(text: str) -> float:
    try:
        value = math.inf if text == "off" else float(text)
    except ValueError:
        value = math.nan
    if not value >= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is no limit; give dB, 0 or more, or off")
    return value


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m sourdine.batch", description="Cleans many files.")
    commands = parser.add_subparsers(dest="command", required=True)
    clean = commands.add_parser(
        "clean",
        help="take the noise out of a folder, a glob pattern, a manifest, Parquet or WebDataset tars",
        description="Takes the noise out of everything in IN. Killed and run again, the same command does what is missing.",
        epilog="Exit codes: 0 done, 1 failed, 2 some items failed or wrong use, 130 interrupted.",
    )
    clean.add_argument(
        "input", metavar="IN", help="folder, pattern in quotes, JSONL manifest, Parquet, tar or sound file"
    )
    clean.add_argument("output", metavar="OUT", help="folder of the results")
    clean.add_argument(
        "--engine",
        choices=("threads", "ray"),
        default="threads",
        help="this process, or a Ray cluster (default: threads)",
    )
    clean.add_argument("--workers", type=int, metavar="N", help="files at a time (default: one per core)")
    names = ", ".join(model.name for model in models())
    clean.add_argument(
        "--model", default="sourdine", metavar="NAME|PATH", help=f"{names}, or a file of weights (default: sourdine)"
    )
    clean.add_argument(
        "--attenuation-limit",
        type=_limit,
        default=ATTENUATION_LIMIT_DB,
        metavar="DB",
        help="the most that any sound is attenuated; `off` for no limit (default: %(default)g)",
    )
    clean.add_argument("--gate", action="store_true", help="turn pauses down further")
    clean.add_argument(
        "--channels",
        choices=("linked", "separate"),
        default="linked",
        help="one mask for all channels, or one each (default: linked)",
    )
    clean.add_argument("--residue", action="store_true", help="write the removed sound instead")
    clean.add_argument("--quiet", action="store_true", help="print errors only")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit code: 0 done, 1 failed, 2 if some items failed, 130 if interrupted."""
    options = _parser().parse_args(arguments)

    # Clears the line of the counter.
    clear = "\r\x1b[K" if sys.stderr.isatty() and not options.quiet else ""

    def tell(row: Row, done: int, total: int) -> None:
        if row["status"] == "failed":
            error = row["error"] if row["item"] is None else f"{row['input']}, {row['item']}: {row['error']}"
            print(f"{clear}sourdine: {error}", file=sys.stderr)
        elif clear:
            print(f"{clear}{done} of {total} files", end="", file=sys.stderr, flush=True)

    try:
        settings = Settings(options.model, options.attenuation_limit, options.gate, options.channels, options.residue)
        summary = run(
            options.input,
            options.output,
            engine=options.engine,
            workers=options.workers,
            settings=settings,
            progress=tell,
        )
    except KeyboardInterrupt:
        print(f"{clear}sourdine: interrupted; the same command does what is missing", file=sys.stderr)
        return 130
    except (OSError, ValueError, ImportError) as error:
        print(f"sourdine: {error}", file=sys.stderr)
        return 1
    print(clear, end="", file=sys.stderr)
    if not options.quiet:
        print(f"{summary.cleaned} cleaned, {summary.skipped} skipped, {summary.failed} failed; see {summary.results}")
    if summary.failed:
        return 2 if summary.cleaned or summary.skipped else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
