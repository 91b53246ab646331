"""A finished run against what its recipe expects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hitforge.core.errors import ConfigError, RunError
from hitforge.recipe.blocks import Expect
from hitforge.recipe.recipe import Recipe
from hitforge.runs.folder import asked_of, continuations, is_done
from hitforge.runs.measure import flat_values


@dataclass(frozen=True)
class Finding:
    """One expectation and what came.

    Attributes:
        name: Flat name of the number.
        came: What the run gave; None if it has no such number.
        expected: What the recipe expects, in words.
        passed: Whether they agree.
    """

    name: str
    came: float | None
    expected: str
    passed: bool


def require_own_training(recipe: Recipe, folder: Path) -> None:
    """Refuse a folder whose network was trained in parts: what a recipe expects comes from one training.

    Raises:
        RunError: The training of another length would go on, or went on.
    """
    changes = asked_of(folder, recipe, resume=True) if is_done(folder) else None
    went_on = [one for one in continuations(folder) if not one["as_from_the_start"]]
    if went_on or (changes is not None and changes.train):
        came = went_on[-1]["text"] if went_on else "a run with other training.epochs or training.patience"
        raise RunError(
            "a recipe is checked by a training of its own length", came=came, where=folder, do="choose another --out"
        )


def expected_of(recipe: Recipe) -> Expect:
    """Return what a recipe expects.

    Raises:
        ConfigError: It expects nothing that was measured.
    """
    expect = recipe.expect
    if expect is None or not (expect.metrics or expect.minimum):
        reason = expect.unmeasured if expect else "no 'expect' block"
        raise ConfigError("a recipe must expect numbers to be checked", came=reason, where=recipe.name)
    return expect


def check(recipe: Recipe, folder: Path) -> list[Finding]:
    """Compare the numbers of a run with the recipe's ``expect``.

    Raises:
        ConfigError: The recipe expects nothing that was measured.
    """
    expect = expected_of(recipe)
    require_own_training(recipe, folder)
    values = flat_values(folder)
    findings = []
    for name, item in expect.metrics.items():
        came = values.get(name)
        passed = came is not None and abs(came - item.value) <= item.tolerance
        findings.append(Finding(name, came, f"{item.value:g} ± {item.tolerance:g}", passed))
    for name, least in expect.minimum.items():
        came = values.get(name)
        findings.append(Finding(name, came, f">= {least:g}", came is not None and came >= least))
    return findings
