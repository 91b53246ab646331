"""Training beside one busy core, against training alone: what waiting threads cost.

A small network (PyTorch) and small trees (XGBoost) are trained in a process of their own for each way of waiting and
number of threads, alone and beside a loop that keeps one core busy and ends by itself. Only ratios count: all ways are
measured in turn, on the same cores, several times, and the median is taken. A training that reaches the limit counts
as the limit.

    python benchmarks/busy_core.py --steps 30 --rounds 30
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time

WAYS = {"active, 2 threads": ("ACTIVE", 2), "passive, 2 threads": ("PASSIVE", 2), "1 thread": ("PASSIVE", 1)}
LOOP = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < end:\n    pass\n"


def network(steps: int, threads: int) -> float:
    """Seconds that steps of a network of two convolutions take, 64 images at a time."""
    import torch
    from torch import nn

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = (nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.Flatten())
    module = nn.Sequential(*layers, nn.Linear(32 * 8 * 32, 2))
    optimizer = torch.optim.AdamW(module.parameters())
    images, labels = torch.randn(64, 3, 8, 32), torch.randint(0, 2, (64,))
    for step in range(steps + 3):
        if step == 3:  # what is set up at first does not count
            start = time.perf_counter()
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(images), labels).backward()
        optimizer.step()
    return time.perf_counter() - start


def trees(rounds: int, threads: int) -> float:
    """Seconds that rounds of boosting take, on 5,000 events with 25 features."""
    import numpy as np
    import xgboost

    random = np.random.default_rng(0)
    table = random.normal(size=(5000, 25))
    label = (table[:, 0] * table[:, 1] + random.normal(size=5000) > 0).astype(int)
    matrix = xgboost.DMatrix(table, label, nthread=threads)
    start = time.perf_counter()
    xgboost.train({"tree_method": "hist", "objective": "binary:logistic", "nthread": threads}, matrix, rounds)
    return time.perf_counter() - start


def seconds(job: str, count: int, way: str, busy: bool, limit: float) -> float:
    """Seconds of one training in a new process, beside the loop or alone."""
    policy, threads = WAYS[way]
    command = [sys.executable, __file__, "--job", job, "--threads", str(threads), "--count", str(count)]
    loop = subprocess.Popen([sys.executable, "-c", LOOP, str(limit)]) if busy else None
    try:
        environment = {**os.environ, "OMP_WAIT_POLICY": policy}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return limit  # at least
    finally:
        if loop is not None:
            loop.kill()
            loop.wait()
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=30, help="steps of the network")
    parser.add_argument("--rounds", type=int, default=30, help="rounds of boosting")
    parser.add_argument("--repeat", type=int, default=3, help="trainings of each kind; the median counts")
    parser.add_argument("--limit", type=float, default=120, help="most seconds of one training, and of the busy loop")
    parser.add_argument("--job", choices=["network", "trees"], help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--count", type=int, default=1, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.job:
        print({"network": network, "trees": trees}[given.job](given.count, given.threads))
        return
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)  # processes that are started here inherit it
    print(f"{len(cores)} cores, {os.getloadavg()[0]:.1f} runnable processes before")
    for job, count in (("network", given.steps), ("trees", given.rounds)):
        found: dict[tuple[str, bool], list[float]] = {}
        for _ in range(given.repeat):
            for way in WAYS:
                for busy in (False, True):
                    found.setdefault((way, busy), []).append(seconds(job, count, way, busy, given.limit))
        print(f"{job}: seconds alone, beside a busy core, ratio")
        for way in WAYS:
            alone, beside = (statistics.median(found[way, busy]) for busy in (False, True))
            print(f"  {way:20} {alone:8.3f} {beside:8.3f} {beside / alone:8.2f}")


if __name__ == "__main__":
    main()
