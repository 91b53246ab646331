import builtins

import numpy as np
import pytest

from hitforge.core.errors import MissingExtraError
from hitforge.simulation.generators.minimum_bias import ETA, from_pythia, parametrised


def test_the_parametrised_spectrum_has_the_densities_and_momenta_of_its_fit():
    made = parametrised(np.random.default_rng(1), 4000)
    kind = np.abs(made.pdg)
    for pdg, density, mean in ((211, 6.11, 0.51), (22, 7.34, 0.25), (321, 0.677, 0.76), (2212, 0.424, 0.91)):
        chosen = kind == pdg
        assert chosen.sum() / 4000 / (2 * ETA) == pytest.approx(density, rel=0.06)
        assert made.pt[chosen].mean() == pytest.approx(mean, rel=0.05)
    assert (made.pdg[kind == 22] > 0).all()
    assert (made.pdg[kind == 211] > 0).mean() == pytest.approx(0.5, abs=0.02)
    assert np.abs(made.eta).max() <= ETA
    assert (np.diff(made.event) >= 0).all()
    number = np.bincount(made.event, minlength=4000)
    assert number.mean() ** 2 / (number.var() - number.mean()) == pytest.approx(1.08, rel=0.15)  # negative binomial


def test_pythia_agrees_with_the_parametrised_spectrum():
    pytest.importorskip("pythia8mc", reason="the comparison needs the extra 'gen'")
    ours, theirs = parametrised(np.random.default_rng(1), 1500), from_pythia(1, 150)
    again = from_pythia(1, 5)
    assert np.array_equal(theirs.pt[: len(again.pt)], again.pt)
    assert theirs.event.max() < 150
    for pdg in (211, 22):
        mean = []
        for made in (ours, theirs):
            chosen = (np.abs(made.pdg) == pdg) & (np.abs(made.eta) > 1.3) & (np.abs(made.eta) < 3.2)
            mean.append((chosen.sum() / made.count, made.pt[chosen].mean()))
        assert mean[0][0] == pytest.approx(mean[1][0], rel=0.35)  # 150 interactions that fluctuate by 100 %
        assert mean[0][1] == pytest.approx(mean[1][1], rel=0.1)


def test_without_pythia_one_line_says_how_to_install_it(monkeypatch):
    real = builtins.__import__

    def refuse(name, *arguments):
        if name == "pythia8mc":
            raise ImportError("No module named 'pythia8mc'")
        return real(name, *arguments)

    monkeypatch.setitem(__import__("sys").modules, "pythia8mc", None)
    monkeypatch.setattr(builtins, "__import__", refuse)
    with pytest.raises(MissingExtraError, match=r"hitforge\[gen\]"):
        from_pythia(1, 1)
