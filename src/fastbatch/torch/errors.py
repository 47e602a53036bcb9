# SPDX-License-Identifier: MIT
"""Errors of datasets and samplers: of torch's class, with a message that names the batch and the index."""

from __future__ import annotations

import weakref
from typing import Any

from fastbatch.checks import shown
from fastbatch.errors import add_note


def fetch(fetcher: Any, index: Any, k: int) -> Any:
    """Return what torch's fetcher of a map-style dataset makes of batch `k`; errors name the batch and the index."""
    dataset = fetcher.dataset
    place = f"batch {k}, {listed(index)}"
    try:
        if not fetcher.auto_collation:
            samples = dataset[index]
        elif getattr(dataset, "__getitems__", None):
            samples = dataset.__getitems__(index)
        else:
            samples = []
            for one in index:
                place = f"batch {k}, index {shown(one)}"
                samples.append(dataset[one])
            place = f"batch {k}, {listed(index)}"
        return fetcher.collate_fn(samples)
    except StopIteration as error:
        raise no_end(error, place) from error
    except Exception as error:
        raise placed(error, place) from error


def noting(fetcher: Any) -> None:
    """Let a fetcher that torch made add a note with the batch and its indices to the errors of a dataset."""
    fetch_as_torch, this, k = type(fetcher).fetch, weakref.ref(fetcher), -1

    def noted(index: Any) -> Any:
        nonlocal k
        k += 1
        try:
            return fetch_as_torch(this(), index)
        except StopIteration as error:
            raise no_end(error, f"batch {k}, {listed(index)}") from error
        except Exception as error:
            add_note(error, f"fastbatch: batch {k}, {listed(index)}")
            raise

    fetcher.fetch = noted


def no_end(error: StopIteration, place: str) -> RuntimeError:
    """Return what is raised instead of a dataset's or a collate_fn's StopIteration, which would end the epoch early."""
    return RuntimeError(f"{place}: a dataset or collate_fn raised {shown(error)}")


def placed(error: Exception, place: str) -> Exception:
    """Return an error of the same class whose message begins with a place.

    An error whose class wants other arguments than a message keeps its own, and gets a note. StopIteration, which
    would end the epoch early, becomes a RuntimeError.
    """
    if isinstance(error, StopIteration):
        return no_end(error, place)
    if len(error.args) == 1 and isinstance(error.args[0], (str, int)):
        try:
            made = type(error)(f"{place}: {error.args[0]}")
        except Exception:
            add_note(error, f"fastbatch: {place}")
            return error
        if made.args:
            made.__dict__.update(error.__dict__)
            return made
    add_note(error, f"fastbatch: {place}")
    return error


def listed(index: Any) -> str:
    """Return a batch's indices in words."""
    if not isinstance(index, (list, tuple)):
        return f"index {shown(index)}"
    if len(index) == 1:
        return f"index {shown(index[0])}"
    return (
        f"indices {shown(index)}"
        if len(index) <= 8
        else f"indices {shown(index[0])} to {shown(index[-1])}, {len(index)} in all"
    )
