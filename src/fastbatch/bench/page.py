# SPDX-License-Identifier: MIT
"""The report as one HTML page that needs no other file: verdicts first, then a picture for each race, then details."""

from __future__ import annotations

from html import escape
from typing import Any

from fastbatch.checks import n_of

from .labels import label, title
from .svg import bars
from .verdict import share_of_limit

STYLE = """
:root { --ink: #1c2526; --soft: #5b6b6e; --line: #d9e0e1; --paper: #fff; --box: #f3f7f7; --ours: #00796b;
  --own: #80b8b0; --other: #90a0a5; --limit: #b3541e; --bad: #b00020 }
@media (prefers-color-scheme: dark) { :root { --ink: #e4ebec; --soft: #9fb0b3; --line: #37474a; --paper: #151b1c;
  --box: #1e2728; --ours: #4db6ac; --own: #2f6d66; --other: #6f8085; --limit: #e08a52; --bad: #ff7a85 } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 62rem;
  margin: 0 auto; padding: 1.5rem 1.25rem 4rem }
h1 { font-size: 1.7rem; margin: 0 0 .3rem } h2 { font-size: 1.2rem; margin: 2.8rem 0 .3rem }
p { margin: .4rem 0 } .soft { color: var(--soft) } code { font-size: .92em }
.box { background: var(--box); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1.1rem;
  margin: 1.2rem 0 }
.bad { border-left: 5px solid var(--bad) } .verdict { font-weight: 600 }
table { border-collapse: collapse; width: 100%; margin: .6rem 0 }
td, th { text-align: left; padding: .3rem .7rem .3rem 0;
  border-bottom: 1px solid var(--line); vertical-align: top } th { font-weight: 600; color: var(--soft) }
td:first-child { width: 45% } a { color: inherit }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.big { font-size: 1.25rem; font-weight: 700; color: var(--ours) } .scroll { overflow-x: auto }
pre { white-space: pre-wrap; overflow-wrap: anywhere }
details { margin: .5rem 0 } summary { cursor: pointer; color: var(--soft) } ul { margin: .3rem 0; padding-left: 1.2rem }
svg { width: 100%; min-width: 44rem; height: auto; display: block }
svg text { font: 13px system-ui, sans-serif; fill: var(--ink) }
svg .soft { fill: var(--soft) } svg .ours { fill: var(--ours) } svg .own { fill: var(--own) }
svg .other { fill: var(--other) } svg .limit { fill: var(--limit) } svg .bold { font-weight: 700 }
svg .whisker { stroke: var(--ink); stroke-width: 1.5 } svg .mark { stroke: var(--limit); stroke-width: 1.5;
  stroke-dasharray: 4 3 }
"""


def page(results: dict[str, Any], comparison: list[str] | None = None, when: str = "") -> str:
    """Return the HTML of a report.

    Args:
        results: As `run` returns them.
        comparison: The lines of `compare`, if there is an older run.
        when: The time of the run, as it is shown.
    """
    races = {name: one for name, one in results["scenarios"].items() if "contestants" in one}
    others = {name: one for name, one in results["scenarios"].items() if "values" in one}
    skipped = {name: one["skipped"] for name, one in results["scenarios"].items() if "skipped" in one}
    parts = [
        _head(results, when),
        _warnings(results, races),
        _summary(races) if races else "",
        _reading() if races else "",
        *(_race(name, race) for name, race in races.items()),
        *(_measurement(name, one) for name, one in others.items()),
        _skipped(skipped),
        _comparison(comparison),
        _repeat(results),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>fastbatch bench</title><style>{STYLE}</style></head>\n<body>\n"
        + "\n".join(part for part in parts if part)
        + "\n</body></html>\n"
    )


def _head(results: dict[str, Any], when: str) -> str:
    machine, code = results["machine"], results["code"]
    threads = results["threads"]
    counts = ", ".join(map(str, threads)) if isinstance(threads, list) else str(threads)
    facts = [
        f"{machine['cpu']}, {machine['cpus']} CPUs, {machine['memory_gib']:.0f} GiB",
        f"fastbatch {code.get('version', '')} with {code['simd']} kernels, Python {machine['python']}",
        f"threads: {counts}; {n_of(results['rounds'], 'round')}" + (f"; {when}" if when else ""),
    ]
    shown = "<br>".join(map(escape, facts))
    return f'<h1>How fast are data loaders on this machine?</h1><p class="soft">{shown}</p>'


def _warnings(results: dict[str, Any], races: dict[str, Any]) -> str:
    noisy = [name for name, race in races.items() if race.get("verdict", {}).get("is_noisy")]
    words = []
    if results["smoke"]:
        words.append("This was a smoke run on tiny data: it shows that everything works. Its figures mean nothing.")
    if noisy:
        words.append(
            f"The machine was too noisy for {len(noisy)} of {len(races)} races: other programs ran, or the figures "
            "varied too much. The pictures are shown, but there is no verdict."
        )
    return f'<div class="box bad">{"".join(f"<p>{escape(one)}</p>" for one in words)}</div>' if words else ""


