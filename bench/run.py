# SPDX-License-Identifier: MIT
"""Runs the benchmarks of this checkout; bench/README.md describes the method. `fastbatch bench` is the door for users.

    python bench/run.py                                    everything (about half an hour on two cores)
    python bench/run.py --smoke                            everything, tiny: does it work? (under a minute)
    python bench/run.py --scenario rows_shuffled --rivals fastbatch,numpy --rounds 5

The results go to bench/results, with --smoke to the folder of the data.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if any((HERE.parent / "src/fastbatch").glob("_core*")):  # built in place; else the installed package is measured
    sys.path.insert(0, str(HERE.parent / "src"))

from fastbatch.bench import data, report, results, scenarios, settings  # noqa: E402
from fastbatch.bench.run import has_failed, run  # noqa: E402


def main() -> int:
    """Run the selected scenarios; return 1 if a contestant failed (a missed target is not a failure)."""
    arguments = parse(sys.argv[1:])

    def show(name: str, result: dict[str, object]) -> None:
        report.show(name, result)
        sys.stdout.flush()

    found = run(
        settings.Settings(
            scenarios=tuple(arguments.scenario),
            rivals=arguments.rivals and tuple(arguments.rivals),
            rounds=arguments.rounds or (1 if arguments.smoke else 7),
            threads=(arguments.threads,),
            smoke=arguments.smoke,
            subject=arguments.subject,
            data=arguments.data,
        ),
        show=show,
    )
    kept = arguments.results or (arguments.data if arguments.smoke else HERE) / "results"
    print(f"\nwritten to {results.save(found, kept / f'{results.name()}.json')}")
    return 1 if has_failed(found) else 0


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    listed = lambda text: text.split(",")  # noqa: E731
    parser.add_argument("--scenario", type=listed, default=list(scenarios.NAMES), help=", ".join(scenarios.NAMES))
    parser.add_argument("--rivals", type=listed, help="contestants, or whole libraries (torch); default: all")
    parser.add_argument("--rounds", type=int, help="timed epochs of each contestant (default 7, with --smoke 1)")
    parser.add_argument("--threads", type=int, default=settings.available_cpus(), help="threads or workers")
    parser.add_argument(
        "--smoke", action="store_true", help="everything at tiny sizes: shows that it works, not how fast"
    )
    parser.add_argument(
        "--subject", default="fastbatch", help="what the measurements measure: fastbatch or fastbatch.pure"
    )
    parser.add_argument("--data", type=Path, default=data.default_folder(), help="where the data sets are kept")
    parser.add_argument("--results", type=Path, help="folder of the result file (bench/results; smoke: in --data)")
    arguments = parser.parse_args(words)
    unknown = set(arguments.scenario) - set(scenarios.NAMES)
    if unknown:
        parser.error(f"no scenario {', '.join(sorted(unknown))}; there are {', '.join(scenarios.NAMES)}")
    return arguments


if __name__ == "__main__":
    sys.exit(main())
