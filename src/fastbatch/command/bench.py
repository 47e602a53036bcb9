# SPDX-License-Identifier: MIT
"""`fastbatch bench`: races against other loaders on this machine."""

from __future__ import annotations

import json as json_module
import signal
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from fastbatch.checks import shown

from . import EXIT_FAILED, CommandError, missing, require
from .options import Json, Option

if TYPE_CHECKING:
    from fastbatch.bench.settings import Settings

EXIT_NOISY = 3

EXAMPLES = [
    ("fastbatch bench", "five races, minutes"),
    ("fastbatch bench --images ~/photos", "your own photographs"),
    ("fastbatch bench --scenario windows --threads 1,2", "one race, twice"),
    ("fastbatch bench --rivals torch,fastbatch", "against PyTorch alone"),
    ("fastbatch bench --isa avx2,scalar", "instruction sets"),
    ("fastbatch bench --compare old/results.json", "better or worse?"),
    ("fastbatch bench --list", "scenarios and libraries"),
]


def run(
    scenario: Annotated[
        str | None, Option("scenarios, with commas, or `all` (default: a few that matter most)", metavar="NAMES")
    ] = None,
    images: Annotated[Path | None, Option("your own photographs (JPEG), for the races that read some", "DIR")] = None,
    rivals: Annotated[str | None, Option("contestants or libraries (default: all installed)", metavar="NAMES")] = None,
    threads: Annotated[str | None, Option("numbers of threads (default: one per CPU)", metavar="N,N")] = None,
    isa: Annotated[str | None, Option("instruction sets for fastbatch, as avx2,scalar", metavar="NAMES")] = None,
    rounds: Annotated[int, Option("timed epochs of each contestant", metavar="N", at_least=1)] = 7,
    out: Annotated[Path, Option("where report and results go", metavar="DIR")] = Path("fastbatch-bench"),
    data: Annotated[Path | None, Option("where the data sets are kept (default: in the cache)", metavar="DIR")] = None,
    compare: Annotated[Path | None, Option("an older results.json to compare with", metavar="FILE")] = None,
    margin: Annotated[float, Option("by how much a ratio may be worse with --compare", metavar="X", at_least=0)] = 0.1,
    smoke: Annotated[bool, Option("tiny data: shows that everything works, not how fast")] = False,
    list: Annotated[bool, Option("list the scenarios and libraries, and stop")] = False,
    json: Json = False,
) -> int:
    """Race fastbatch against the other loaders on this machine.

    Data sets are made once (scikit-image and scikit-learn have the photographs). Batches are compared before they are
    timed; loaders take turns; a C++ program shows what the machine can do, if a compiler and libjpeg are there. Writes
    results.json, report.html and a picture for each race.

    Exit codes: 0 done; 1 a contestant failed, or worse than --compare; 3 a race has no verdict: too noisy a machine.
    """
    require("bench", {"rich": "Rich"})
    if not hasattr(signal, "SIGSTOP"):
        raise CommandError("races need POSIX signals, by which loaders that wait are stopped: not on this system")
    from rich.console import Console

    from fastbatch.bench import results, terminal
    from fastbatch.bench.run import has_failed
    from fastbatch.bench.run import run as run_scenarios

    if list:
        _list(json)
        return 0
    settings = _settings(scenario, images, rivals, threads, isa, rounds, data, smoke)
    older = _older(compare)
    console = Console(stderr=json)
    with terminal.ProgressBar(settings, Console(stderr=True)) as watch:

        def show(name: str, result: dict[str, Any]) -> None:
            with watch.hidden():
                terminal.show(name, result, console)

        found = run_scenarios(settings, watch, show)
    compared = _compared(older, found, margin)
    when = f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC"
    results.save(found, out / "results.json")
    pictures = _write(found, compared, out, when)
    if json:
        print(json_module.dumps(found, indent=1))
    if compared:
        console.print("\n".join(compared[0]), highlight=False, markup=False)
    console.print(f"{out / 'report.html'}, {out / 'results.json'}, {pictures}", highlight=False, markup=False)
    if has_failed(found) or (compared and compared[1]):
        return EXIT_FAILED
    noisy = [one for one in found["scenarios"].values() if one.get("verdict", {}).get("is_noisy")]
    return EXIT_NOISY if noisy else 0


