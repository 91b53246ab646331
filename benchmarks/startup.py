"""How long a first look takes: seconds, and the ratio to ``import numpy`` in a new process beside it.

All are measured in turn, several times, each in a process of its own, and the median is taken.

    python benchmarks/startup.py
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time

LOOKS = {
    "import numpy": ["-c", "import numpy"],
    "import hitforge": ["-c", "import hitforge"],
    "hitforge --help": ["-m", "hitforge", "--help"],
    "hitforge list": ["-m", "hitforge", "list"],
    "hitforge inspect electron_photon/demo": ["-m", "hitforge", "inspect", "electron_photon/demo"],
    "hitforge inspect --network electron_photon/demo": [
        "-m",
        "hitforge",
        "inspect",
        "--network",
        "electron_photon/demo",
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=7)
    repeat = parser.parse_args().repeat
    times: dict[str, list[float]] = {name: [] for name in LOOKS}
    for _ in range(repeat + 1):
        for name, words in LOOKS.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
            times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(values[1:]) for name, values in times.items()}  # files are in memory then
    print("| command | seconds | against import numpy |\n|---|---|---|")
    for name, seconds in medians.items():
        print(f"| `{name}` | {seconds:.2f} | {seconds / medians['import numpy']:.1f} |")


if __name__ == "__main__":
    main()
