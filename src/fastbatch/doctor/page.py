# SPDX-License-Identifier: MIT
"""The report as one HTML file, which loads nothing from elsewhere."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from . import words

if TYPE_CHECKING:
    from .verdict import Diagnosis, LoopReport

_STYLE = """
:root { --ink: #1d2733; --dim: #5d6b7a; --paper: #fff; --card: #f4f6f8; --line: #d9dfe5; --wait: #c8553d;
  --work: #2a7f73; --good: #2a7f73; --bad: #b03a2e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e9ee; --dim: #9aa7b4; --paper: #14191f; --card: #1d242c;
  --line: #323c47; --wait: #e07a5f; --work: #4fb3a5; --good: #6fcf97; --bad: #eb8a7d; } }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 0 auto;
  max-width: 58rem; padding: 2rem 1.25rem 4rem; }
h1 { font-size: 1.6rem; line-height: 1.3; margin: .2rem 0 .6rem; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; }
.dim, dt { color: var(--dim); }
.command { font-family: ui-monospace, monospace; font-size: .85rem; color: var(--dim); overflow-wrap: anywhere; }
.bar { display: flex; height: 2.2rem; border-radius: .4rem; overflow: hidden; margin: .4rem 0;
  background: var(--card); }
.bar span { display: block; min-width: 2px; }
.key { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; font-size: .9rem; }
.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin-right: .4rem;
  vertical-align: -.05rem; }
dl { display: grid; grid-template-columns: 9rem 1fr; gap: .15rem 1rem; margin: .8rem 0; }
dd { margin: 0; overflow-wrap: anywhere; }
.advice { border-left: .25rem solid var(--work); background: var(--card); padding: .6rem 1rem;
  border-radius: 0 .4rem .4rem 0; }
pre { background: var(--card); padding: .8rem 1rem; border-radius: .4rem; overflow-x: auto; font-size: .85rem;
  line-height: 1.45; }
.plus { color: var(--good); } .minus { color: var(--bad); }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
td { text-align: left; padding: .25rem .6rem .25rem 0; border-bottom: 1px solid var(--line); overflow-wrap: anywhere; }
td.n { text-align: right; white-space: nowrap; padding-right: 1rem; width: 6rem; }
.rate { display: grid; grid-template-columns: 9rem 1fr 8rem; gap: .3rem 1rem; align-items: center; }
.rate b { display: block; height: 1.1rem; border-radius: .25rem; }
"""
_COLOURS = {
    "decode": "#3c6fb0",
    "transform": "#7a5aa6",
    "python": "#c98a2b",
    "library": "#8a8f3c",
    "collate": "#4a9aa8",
    "hand-over": "#a85a7a",
    "disk": "#7d4a2e",
    "waiting": "#9aa3ad",
}


def page(diagnosis: Diagnosis) -> str:
    """Return the report of a diagnosis as an HTML document."""
    parts = [
        f'<p class="command">{escape(words.title(diagnosis))}</p>',
        f"<h1>{escape(words.headline(diagnosis))}</h1>",
    ]
    for i, loop in enumerate(diagnosis.loops[:4]):
        parts += _loop(loop, is_first=i == 0)
    for comparison in diagnosis.observed.beside:
        parts += _comparison(diagnosis, comparison)
    for diff in words.diffs(diagnosis):
        parts += ["<h2>The lines to change</h2>", f"<pre>{_coloured(diff)}</pre>"]
    parts += _files(diagnosis)
    parts += ["<h2>Machine</h2>", *(f"<p>{escape(line)}</p>" for line in words.machine(diagnosis))]
    body = "\n".join(parts)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
    return (
        f'<!doctype html><html lang="en"><head><title>fastbatch doctor</title>{head}</head><body>{body}</body></html>\n'
    )


def _loop(loop: LoopReport, is_first: bool) -> list[str]:
    parts = [] if is_first else [f"<h2>{escape(loop.name)}</h2>"]
    if loop.share is not None:
        shares = [("waiting for data", loop.share, "var(--wait)"), ("working", 1 - loop.share, "var(--work)")]
        parts += ["<h2>The loop</h2>"] if is_first else []
        parts += _bar(shares)
    if loop.parts and loop.limit != "none":
        parts.append("<h2>What making a batch takes</h2>")
        parts += _bar([(words.NAMES[kind], share, _COLOURS[kind]) for kind, share in loop.parts.items()])
    rows = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>"
        for name, value in words.details(loop)
        if name != "making a batch"
    )
    parts.append(f"<dl>{rows}</dl>")
    if words.advice(loop):
        parts.append(f'<p class="advice">{_code(words.advice(loop))}</p>')
    return parts


def _bar(shares: list[tuple[str, float, str]]) -> list[str]:
    total = sum(share for _, share, _ in shares) or 1.0
    spans = "".join(
        f'<span style="width:{100 * share / total:.2f}%;background:{colour}" title="{escape(name)}"></span>'
        for name, share, colour in shares
    )
    key = "".join(
        f'<span><i style="background:{colour}"></i>{escape(name)} {words.percent(share)}</span>'
        for name, share, colour in shares
    )
    return [f'<div class="bar">{spans}</div>', f'<div class="key">{key}</div>']


def _comparison(diagnosis: Diagnosis, comparison: dict[str, Any]) -> list[str]:
    parts = [f"<h2>With fastbatch: {escape(comparison['name'])}</h2>"]
    theirs, ours = comparison.get("theirs_per_s"), comparison.get("ours_per_s")
    if theirs and ours:
        most = max(theirs, ours)
        rows = "".join(
            f'<span>{name}</span><b style="width:{100 * rate / most:.1f}%;background:{colour}"></b>'
            f"<span>{rate:,.1f} batches/s</span>"
            for name, rate, colour in (("now", theirs, "var(--wait)"), ("fastbatch", ours, "var(--work)"))
        )
        parts.append(f'<div class="rate">{rows}</div>')
    lines = words.compared(comparison, words.gain(diagnosis.loops, comparison))
    parts += [f"<p>{_code(line)}</p>" for line in lines]
    if comparison.get("explain"):
        parts.append(f"<pre>{escape(comparison['explain'])}</pre>")
    return parts


def _files(diagnosis: Diagnosis) -> list[str]:
    times = diagnosis.files
    if not times.count:
        return []
    parts = ["<h2>Files</h2>", *(f"<p>{escape(line)}</p>" for line in words.files(diagnosis) if line[:1] != " ")]
    if times.slowest:
        rows = "".join(
            f'<tr><td class="n">{words.seconds(time_s)}</td><td>{escape(path)}</td></tr>'
            for time_s, path in times.slowest
        )
        parts.append(f"<table>{rows}</table>")
    return parts


def _coloured(diff: str) -> str:
    return "\n".join(f'<span class="{_kind(line)}">{escape(line)}</span>' for line in diff.splitlines())


def _kind(line: str) -> str:
    if line.startswith(("+++ ", "--- ")):
        return "dim"
    return {"+": "plus", "-": "minus"}.get(line[:1], "dim")


def _code(text: str) -> str:
    """Return HTML of a text in which `code` is marked."""
    pieces = escape(text).split("`")
    return "".join(f"<code>{piece}</code>" if i % 2 else piece for i, piece in enumerate(pieces))