def _settings(
    scenario: str | None,
    images: Path | None,
    rivals: str | None,
    threads: str | None,
    isa: str | None,
    rounds: int,
    data: Path | None,
    smoke: bool,
) -> Settings:
    from fastbatch.bench.settings import Settings
    from fastbatch.native import kernels

    given: dict[str, Any] = {"rounds": 1 if smoke else rounds, "smoke": smoke, "images": images}
    if images is not None:
        if not images.is_dir():
            raise CommandError(f"--images {images}: there is no such folder")
        given["scenarios"] = _own_scenarios()
    if scenario is not None:
        given["scenarios"] = _names("--scenario", scenario, _scenarios(), everything="all")
    if rivals is not None:
        given["rivals"] = tuple(rivals.split(","))
    if threads is not None:
        given["threads"] = _counts(threads)
    if isa is not None:
        given["simd"] = _names("--isa", isa, tuple(kernels.supported_targets()))
    if data is not None:
        given["data"] = data
    return Settings(**given)


def _names(option: str, text: str, known: tuple[str, ...], everything: str = "") -> tuple[str, ...]:
    if text == everything:
        return known
    names = tuple(text.split(","))
    for name in names:
        if name not in known:
            raise CommandError(f"{option}: expected some of {', '.join(known)}, found {shown(name)}")
    return names


def _counts(text: str) -> tuple[int, ...]:
    words = text.split(",")
    if not all(word.isdecimal() and 1 <= int(word) <= 1024 for word in words):
        raise CommandError(f"--threads: expected whole numbers of 1 to 1024, as 1,2,4, found {shown(text)}")
    return tuple(map(int, words))


def _scenarios() -> tuple[str, ...]:
    from fastbatch.bench import scenarios

    return scenarios.NAMES


def _own_scenarios() -> tuple[str, ...]:
    """Return the scenarios that can read the user's photographs."""
    import importlib

    modules = {name: importlib.import_module(f"fastbatch.bench.scenarios.{name}") for name in _scenarios()}
    return tuple(name for name, module in modules.items() if hasattr(module, "adapt"))


def _list(json: bool) -> None:
    import importlib

    from fastbatch.bench import rivals
    from fastbatch.bench.labels import title

    names = {
        name: title(name, importlib.import_module(f"fastbatch.bench.scenarios.{name}").__doc__ or "")
        for name in _scenarios()
    }
    libraries = {name: missing({module: module for module in needs}) for name, needs in rivals.DISTRIBUTIONS.items()}
    if json:
        print(json_module.dumps({"scenarios": names, "missing": libraries}, indent=1))
        return
    print("\n".join(f"{name:<22} {words}" for name, words in names.items()))
    print("\nlibraries:")
    for name, absent in libraries.items():
        print(f"  {name:<20} {'missing: ' + ', '.join(absent) if absent else 'installed'}")


def _older(compare: Path | None) -> dict[str, Any] | None:
    if compare is None:
        return None
    try:
        older: dict[str, Any] = json_module.loads(compare.read_text())
    except (OSError, ValueError) as error:
        raise CommandError(f"--compare {compare}: cannot be read: {error}") from error
    if not isinstance(older, dict) or "scenarios" not in older:
        raise CommandError(f"--compare {compare}: expected a results.json of fastbatch bench")
    return older


def _compared(older: dict[str, Any] | None, found: dict[str, Any], margin: float) -> tuple[list[str], int] | None:
    from fastbatch.bench.compare import compare

    return None if older is None else compare(older, found, margin)


def _write(found: dict[str, Any], compared: tuple[list[str], int] | None, out: Path, when: str) -> str:
    """Write the report, and a picture for each race if Matplotlib is installed; return what there is of pictures."""
    from fastbatch.bench import bars, page

    (out / "report.html").write_text(page.page(found, compared and compared[0], when), encoding="utf-8")
    if missing({"matplotlib": "Matplotlib"}):
        return 'no pictures: pip install "fastbatch[plot]" brings Matplotlib'
    machine = (
        f"{found['machine']['cpu']}, {found['machine']['cpus']} CPUs, fastbatch {found['code']['version']}, {when}"
    )
    races = {name: one for name, one in found["scenarios"].items() if "contestants" in one}
    names = [f"{name.replace(' ', '-').replace(',', '')}.png" for name in races]
    drawn = [
        bars.save(name, race, out / file, machine) for (name, race), file in zip(races.items(), names, strict=True)
    ]
    return f"{sum(drawn)} picture{'' if sum(drawn) == 1 else 's'}"
