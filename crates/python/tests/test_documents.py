"""The examples of the README and of the docstrings run, and the types hold."""

from __future__ import annotations

import doctest
import importlib
import importlib.metadata
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest
import sourdine

HERE = Path(__file__).resolve().parents[1]
EXAMPLES = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_readme(example: str, two_files: Path) -> None:
    for library in re.findall(r"^(?:import|from) (\w+)", example, re.MULTILINE):
        if library not in ("sourdine", "numpy", "pathlib"):
            pytest.importorskip(library)
    # As a program of its own: examples start processes and clusters.
    (two_files / "example.py").write_text(example)
    done = subprocess.run([sys.executable, "example.py"], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "module", ["", "._settings", "._audio", "._denoise", "._stream", "._files", ".batch", ".batch._item"]
)
def test_docstrings(module: str) -> None:
    named = importlib.import_module("sourdine" + module)
    assert doctest.testmod(named, optionflags=doctest.IGNORE_EXCEPTION_DETAIL).failed == 0
    for name in getattr(named, "__all__", []):
        thing = getattr(named, name)
        if inspect.isfunction(thing) or inspect.isclass(thing):
            assert thing.__doc__, f"{name} has no docstring"


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=HERE / "tests")
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy() -> None:
    pytest.importorskip("mypy")
    run(sys.executable, "-m", "mypy", "--strict", "sample_program.py")


def test_pyright() -> None:
    pytest.importorskip("pyright")
    run(sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "sample_program.py")


def test_the_package_is_typed() -> None:
    pytest.importorskip("mypy")
    config = HERE / "pyproject.toml"
    run(sys.executable, "-m", "mypy", "--config-file", config, "-p", "sourdine")


def test_stubs_are_the_module() -> None:
    pytest.importorskip("mypy")
    config = HERE / "pyproject.toml"
    run(sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", config, "sourdine._native")


def test_a_wrong_program_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import sourdine\nx: int = sourdine.denoise([0.0], 48000, channels='both')\n")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", wrong], capture_output=True, text=True, cwd=tmp_path
    )
    assert done.returncode == 1 and "denoise" in done.stdout


def test_the_version_is_the_workspaces() -> None:
    workspace = (HERE.parents[1] / "Cargo.toml").read_text()
    assert f'\nversion = "{sourdine.__version__}"\n' in workspace
    assert importlib.metadata.version("sourdine") == sourdine.__version__


def test_the_wheel_holds_its_licences() -> None:
    files = importlib.metadata.files("sourdine") or []
    names = {Path(str(file)).name for file in files}
    assert {"LICENSE-MIT", "LICENSE-APACHE", "py.typed", "_native.pyi"} <= names
