"""The wheel as a user gets it: complete, installed alone into an empty environment, and used in an empty folder.

Usage: python .ci/wheel.py. It needs pip and a package index; no extra is installed, so the core must do.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
BUILT_FROM = ("pyproject.toml", "README.md", "LICENSE", "src")
SMALL = ("source.train=300", "source.validation=100", "source.test=200")
SETTINGS = [part for one in (*SMALL, "training.epochs=1") for part in ("--set", one)]


def build(folder: Path) -> Path:
    """Build the wheel from a fresh copy: what an earlier build left in the tree gets into no wheel."""
    source = folder / "source"
    for name in BUILT_FROM:
        path = REPOSITORY / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
        else:
            source.mkdir(exist_ok=True)
            shutil.copy(path, source / name)
    pip(sys.executable, "wheel", "--no-deps", "--wheel-dir", folder, source)
    (wheel,) = folder.glob("*.whl")
    return wheel


def differences(wheel: Path, package: Path) -> list[str]:
    """What a wheel lacks of a package's folder, and what else it holds beside its own record."""
    want = {
        f"{package.name}/{path.relative_to(package).as_posix()}"
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    with zipfile.ZipFile(wheel) as opened:
        have = {name for name in opened.namelist() if not name.split("/")[0].endswith(".dist-info")}
    return [f"lacks {name}" for name in sorted(want - have)] + [f"holds {name}" for name in sorted(have - want)]


def pip(python: object, *words: object) -> None:
    """Run pip of an environment."""
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([str(python), "-m", "pip", str(words[0]), *quiet, *map(str, words[1:])], check=True)


def install(wheel: Path, folder: Path) -> Path:
    """Install a wheel and what it requires into a new environment; returns the environment's programs."""
    venv.create(folder, with_pip=True)
    pip(folder / "bin" / "python", "install", "--constraint", REPOSITORY / "constraints.txt", wheel)
    return folder / "bin"


def use(programs: Path, folder: Path) -> None:
    """Do in an empty folder what the README promises, at a tiny size."""
    folder.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "HITFORGE"))}

    def hitforge(*words: str, fails: bool = False) -> str:
        print("hitforge", *words, flush=True)
        command = [str(programs / "hitforge"), *words]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        if (done.returncode != 0) != fails or "Traceback" in done.stderr:
            raise SystemExit(f"it ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    must("electron_photon/demo" in hitforge("list", "recipes"), "list shows the recipes")
    hitforge("inspect", "electron_photon/demo")
    hitforge("simulate", "electron_photon/demo", "--out", "sample", *SETTINGS[:6])
    hitforge("run", "electron_photon/demo", *SETTINGS)
    must((folder / "runs" / "demo" / "report.html").stat().st_size > 10_000, "a run writes its report")
    said = hitforge("run", "electron_photon/keras_resnet", *SETTINGS, fails=True)
    must('pip install "hitforge[keras]"' in said, "a missing extra is named")
    must(not (folder / "runs" / "keras_resnet").exists(), "a refused run leaves no folder")


def must(holds: bool, what: str) -> None:
    """End with a message where something does not hold."""
    if not holds:
        raise SystemExit(f"it does not hold that {what}")


def main() -> None:
    """Build, compare, install and use."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        wheel = build(folder)
        wrong = differences(wheel, REPOSITORY / "src" / "hitforge")
        must(not wrong, f"{wheel.name} holds the package and nothing else: {', '.join(wrong)}")
        print(f"{wheel.name}: {wheel.stat().st_size / 1e6:.1f} MB", flush=True)
        use(install(wheel, folder / "environment"), folder / "empty")


if __name__ == "__main__":
    main()
