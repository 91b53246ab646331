"""The face of the library: few names, each told with an example, loaded when it is used."""

from __future__ import annotations

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import hitforge as hf

STUB = Path(hf.__file__).with_suffix(".pyi")
ARRAYS = ("batches", "measure", "compare", "Predictions", "Collection", "Events", "read")
"""Names that take or give arrays."""


def test_there_are_few_names_and_dir_lists_them() -> None:
    assert dir(hf) == sorted({*hf.__all__, "__version__"})
    assert 30 <= len(dir(hf)) <= 40
    for name in hf.__all__:
        assert getattr(hf, name) is getattr(hf, name)


@pytest.mark.parametrize("name", hf.__all__)
def test_every_name_says_what_it_is_and_shows_an_example(name: str) -> None:
    value = getattr(hf, name)
    text = inspect.getdoc(value) or ""
    assert text.partition("\n")[0].endswith((".", "?"))
    assert value.__module__.startswith("hitforge.")
    if value is hf.HitforgeError or not (inspect.isclass(value) and issubclass(value, hf.HitforgeError)):
        assert "Example:\n" in text
        assert ">>> " in text
    if inspect.isfunction(value):
        takes = [one.name for one in inspect.signature(value).parameters.values()]
        assert all(f"{one}:" in text for one in takes if one != "progress"), takes
    if name in ARRAYS:
        assert "(N," in text or "(rows," in text or "(B," in text or "(hits,)" in text


def test_the_types_are_those_of_the_names() -> None:
    told = {
        alias.asname or alias.name: (node.module, alias.name)
        for node in ast.parse(STUB.read_text()).body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert sorted(told) == hf.__all__
    listed = [node for node in ast.parse(STUB.read_text()).body if isinstance(node, ast.Assign)]
    assert ast.literal_eval(listed[0].value) == hf.__all__
    for name, (module, inner) in told.items():
        assert getattr(sys.modules[str(module)], inner) is getattr(hf, name)


def test_a_wrong_name_gets_the_nearest_one() -> None:
    with pytest.raises(AttributeError, match="did you mean 'simulate'"):
        hf.simulat  # type: ignore[attr-defined] # noqa: B018
    assert not hasattr(hf, "__wrapped__")


def test_the_import_waits_for_nothing() -> None:
    code = "import sys; before = set(sys.modules); import hitforge; print(*(set(sys.modules) - before))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert told == ["hitforge"]


def test_numbers_of_a_run_wait_for_no_framework(tiny: hf.Run, dataset: hf.Dataset) -> None:
    code = f"""import sys, hitforge as hf
run = hf.load({str(tiny.folder)!r})
repr(run), run.predictions.score, hf.measure("roc_auc", run.predictions), hf.open({str(dataset.path)!r})
print(*(name for name in ("torch", "matplotlib", "acts", "xgboost") if name in sys.modules))"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == ""


def test_names_of_rooms_do_not_hide_names() -> None:
    rooms = {path.name for path in Path(hf.__file__).parent.iterdir()}
    assert not rooms & set(hf.__all__)
