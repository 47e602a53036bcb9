# SPDX-License-Identifier: MIT
"""The verdict of a race: one sentence, or why there is none. A noisy machine gives no verdict."""

from __future__ import annotations

from statistics import median, quantiles
from typing import Any

from .labels import label
from .report import OURS, fastest_rival

MOST_OTHERS = 0.10  # of all CPUs, that other programs may take while epochs are timed
MOST_SPREAD = 0.20  # of the ratio: its middle half, relative to its median
FEWEST_ROUNDS = 3
STEADY = 0.10  # spread of the rates of fastbatch and of the limit: beyond, the machine varies, and not the other loader
SAME = 0.03  # a ratio this close to 1 is no difference


def ratios(race: dict[str, Any], of: str, to: str) -> list[float]:
    """Return the ratio of two contestants in each round."""
    pair = (race["contestants"][name]["rates"] for name in (of, to))
    return [a / b for a, b in zip(*pair, strict=True)]


def spread(values: list[float]) -> float:
    """Return the width of the middle half of some values, relative to their median."""
    low, _, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / median(values)


def verdict(race: dict[str, Any]) -> dict[str, Any]:
    """Return `words`, and `is_sound`: whether they are a verdict. If so, also `ratio`, `low`, `high` and `to`.

    `is_noisy`: the machine was too noisy for this or any other statement about speed.
    """
    ran = {name: one for name, one in race["contestants"].items() if one.get("rates")}
    if "fastbatch" not in ran:
        return _none("fastbatch did not run.")
    if (n := len(ran["fastbatch"]["rates"])) < FEWEST_ROUNDS:
        return _none(f"{n} round{'s were' if n > 1 else ' was'} timed, at least {FEWEST_ROUNDS} are needed.")
    best = fastest_rival(race)
    values = ratios(race, "fastbatch", best) if best else []
    if reason := too_noisy(race, values):
        words = f"No verdict, the machine was too noisy: {reason}"
        return {"is_sound": False, "is_noisy": True, "words": words}
    if best is None:
        return _none("another loader did not run.")
    middle, low, high = median(values), min(values), max(values)
    found = {"is_sound": True, "is_noisy": False, "to": best, "ratio": middle, "low": low, "high": high}
    first, _, third = quantiles(values, n=4, method="inclusive")
    is_same = abs(middle - 1) <= SAME or first < 1 < third
    words = _words(middle, low, high, best, is_same)
    if spread(values) > MOST_SPREAD:
        varied = spread(race["contestants"][best]["rates"])
        words += f" Its own rate varies: the middle half of its rounds spreads over {varied:.0%} of their median."
    return {**found, "words": words}


def _none(reason: str) -> dict[str, Any]:
    return {"is_sound": False, "is_noisy": False, "words": f"No verdict: {reason}"}


def too_noisy(race: dict[str, Any], values: list[float]) -> str:
    """Return what was too noisy for a verdict, and what to do; "" if nothing was.

    Args:
        race: The race.
        values: The ratios of the rounds, if there is another loader.
    """
    others = race.get("noise", {}).get("others")
    if others is not None and others > MOST_OTHERS:
        used = f"other programs used {others:.0%} of its CPUs while epochs were timed (at most {MOST_OTHERS:.0%})"
        return f"{used}. Close them and repeat."
    if values and (width := spread(values)) > MOST_SPREAD and not _is_steady(race):
        varied = f"the middle half of the ratios spread over {width:.0%} of their median (at most {MOST_SPREAD:.0%})"
        if others is None:
            return f"{varied}. Close other programs and repeat."
        return f"{varied}. Other programs used {others:.0%} of its CPUs: repeat at another time."
    return ""


def _is_steady(race: dict[str, Any]) -> bool:
    """Return whether fastbatch and the limit were as fast in each round: then it is the other loader that varies."""
    steady = filter(None, ("fastbatch", limit_of(race)))
    return all(spread(race["contestants"][name]["rates"]) <= STEADY for name in steady)


def _words(middle: float, low: float, high: float, best: str, is_same: bool) -> str:
    rounds = f"{low:.2f} to {high:.2f} in single rounds"
    if is_same:
        return f"fastbatch and the fastest other loader, {label(best)}, are equally fast ({rounds})."
    if middle > 1:
        return f"fastbatch is {middle:.2f} times as fast as the fastest other loader, {label(best)} ({rounds})."
    return f"fastbatch has {middle:.0%} of the speed of the fastest other loader, {label(best)} ({rounds})."


def share_of_limit(race: dict[str, Any]) -> float | None:
    """Return fastbatch's rate as a fraction of the limit; None if it was not measured, or on a noisy machine."""
    if race.get("verdict", {}).get("is_noisy"):
        return None
    limit = limit_of(race)
    if limit is None or not race["contestants"].get("fastbatch", {}).get("rates"):
        return None
    return median(ratios(race, "fastbatch", limit))


def limit_of(race: dict[str, Any]) -> str | None:
    """Return the limit that fastbatch is compared with: "limit" itself, or the first of its variants by name."""
    limits = [name for name, one in race["contestants"].items() if name.startswith("limit") and one.get("rates")]
    return min(limits, default=None)


def is_ours(contestant: str) -> bool:
    """Return whether a contestant is fastbatch, `fastbatch.pure` or a limit."""
    return contestant.partition("-")[0] in OURS
