# SPDX-License-Identifier: MIT
"""A `DataLoader` of torch's beside fastbatch's."""

from __future__ import annotations

import copy
from typing import Any

from .race import race


def compare(loader: Any, seconds: float) -> dict[str, Any]:
    """Return the comparison of a loader with the same one of `fastbatch.torch`."""
    import torch.utils.data

    from fastbatch.torch import DataLoader

    found: dict[str, Any] = {"theirs": "torch.utils.data.DataLoader", "ours": "fastbatch.torch.DataLoader"}
    if type(loader) is not torch.utils.data.DataLoader:
        return {**found, "problem": f"{type(loader).__name__} is a class of its own"}
    if loader.persistent_workers:
        loader = copy.copy(loader)
        loader.__dict__["persistent_workers"] = False
    ours: Any = DataLoader(loader.dataset, **options_of(loader))
    explanation = ours.explain()
    found["explain"] = repr(explanation)
    if not explanation.native:
        why = next((f"{row.part}: {row.why}" for row in explanation if row.runs != "native"), "")
        return {**found, "problem": f"fastbatch would run it as torch does ({why})", "advice": _advice(loader)}
    generators = _generators(loader)
    states = [generator.get_state() for generator in generators]

    def fresh(one: Any) -> Any:
        for generator, state in zip(generators, states, strict=True):
            generator.set_state(state)
        return one

    try:
        return {**found, **race(lambda: fresh(loader), lambda: fresh(ours), seconds)}
    finally:
        fresh(None)


def options_of(loader: Any) -> dict[str, Any]:
    """Return the arguments that make the same loader."""
    import torch.utils.data

    names = ("num_workers", "collate_fn", "pin_memory", "timeout", "worker_init_fn", "generator", "prefetch_factor")
    options = {name: getattr(loader, name) for name in names}
    if loader.num_workers:
        options["multiprocessing_context"] = loader.multiprocessing_context
    is_map = not isinstance(loader.dataset, torch.utils.data.IterableDataset)
    if loader.batch_size is None and loader.batch_sampler is not None:
        return {**options, "batch_sampler": loader.batch_sampler}
    if is_map:
        options["sampler"] = loader.sampler
    return {**options, "batch_size": loader.batch_size, "drop_last": loader.drop_last}


def _generators(loader: Any) -> list[Any]:
    holders = (loader, loader.sampler, getattr(loader.batch_sampler, "sampler", None))
    found = [getattr(holder, "generator", None) for holder in holders]
    return [g for i, g in enumerate(found) if g is not None and all(g is not other for other in found[:i])]


def _advice(loader: Any) -> str:
    if loader.num_workers:
        return "if its code releases the GIL (NumPy, Pillow, OpenCV), try workers='thread': no hand-over of batches"
    return "try num_workers, or workers='thread' if its code releases the GIL (NumPy, Pillow, OpenCV)"
