"""Damaged files of every format: each must be read, or refused with one clear error.

Small valid files of each reader, a dataset, recipes, weights and saved baselines are damaged one at a time: bytes and
lines are cut, replaced, doubled and moved, and entries, columns, types and shapes are changed inside of formats that
have them. A mutant counts as `refused` where one of hitforge's errors says so, and as `read` where nothing is said. Any
other error is `foreign`, a RuntimeWarning a `warning`, the end of the process a `crash`, and more than `--patience`
seconds a `hang`: the files of these are kept under `--out`, and the exit code is 1. Each mutant follows from the seed
and its number alone, so that `--only` makes one again. What is done already is not done again: repeat the command after
an interruption.

`edm4hep` is among them where HITFORGE_DATA has its file, `tfrecord` where TensorFlow is installed.

    OMP_NUM_THREADS=1 HITFORGE_DATA=data python benchmarks/fuzz.py --mutants 10000 --seed 1
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import resource
import shutil
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))  # the valid files are those of the tests

BAD = ("foreign", "warning", "crash", "hang")
NUMBERS = (float("nan"), float("inf"), -1, 0, 1, 0.5, 2**31, 2**63 - 1, -(2**63), 2**64, 1e300, 1e-300, -1e30)
TEXTS = ("", "x", "nan", "-1", "1e400", "99999999999999999999", "0x10", "[red]", "\x00", "é", "1;2", " 7 ")
MEMORY = 6 << 30  # bytes that a mutant may take, more than it should


@dataclass(frozen=True)
class Target:
    """A format.

    Attributes:
        make: Writes valid files into a folder.
        look: Reads all that is there.
    """

    make: Callable[[Path], Any]
    look: Callable[[Path], Any]


@cache
def detector(name: str) -> Any:
    from hitforge.detectors import DETECTORS

    return DETECTORS.build(name, where="fuzz")


def read(reader: str, where: str, path: Path, **settings: Any) -> None:
    """Read every event of a source, and what it is hashed by."""
    from hitforge.readers import READERS

    source = READERS.build({"name": reader, "path": str(path), **settings}, detector(where), where="fuzz")
    for split, shards in source.splits().items():
        for index in range(shards):
            source.shard(split, index).check(where="fuzz")
    source.inputs()


def targets() -> dict[str, Target]:
    """All formats, by name."""
    from tests.readers import (
        odd_files,
        test_acorn,
        test_acts,
        test_calochallenge,
        test_cms_hgcal,
        test_ild_points,
        test_ml4sci_hdf5,
        test_ml4sci_npz,
        test_trackml,
    )

    tracker, cloud, grid, voxels = "silicon_barrel_endcap", "point_cloud", "pixel_grid", test_calochallenge.SMALL
    labels = np.array([0.0, 1.0, 1.0])
    found = {
        "acorn": Target(test_acorn.save, lambda at: read("acorn", tracker, at)),
        "acorn, cloud": Target(test_acorn.save, lambda at: read("acorn", cloud, at)),
        "acts": Target(test_acts.save, lambda at: read("acts", tracker, at)),
        "acts, Parquet": Target(lambda at: test_acts.save(at, ending=".parquet"), lambda at: read("acts", tracker, at)),
        "calochallenge": Target(
            lambda at: test_calochallenge.save(at / "a.h5"),
            lambda at: read("calochallenge", cloud, at / "a.h5", **voxels),
        ),
        "cms_hgcal, ROOT": Target(
            lambda at: test_cms_hgcal.ntuple(at / "a.root"), lambda at: read("cms_hgcal", "hgcal", at / "a.root")
        ),
        "cms_hgcal, Parquet": Target(
            lambda at: test_cms_hgcal.save(at / "a.parquet"), lambda at: read("cms_hgcal", "hgcal", at / "a.parquet")
        ),
        "colliderml": Target(
            odd_files.release,
            lambda at: read("colliderml", cloud, at / "ttbar_pu200_tracker_hits" / "train-0.parquet", hits="all"),
        ),
        "colliderml, JSON": Target(
            lambda at: odd_files.display(at / "a.json"), lambda at: read("colliderml", cloud, at / "a.json", hits="all")
        ),
        "ild_points": Target(
            lambda at: test_ild_points.save(at / "a.h5"), lambda at: read("ild_points", "ild_ecal", at / "a.h5")
        ),
        "ml4sci_hdf5": Target(
            lambda at: test_ml4sci_hdf5.save(at / "a.h5", test_ml4sci_hdf5.make_images(3), labels),
            lambda at: read("ml4sci_hdf5", grid, at / "a.h5"),
        ),
        "ml4sci_npz": Target(
            lambda at: test_ml4sci_npz.save(at / "a.npz"), lambda at: read("ml4sci_npz", grid, at / "a.npz")
        ),
        "trackml": Target(test_trackml.save, lambda at: read("trackml", tracker, at)),
        "dataset": Target(write_dataset, read_dataset),
        "recipe": Target(write_recipes, read_recipes),
        "weights": Target(write_weights, read_weights),
        "boosted_trees": Target(write_trees, lambda at: trees().load(at)),
        "clue": Target(write_clue, lambda at: clue().load(at)),
    }
    real = Path(os.environ.get("HITFORGE_DATA", "")) / "edm4hep" / "clic_gamma_10GeV.root"
    if real.is_file():
        found["edm4hep"] = Target(
            lambda at: (at / "a.root").write_bytes(real.read_bytes()), lambda at: read("edm4hep", cloud, at / "a.root")
        )
    try:
        from tests.readers import test_tfrecord
    except BaseException:  # pytest's skip is one: TensorFlow is not installed
        return found
    found["tfrecord"] = Target(
        lambda at: test_tfrecord.Tfrecord.write(at / "a.tfrecord", iter([test_tfrecord.sample()]), detector("hgcal")),
        lambda at: read("tfrecord", "hgcal", at / "a.tfrecord"),
    )
    return found


def write_dataset(folder: Path) -> None:
    from hitforge.events import build_dataset
    from hitforge.readers import READERS
    from tests.readers.odd_files import display

    display(folder.parent / "one.json")
    path = str(folder.parent / "one.json")
    source = READERS.build({"name": "colliderml", "path": path, "hits": "all"}, detector("point_cloud"), where="fuzz")
    build_dataset(source, folder / "sample", {"detector": {"name": "point_cloud"}, "source": {"name": "colliderml"}})


def read_dataset(folder: Path) -> None:
    from hitforge.events import Dataset

    dataset = Dataset(folder / "sample")
    for split in dataset.splits:
        for events in dataset.read(split):
            events.check(where="fuzz")
        dataset.count(split)
    dataset.losses()
    dataset.verify()


def write_recipes(folder: Path) -> None:
    from hitforge.recipe.shipped import find_recipe

    for name in ("electron_photon/demo", "tracking/condensation", "showers/masks", "hgcal/pileup_60"):
        shutil.copy(find_recipe(name), folder / f"{name.replace('/', '_')}.yaml")


def read_recipes(folder: Path) -> None:
    from hitforge.recipe.recipe import read_recipe

    for path in sorted(folder.glob("*.yaml")):
        read_recipe(path, network=False).yaml(network=False)


def write_weights(folder: Path) -> None:
    from hitforge.training._weights import write

    header = {"epoch": 3, "shapes": {"image": [8, 8, 2]}}
    write(folder / "model.safetensors", {"a.weight": np.ones((3, 4), "f4"), "n": np.array(7)}, header)


def read_weights(folder: Path) -> None:
    from hitforge.training._weights import read as read_file

    read_file(folder / "model.safetensors")


def trees() -> Any:
    from tests.baselines.test_boosted_trees import build

    return build(rounds=3)


def write_trees(folder: Path) -> None:
    from hitforge.core.progress import Progress
    from tests.baselines.test_boosted_trees import showers

    made = trees()
    made.fit(lambda: [showers(60, 1)], lambda: [showers(40, 2)], 1, Progress())
    made.save(folder)


def clue() -> Any:
    from hitforge.baselines import BASELINES
    from hitforge.tasks import TASKS

    task = TASKS.build("condense_showers", detector("hgcal"), where="fuzz")
    return BASELINES.build("clue", detector("hgcal"), task, where="fuzz")


def write_clue(folder: Path) -> None:
    made = clue()
    record = {
        "settings": {name: getattr(made.config, name) for name in made.tried},
        "factors": [1.0, 1.1],
        "edges": [3.0],
        "hadrons": [0.2, 0.7],
    }
    (folder / "clue.json").write_text(json.dumps(record))


def damage(path: Path, random: np.random.Generator) -> str:
    """Damage a file in place; return how."""
    from tests.readers.mutations import mutations

    inside = next((change for ending, change in INSIDE.items() if path.name.endswith(ending)), None)
    whole = path.read_bytes()
    if inside is not None and random.random() < 0.6:
        try:
            return f"inside: {inside(path, random)}"
        except Exception:  # not every change can be written
            path.write_bytes(whole)
    first, second, third = mutations(whole, 1, int(random.integers(2**31)))
    path.write_bytes([third, first, second][int(random.random() > 0.97) + int(random.random() > 0.98)])
    return "bytes"


def change_parquet(path: Path, random: np.random.Generator) -> str:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    at = int(random.integers(table.num_columns))
    name, column = table.column_names[at], table.column(at)
    what = str(random.choice(["drop", "rename", "type", "null", "value", "rows", "twice", "empty"]))
    if what == "drop":
        table = table.drop_columns([name])
    elif what == "rename":
        table = table.rename_columns(
            [*table.column_names[:at], str(random.choice(TEXTS)), *table.column_names[at + 1 :]]
        )
    elif what == "rows":
        table = table.take(pa.array(random.integers(0, len(table), int(random.integers(0, len(table) + 3)))))
    elif what == "twice":
        table = table.append_column(name, column)
    elif what == "empty":
        table = table.slice(0, 0)
    else:
        rows = column.to_pylist()
        one = int(random.integers(len(rows)))
        if what == "type":
            kinds = [
                lambda x: str(x),
                lambda x: [x],
                lambda x: True,
                lambda x: x is not None and not isinstance(x, list),
            ]
            rows = [kinds[int(random.integers(len(kinds)))](row) for row in rows[:1]] * len(rows)
        else:
            rows[one] = edited(rows[one], None if what == "null" else pick(random), random)
        try:
            made = pa.array(rows, column.type if random.random() < 0.6 and what != "type" else None)
        except (pa.ArrowException, OverflowError, TypeError, ValueError):
            made = pa.nulls(len(rows), column.type)
        table = table.set_column(at, name, made)
    pq.write_table(table, path, row_group_size=int(random.choice([1, 2, 1000])))
    return f"{what} of {name}"


def edited(value: Any, new: Any, random: np.random.Generator) -> Any:
    """A value with one of its entries, at any depth, replaced."""
    if isinstance(value, list) and value and random.random() < 0.9:
        at = int(random.integers(len(value)))
        return [*value[:at], edited(value[at], new, random), *value[at + 1 :]]
    return new


def pick(random: np.random.Generator) -> Any:
    return NUMBERS[int(random.integers(len(NUMBERS)))]


def change_hdf5(path: Path, random: np.random.Generator) -> str:
    import h5py

    with h5py.File(path, "r+") as file:
        name = str(random.choice(sorted(file)))
        values = np.asarray(file[name])
        del file[name]
        what = str(random.choice(["delete", "shape", "type", "value", "text", "scalar", "group", "fewer"]))
        if what == "shape":
            file[name] = values.reshape(random.permutation(values.shape)) if values.ndim > 1 else values[None]
        elif what == "type":
            with np.errstate(all="ignore"):
                file[name] = values.astype(random.choice(["i1", "u2", "i8", "f2", "f8", "c8", "?"]))
        elif what == "value":
            values = values.astype(np.float64)
            values.flat[int(random.integers(values.size))] = pick(random)
            file[name] = values
        elif what == "text":
            file[name] = np.full(values.shape[:1], b"7")
        elif what == "scalar":
            file[name] = pick(random) if random.random() < 0.5 else h5py.Empty("f4")
        elif what == "group":
            file.create_group(name)["x"] = 1
        elif what == "fewer":
            file[name] = values[: int(random.integers(len(values)))]
    return f"{what} of {name}"


def change_npz(path: Path, random: np.random.Generator) -> str:
    with np.load(path) as file:
        arrays = dict(file)
    name = str(random.choice(sorted(arrays)))
    values = arrays.pop(name)
    what = str(random.choice(["delete", "shape", "type", "value", "fewer", "text"]))
    if what == "shape":
        arrays[name] = values[..., None] if random.random() < 0.5 else values.ravel()
    elif what == "type":
        arrays[name] = values.astype(random.choice(["i1", "u2", "f2", "f8", "c8", "?"]))
    elif what == "value":
        values = values.astype(np.float64)
        values.flat[int(random.integers(values.size))] = pick(random)
        arrays[name] = values
    elif what == "fewer":
        arrays[name] = values[: int(random.integers(len(values)))]
    elif what == "text":
        arrays[name] = np.full(values.shape[:1], "7")
    np.savez_compressed(path, **arrays)
    return f"{what} of {name}"


def change_tree(content: Any, random: np.random.Generator) -> str:
    """Change one entry of lists and dictionaries, in place; return where."""
    where, node = "", content
    while True:
        keys = list(node) if isinstance(node, dict) else list(range(len(node)))
        if not keys:
            return f"{where}: nothing"
        key = keys[int(random.integers(len(keys)))]
        where += f"/{key}"
        if not (isinstance(node[key], dict | list) and node[key] and random.random() < 0.8):
            break
        node = node[key]
    new: list[Any] = [pick(random), str(random.choice(TEXTS)), None, [], {}, True, [node[key]], {"a": node[key]}]
    what = int(random.integers(len(new) + 2))
    if what == len(new):
        del node[key]
    elif what == len(new) + 1 and isinstance(node, dict):
        node[str(random.choice(TEXTS))] = node.pop(key)
    else:
        node[key] = new[min(what, len(new) - 1)]
    return where


def change_json(path: Path, random: np.random.Generator) -> str:
    content = json.loads(path.read_text(encoding="utf-8"))
    where = change_tree(content, random)
    path.write_text(json.dumps(content), encoding="utf-8")
    return where


def change_yaml(path: Path, random: np.random.Generator) -> str:
    import yaml

    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    where = change_tree(content, random)
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return where


def change_csv(path: Path, random: np.random.Generator) -> str:
    lines = [line.split(",") for line in path.read_text(encoding="utf-8").splitlines()]
    row = int(random.integers(len(lines)))
    column = int(random.integers(len(lines[row])))
    lines[row][column] = str(random.choice([*TEXTS, *map(str, NUMBERS)]))
    path.write_text("\n".join(map(",".join, lines)) + "\n", encoding="utf-8")
    return f"row {row}, column {column}"


INSIDE: dict[str, Callable[[Path, np.random.Generator], str]] = {
    ".parquet": change_parquet, ".h5": change_hdf5, ".npz": change_npz, ".json": change_json, ".yaml": change_yaml,
    ".csv": change_csv,
}  # fmt: skip


def attempt(target: Target, folder: Path) -> tuple[str, str]:
    """Read a mutant; return outcome and what was said."""
    from hitforge.core.errors import HitforgeError

    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            target.look(folder)
            outcome, text = "read", ""
        except HitforgeError as error:
            outcome, text = "refused", str(error)
        except (Exception, SystemExit):
            return "foreign", traceback.format_exc()
    loud = [one for one in heard if issubclass(one.category, RuntimeWarning)]
    return ("warning", f"{loud[0].filename}:{loud[0].lineno}: {loud[0].message}") if loud else (outcome, text)


def work(pipe: Connection, home: Path, seed: int, names: list[str]) -> None:
    """Answer for mutants until there are no more; runs in a process of its own, since a file may end it."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    known = targets()
    valid = home / "valid"
    for number, name in enumerate(names):
        place = valid / str(number)
        if not (valid / f"{number}.whole").exists():
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir(parents=True)
            known[name].make(place)
        outcome, text = attempt(known[name], place)
        if outcome != "read":
            pipe.send({"error": f"the valid files of '{name}' are not read: {text}"})
            return
        (valid / f"{number}.whole").touch()
    used = (
        int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() if sys.platform == "linux" else 0
    )
    if used:
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    pipe.send({"ready": True})
    while (number := pipe.recv()) is not None:
        random = np.random.default_rng([seed, number])
        which = number % len(names)
        folder = home / "mutant"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(valid / str(which), folder)
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        path = files[int(random.integers(len(files)))]
        how = damage(path, random)
        said = {"number": number, "target": names[which], "file": str(path.relative_to(folder)), "how": how}
        pipe.send({**said, "outcome": "begun"})
        outcome, text = attempt(known[names[which]], folder)
        pipe.send({**said, "outcome": outcome, "text": text})


