# SPDX-License-Identifier: MIT
"""fastbatch.pure: the same loader in plain Python, NumPy and Pillow."""

from __future__ import annotations

from fastbatch.bench.job import Feed, Job
from fastbatch.bench.rivals.fastbatch import build


def open_feed(variant: str, job: Job) -> Feed:
    from fastbatch import pure

    loader = build(pure, job)
    return Feed(epoch=lambda: loader, config="plain Python", close=loader.close)
