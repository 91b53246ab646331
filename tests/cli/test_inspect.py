"""hitforge inspect."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import hitforge


def test_recipes_and_datasets_are_shown(recipe: Path, dataset: Path) -> None:
    assert "shard_size: 100" in hitforge("inspect", recipe).stdout
    assert "every shard is as it was written" in hitforge("inspect", dataset, "--verify").stdout


@pytest.mark.parametrize("name", ["electron_photon/demo", "showers/masks", "tracking/embedding"])
def test_a_recipe_is_shown_without_its_framework(name: str) -> None:
    look = (
        "import sys\nfrom hitforge.cli import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert not {'torch', 'keras', 'tensorflow'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", look, "inspect", name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "model:" in done.stdout


def test_settings_are_applied_and_the_network_is_filled_in_when_asked() -> None:
    written = hitforge("inspect", "electron_photon/demo", "--set", "training.epochs=3").stdout
    filled = hitforge("inspect", "electron_photon/demo", "--network").stdout
    assert "epochs: 3" in written
    assert len(filled.splitlines()) > len(written.splitlines())


def test_options_that_would_do_nothing_are_refused(dataset: Path) -> None:
    done = hitforge("inspect", dataset, "--full", "--network")
    assert done.returncode == 2
    assert "--network and --full cannot be used with a dataset" in done.stderr
