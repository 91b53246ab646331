"""Packages of others: what they offer, what they are called, and what their code is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from hitforge.core import packages
from hitforge.core.errors import ConfigError
from hitforge.core.packages import hash_outside, offered, offered_names, package_label
from hitforge.core.registry import Plugin

PLUGIN = "from hitforge.core.registry import Plugin\n\n\nclass {}(Plugin):\n    pass\n"
Put = Callable[..., None]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder on the import path; what is imported from it is forgotten."""
    known = set(sys.modules)
    monkeypatch.syspath_prepend(str(tmp_path))
    forget()
    yield tmp_path
    for name in set(sys.modules) - known:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "") or ""):
            del sys.modules[name]
    forget()


def forget() -> None:
    """Look for installed packages anew."""
    for function in (packages._all_offered, packages._distribution):
        function.cache_clear()


def put(site: Path, files: dict[str, str]) -> None:
    """Write files below a folder."""
    for name, text in files.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)


def installed(site: Path, name: str, version: str, entries: str = "", tops: str = "") -> None:
    """Write what pip writes about a package."""
    put(
        site,
        {
            f"{name}-{version}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            f"{name}-{version}.dist-info/entry_points.txt": entries,
            f"{name}-{version}.dist-info/top_level.txt": tops,
        },
    )
    forget()


def test_code_of_ours_adds_nothing() -> None:
    assert hash_outside([Plugin]) == b""
    assert packages.packages([Plugin]) == {}


def test_a_module_that_is_a_package_of_its_own(site: Path) -> None:
    put(site, {"lone_module.py": PLUGIN.format("Lone")})
    cls = import_module("lone_module").Lone
    first = hash_outside([cls])
    assert first == hash_outside([cls]) != b""
    put(site, {"lone_module.py": PLUGIN.format("Lone") + "# changed\n"})
    assert hash_outside([cls]) != first
    assert packages.packages([cls]) == {"lone_module": "unknown"}


def test_every_module_of_the_package_counts(site: Path) -> None:
    put(site, {"whole_package/__init__.py": "", "whole_package/deep/plugin.py": PLUGIN.format("Deep")})
    cls = import_module("whole_package.deep.plugin").Deep
    hashes = [hash_outside([cls])]
    for name in ("whole_package/helper.py", "whole_package/deep/other.py", "whole_package/__init__.py"):
        put(site, {name: "x = 1\n"})
        hashes.append(hash_outside([cls]))
    assert len(set(hashes)) == 4
    put(site, {"whole_package/results.json": "{}", "whole_package/__pycache__/a.pyc": "", "beside.py": "x = 1\n"})
    assert hash_outside([cls]) == hashes[-1]


def test_bases_count_wherever_they_lie(site: Path) -> None:
    put(site, {"far_base.py": PLUGIN.format("Far") + "\n\nclass Mixed:\n    pass\n"})
    put(site, {"near_class.py": "from far_base import Far\n\n\nclass Near(Far):\n    pass\n"})
    put(site, {"far_mixin.py": "class Mixin:\n    pass\n"})
    put(site, {"mixed_class.py": "import far_mixin\n\n" + PLUGIN.format("Mixed").replace("(", "(far_mixin.Mixin, ")})
    near, mixed = import_module("near_class").Near, import_module("mixed_class").Mixed
    before = hash_outside([near]), hash_outside([mixed])
    put(site, {"far_base.py": PLUGIN.format("Far") + "# changed\n", "far_mixin.py": "class Mixin:\n    x = 1\n"})
    assert hash_outside([near]) != before[0]
    assert hash_outside([mixed]) != before[1]
    assert packages.packages([near]) == {"far_base": "unknown", "near_class": "unknown"}


def test_version_and_further_modules_of_an_installed_package_count(site: Path) -> None:
    put(site, {"versioned_a.py": PLUGIN.format("A"), "versioned_b.py": "x = 1\n"})
    cls = import_module("versioned_a").A
    installed(site, "versioned", "1.0", "[hitforge.models]\na = versioned_a:A\n", "versioned_a\nversioned_b\n")
    first = hash_outside([cls])
    assert packages.packages([cls, cls]) == {"versioned": "1.0"}
    put(site, {"versioned_b.py": "x = 2\n"})
    second = hash_outside([cls])
    (site / "versioned-1.0.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: versioned\nVersion: 1.1\n")
    forget()
    assert len({first, second, hash_outside([cls])}) == 3
    assert packages.packages([cls]) == {"versioned": "1.1"}


def test_names_that_entry_points_give(site: Path) -> None:
    put(site, {"two_names.py": PLUGIN.format("A") + "\n\nclass B(Plugin):\n    pass\n"})
    entries = "[hitforge.models]\none = two_names:A\nother = two_names:A\nb = two_names : B\n"
    installed(site, "two_names", "2.0", entries)
    module = import_module("two_names")
    assert offered_names(module.A) == ["one", "other"]
    assert offered_names(module.B) == ["b"]
    found = {entry.name: package_label(entry) for entry in offered("hitforge.models")}
    assert found["one"] == "two_names 2.0"
    assert {"one", "other", "b"} <= {entry.name for entry in offered()}


def test_a_package_found_twice_is_offered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = EntryPoint("a", "b:C", "hitforge.models")
    monkeypatch.setattr(packages, "entry_points", lambda: EntryPoints([entry, entry]))
    forget()
    assert offered("hitforge.models") == [entry]
    assert package_label(entry) == "a package without a name"
    forget()


def test_code_without_a_file_is_refused() -> None:
    cls = type("InACell", (Plugin,), {"__module__": "module_of_no_file"})
    with pytest.raises(ConfigError, match=r"must lie in a file.*module_of_no_file\.InACell"):
        hash_outside([cls])