def _summary(races: dict[str, Any]) -> str:
    rows = []
    for name, race in races.items():
        found = race.get("verdict", {})
        if found.get("is_sound"):
            ratio = f'<span class="big">{found["ratio"]:.2f} &times;</span> as fast as {escape(label(found["to"]))}'
            against = f'{ratio}<br><span class="soft">{found["low"]:.2f} to {found["high"]:.2f} in single rounds</span>'
        else:
            against = "no verdict"
        limit = share_of_limit(race)
        rows.append(
            f'<tr><td><a href="#{_anchor(name)}">{escape(title(name, race["question"]))}</a></td>'
            f'<td>{against}</td><td class="number">{"-" if limit is None else f"{limit:.0%}"}</td></tr>'
        )
    return (
        '<div class="scroll"><table><tr><th>Question</th><th>fastbatch against the fastest other loader</th>'
        f'<th class="number">of the limit</th></tr>{"".join(rows)}</table></div>'
    )


def _reading() -> str:
    lines = [
        "A bar is the number of samples that a loader delivers in a second: longer is better. It is the median of all "
        "rounds; the thin line goes from the slowest round to the fastest.",
        "All loaders read the same data and prepare the same batches. Before the time of a loader counts, its batches "
        "are compared with the expected ones: the text beside its bar says how they agree.",
        "Each loader runs in a process of its own, and the loaders take turns, so that a busy moment hits all alike. A "
        "ratio is taken within each round, and the median of these ratios is shown.",
        "The machine's limit is a C++ program that does the least work that a loader must do: it copies the rows, or "
        "decodes the photographs with libjpeg-turbo, and hands nothing over to Python. Only a loader with a decoder of "
        "its own can be faster, as fastbatch is for some photographs.",
    ]
    items = "".join(f"<li>{escape(one)}</li>" for one in lines)
    return f'<details class="box" open><summary>How to read this page</summary><ul>{items}</ul></details>'


def _race(name: str, race: dict[str, Any]) -> str:
    found = race.get("verdict", {"words": ""})
    return (
        f'<h2 id="{_anchor(name)}">{escape(title(name, race["question"]))}</h2>'
        f'<p class="soft"><code>{escape(name)}</code>: {escape(_work(race))}</p>'
        f'<div class="scroll">{bars(race)}</div><p class="verdict">{escape(found["words"])}</p>{_details(race)}'
    )


def _work(race: dict[str, Any]) -> str:
    job = race.get("job", {})
    words = [f"{job['n']:,} samples in batches of {job['batch_size']}"] if job else []
    if job:
        words.append("shuffled" if job.get("shuffle") else "in the order of the file")
        words.append(f"{job['threads']} thread{'s' if job['threads'] != 1 else ''}")
    words.append("file not in memory" if race.get("cache") == "cold" else "files in the page cache")
    others = race.get("noise", {}).get("others")
    if others is not None:
        words.append(f"other programs used {others:.0%} of the CPUs")
    return ", ".join(words)


def _details(race: dict[str, Any]) -> str:
    rows = []
    for name, one in sorted(race["contestants"].items(), key=lambda item: -item[1].get("median", 0)):
        if "rates" not in one:
            rows.append(f'<tr><td>{escape(label(name))}</td><td colspan="6">{escape(one["skipped"])}</td></tr>')
            continue
        versions = ", ".join(f"{library} {version}" for library, version in one.get("versions", {}).items())
        cells = [f"{one[key]:,.0f}" for key in ("median", "min", "max", "per_cpu_s")] + [f"{one['cores']:.1f}"]
        rows.append(
            f"<tr><td>{escape(label(name))}<br><code>{escape(name)}</code></td>"
            + "".join(f'<td class="number">{cell}</td>' for cell in cells)
            + f'<td>{escape(one["check"])}<br><span class="soft">{escape(one["config"])}'
            + f"{'; ' + escape(versions) if versions else ''}</span></td></tr>"
        )
    heads = ("median", "min", "max", "per second of CPU", "busy cores")
    return (
        f"<details><summary>All figures, in {escape(race['unit'])}; settings and versions</summary>"
        '<div class="scroll"><table><tr><th>loader</th>'
        + "".join(f'<th class="number">{head}</th>' for head in heads)
        + f"<th>batches; settings</th></tr>{''.join(rows)}</table></div></details>"
    )


def _measurement(name: str, one: dict[str, Any]) -> str:
    rows = "".join(
        f'<tr><td>{escape(what)}</td><td class="number">{value:,.3f}</td></tr>' for what, value in one["values"].items()
    )
    return (
        f'<h2 id="{_anchor(name)}">{escape(title(name, one["question"]))}</h2>'
        f'<p class="soft"><code>{escape(name)}</code></p><table>{rows}</table>'
    )


def _skipped(skipped: dict[str, str]) -> str:
    items = "".join(f"<li><code>{escape(name)}</code>: {escape(why)}</li>" for name, why in skipped.items())
    return f"<h2>Left out</h2><ul>{items}</ul>" if items else ""


def _comparison(lines: list[str] | None) -> str:
    if lines is None:
        return ""
    return f"<h2>Compared with the older run</h2><pre>{escape(chr(10).join(lines))}</pre>"


def _repeat(results: dict[str, Any]) -> str:
    names = ",".join(dict.fromkeys(name.split(",")[0] for name in results["scenarios"]))
    threads = results["threads"]
    counts = ",".join(map(str, threads)) if isinstance(threads, list) else str(threads)
    images = f" --images {results['images']}" if results.get("images") else ""
    command = f"fastbatch bench --scenario {names} --rounds {results['rounds']} --threads {counts}{images}"
    command += " --smoke" * results["smoke"]
    return f"<h2>Repeat it</h2><pre>{escape(command)}</pre>"


def _anchor(name: str) -> str:
    return escape(name.replace(" ", "-").replace(",", ""), quote=True)