class Worker:
    """The process that reads mutants; another takes its place where one has ended it."""

    def __init__(self, home: Path, seed: int, names: list[str], patience: float) -> None:
        self._arguments, self._patience = (home, seed, names), patience
        self._start()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        self._process = context.Process(target=work, args=(other, *self._arguments), daemon=True)
        self._process.start()
        other.close()
        first = self._pipe.recv()
        if "error" in first:
            raise SystemExit(first["error"])

    def ask(self, number: int) -> dict[str, Any]:
        """Return what became of a mutant."""
        said: dict[str, Any] = {"number": number, "target": "", "file": "", "how": ""}
        try:
            self._pipe.send(number)
            while self._pipe.poll(self._patience):
                said = self._pipe.recv()
                if said["outcome"] != "begun":
                    return said
            outcome = "hang"
        except (EOFError, OSError):
            outcome = "crash"
        self._process.kill()
        self._process.join()
        text = f"exit code {self._process.exitcode}"
        self._start()
        return {**said, "outcome": outcome, "text": text}

    def end(self) -> None:
        """Let the process end."""
        self._pipe.send(None)
        self._process.join()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("fuzz"), help="what was found, and the files that show it")
    parser.add_argument("--patience", type=float, default=120.0, help="seconds that a mutant may take")
    parser.add_argument("--target", action="append", help="one format, or several; all if absent")
    parser.add_argument("--only", type=int, help="make one mutant again, by its number")
    options = parser.parse_args()
    from hitforge.cli._progress import progress_bars

    names = options.target or sorted(targets())
    log = options.out / f"seed{options.seed}-{'-'.join(options.target or ['all'])}.jsonl"
    log.parent.mkdir(parents=True, exist_ok=True)
    done = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    seen = {one["number"] for one in done}
    left = [n for n in range(options.mutants) if n not in seen] if options.only is None else [options.only]
    with tempfile.TemporaryDirectory() as home, progress_bars() as bars, log.open("a") as file:
        worker = Worker(Path(home), options.seed, names, options.patience)
        with bars.step("fuzz", len(left), "mutants") as step:
            for number in left:
                said = worker.ask(number)
                if said["outcome"] in BAD or options.only is not None:
                    kept = options.out / f"seed{options.seed}-{number}"
                    shutil.rmtree(kept, ignore_errors=True)
                    shutil.copytree(Path(home) / "mutant", kept)
                    said["kept"] = str(kept)
                    print(json.dumps(said, indent=1).replace("\\n", "\n"))
                if options.only is None:
                    file.write(json.dumps(said) + "\n")
                    file.flush()
                done.append(said)
                step.advance()
        worker.end()
    table = Counter((one["target"], one["outcome"]) for one in done)
    columns = ("read", "refused", *BAD)
    print(f"{'':20}" + "".join(f"{name:>10}" for name in columns))
    for target in [*names, "all"]:
        counts = [sum(n for (t, o), n in table.items() if o == name and target in (t, "all")) for name in columns]
        print(f"{target:20}" + "".join(f"{count:10}" for count in counts))
    bad = [one for one in done if one["outcome"] in BAD]
    for one in bad:
        print(f"{one['outcome']}: mutant {one['number']}, {one['target']}, {one['file']}, {one['how']}: "
              f"{one['text'].strip().splitlines()[-1] if one['text'] else ''}")  # fmt: skip
    return 1 if bad else 0


if __name__ == "__main__":
    raise SystemExit(main())
