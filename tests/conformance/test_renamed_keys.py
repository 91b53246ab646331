"""Every recipe key that has another name now: the new one exists, and the old one's error says it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

import pytest
from pydantic import BaseModel

from hitforge.core.config import Config
from hitforge.core.errors import ConfigError
from hitforge.detectors import Detector
from hitforge.objects import KINDS
from hitforge.recipe.blocks import Blocks
from hitforge.recipe.catalogue import REGISTRIES
from hitforge.simulation import SIMULATIONS

SOURCES = {key for name in SIMULATIONS.names() for key in SIMULATIONS.get(name).Config.model_fields}
TARGETS = {key for name in KINDS.names() for key in KINDS.get(name).Config.model_fields}


def configs(model: type[BaseModel]) -> Iterator[type[Config]]:
    """A configuration and those of the blocks in it."""
    if issubclass(model, Config):
        yield model
    for field in model.model_fields.values():
        kinds = [field.annotation, *getattr(field.annotation, "__args__", ())]
        for kind in kinds:
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from configs(kind)


def renamed() -> list[tuple[str, type[Config], str, str]]:
    """Where, configuration, old key, and what its error says, of all plug-ins and of the recipe's own blocks."""
    roots = {f"{room}/{name}": rows.get(name).Config for room, rows in REGISTRIES.items() for name in rows.names()}
    return [
        (f"{where} {model.__qualname__}", model, old, new)
        for where, root in {**roots, "recipe": Blocks}.items()
        for model in configs(root)
        for old, new in model.renamed_keys().items()
    ]


def exists(model: type[Config], new: str) -> bool:
    """Keys of the configuration, of the recipe's target or source, or a property of the detector."""
    if " and " in new:
        return all(exists(model, one) for one in new.split(" and "))
    if new.endswith(" of the detector"):
        return hasattr(Detector, new.removesuffix(" of the detector"))
    block, _, key = new.rpartition(".")
    places = {"": set(model.model_fields), "target": TARGETS, "source": SOURCES}
    return key in places.get(block, set())


ALL = renamed()


@pytest.mark.parametrize(("where", "model", "old", "new"), ALL, ids=[f"{where}.{old}" for where, _, old, _ in ALL])
def test_old_key_is_an_error_that_names_the_new_one(where: str, model: type[Config], old: str, new: str) -> None:
    assert old not in model.model_fields, f"{where}: '{old}' is a key and can have no other name"
    assert exists(model, new), f"{where}: '{old}' is said to be '{new}', which is no key"
    with pytest.raises(ConfigError, match=f"the key '{old}' has another name or place now: '{new}'"):
        model.read({old: 1}, where=where)


def test_old_keys_of_bases_and_blocks_are_found_and_wrong_ones_refused() -> None:
    class Base(Config):
        renamed: ClassVar[dict[str, str]] = {"least": "min_hits"}

        min_hits: int = 3

    class Derived(Base):
        renamed: ClassVar[dict[str, str]] = {"most": "max_hits"}

        max_hits: int = 5

    assert Derived.renamed_keys() == {"least": "min_hits", "most": "max_hits"}
    assert exists(Derived, "min_hits")
    assert exists(Derived, "target.min_pt")
    assert exists(Derived, "plane of the detector")
    for wrong in ("min_hit", "target.no_such_key", "no_such_thing of the detector", "task.min_hits"):
        assert not exists(Derived, wrong)
    assert {"judge", "needs", "least", "most", "least_energy", "most_hits", "few_hits"} <= {old for _, _, old, _ in ALL}
