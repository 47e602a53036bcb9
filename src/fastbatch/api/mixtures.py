# SPDX-License-Identifier: MIT
"""`mix`, `concat`, `zip`: several loaders as one, by shares, one after another, or side by side."""

from __future__ import annotations

import builtins
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING, Any, Literal, SupportsIndex, TypedDict

from fastbatch.batch.tree import packer
from fastbatch.calls import takes
from fastbatch.checks import one_of, shown
from fastbatch.loader.engine import Recipe
from fastbatch.loader.loader import Loader
from fastbatch.loader.options import LoaderOptions
from fastbatch.loader.samples import SampleLoader
from fastbatch.loader.zipped import Zipped
from fastbatch.plan.mixture import STOPS, Mixture, Pairing, mixed_length, weights_of

from .backend import Backend

if TYPE_CHECKING:
    from typing_extensions import Unpack


@dataclass(frozen=True)
class MixtureOptions:
    """Batches and threads of a loader that is made of others.

    Attributes:
        batch_size: Samples in a batch; the last batch may be smaller.
        drop_last: Omit a smaller last batch.
        shard: `(rank, world_size)`: every world_size-th sample, starting at `rank`; or "auto": see `LoaderOptions`.
        tail: "pad", "drop", "uneven" or "mask": see `LoaderOptions`.
        on_error: "raise", "skip" or "replace": see `LoaderOptions`. `zip` raises.
        max_bad: Bad samples allowed per epoch, as a number (int) or a share (float).
        threads: Worker threads; None: the CPUs available to this process.
        prefetch: Batches prepared ahead; None: as many as fit into 5 MB, at least 2 and at most 16.
        prefetch_bytes: Upper bound of the memory of prefetched batches.
    """

    batch_size: SupportsIndex = 32
    drop_last: bool = False
    shard: tuple[int, int] | Literal["auto"] | None = None
    tail: Literal["pad", "drop", "uneven", "mask"] = "pad"
    on_error: Literal["raise", "skip", "replace"] = "raise"
    max_bad: float | None = None
    threads: SupportsIndex | None = None
    prefetch: SupportsIndex | None = None
    prefetch_bytes: SupportsIndex | None = None


class MixtureKeywords(TypedDict, total=False):
    """The fields of `MixtureOptions` as keyword arguments, for type checkers."""

    batch_size: SupportsIndex
    drop_last: bool
    shard: tuple[int, int] | Literal["auto"] | None
    tail: Literal["pad", "drop", "uneven", "mask"]
    on_error: Literal["raise", "skip", "replace"]
    max_bad: float | None
    threads: SupportsIndex | None
    prefetch: SupportsIndex | None
    prefetch_bytes: SupportsIndex | None


@takes(MixtureOptions)
def mix(
    backend: Backend,
    loaders: Mapping[SampleLoader, float] | Iterable[tuple[SampleLoader, float]],
    *,
    stop: Literal["first", "last"] = "first",
    **options: Unpack[MixtureKeywords],
) -> SampleLoader:
    """Return a loader that mixes the samples of several loaders by shares.

    After any number of samples, each loader has given its share of them, rounded up or down: the order is computed, not
    drawn. Samples, their order and their random changes are those of the loader alone; when its epoch ends, its next
    one begins, in a new order if it is shuffled. The next epoch of the mixture goes on where the last one ended.

    Args:
        loaders: `{loader: share}`, or pairs `(loader, share)`. Shares sum to 1; shares without a common denominator up
            to 65,536 are rounded to multiples of 1/65,536. The loaders are those of numbered samples (`arrays`,
            `images`, `windows`, `tokens`, `table`, `tar`, `concat`, `mix`), with batches of one structure, shape and
            type. Their shuffle, seed, split and weights count; their batch size, threads, `on_error` and position do
            not.
        stop: When an epoch of the mixture ends. "first": before the first loader would begin its second epoch. "last":
            when each loader has given all of its samples at least once.
        batch_size: Samples in a batch (32); the last batch may be smaller.
        shard: `(rank, world_size)`: every world_size-th sample of the mixture, starting at `rank`.
        options: Remaining options: see `MixtureOptions` (`fastbatch.api.mixtures`).

    Returns:
        A loader of batches of shape (batch_size, ...), in the structure of the loaders' batches. Its states resume in
        O(1). `split` and `select` are those of the parts.

    Raises:
        ValueError: Shares that do not sum to 1, a loader without samples, batches that differ in structure, shape or
            type, or an option out of range.
        TypeError: Not loaders of numbered samples.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> common, rare = fb.arrays(np.zeros(600, int), shuffle=True), fb.arrays(np.ones(50, int), shuffle=True)
        >>> mixture = fb.mix({common: 0.75, rare: 0.25}, batch_size=8)
        >>> next(iter(mixture)).tolist()
        [0, 0, 0, 1, 0, 0, 0, 1]
        >>> mixture.n_samples  # until `rare` has given its 50 samples
        203

    Source: `csrc/plan/mixture.cpp`; Balinski and Young, "The quota method of apportionment", 1975.
    """
    one_of("stop", stop, STOPS)
    pairs = _pairs(loaders)
    names = [f"loader {i}" for i in range(len(pairs))]
    parts = _parts(backend, "mix", [loader for loader, _ in pairs])
    weights = weights_of([share for _, share in pairs], names)
    n = mixed_length([part.plan.n for part in parts], weights, stop)
    return _joined(backend, "mix", parts, weights, n, LoaderOptions(**options))


@takes(MixtureOptions)
def concat(
    backend: Backend,
    *loaders: SampleLoader,
    shuffle: bool = False,
    seed: SupportsIndex = 0,
    **options: Unpack[MixtureKeywords],
) -> SampleLoader:
    """Return a loader over the samples of several loaders, one after another.

    Each loader keeps its own order and its random changes, which are new in each epoch.

    Args:
        loaders: Loaders of numbered samples with batches of one structure, shape and type, as for `mix`.
        shuffle: Shuffle the samples of all loaders together.
        seed: Determines that shuffle, together with the epoch.
        batch_size: Samples in a batch (32); the last batch may be smaller.
        shard: `(rank, world_size)`: every world_size-th sample, starting at `rank`.
        options: Remaining options: see `MixtureOptions` (`fastbatch.api.mixtures`).

    Returns:
        A loader of batches in the structure of the loaders' batches. `split` and `select` need loaders that are not
        shuffled themselves.

    Raises:
        ValueError: Batches that differ in structure, shape or type, a loader without samples, or an option out of
            range.
        TypeError: Not loaders of numbered samples.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> both = fb.concat(fb.arrays(np.arange(3)), fb.arrays(np.arange(10, 12)), batch_size=4)
        >>> [batch.tolist() for batch in both]
        [[0, 1, 2, 10], [11]]

    Source: `csrc/plan/mixture.cpp`, `csrc/decode/joined_decoder.cpp`.
    """
    parts = _parts(backend, "concat", loaders)
    n = sum(part.plan.n for part in parts)
    return _joined(backend, "concat", parts, (), n, LoaderOptions(shuffle=shuffle, seed=seed, **options))


@takes(MixtureOptions)
def zip(  # noqa: A001 - its public name
    backend: Backend, *loaders: SampleLoader, **options: Unpack[MixtureKeywords]
) -> SampleLoader:
    """Return a loader whose batches are tuples of the batches of several loaders: sample k of each side by side.

    Each loader keeps its own order: loaders that are shuffled with one seed and have equally many samples keep their
    pairs.

    Args:
        loaders: Loaders of numbered samples, all with the same number of samples per epoch.
        batch_size: Samples in a batch (32); the last batch may be smaller.
        shard: `(rank, world_size)`: every world_size-th sample, starting at `rank`.
        options: Remaining options: see `MixtureOptions` (`fastbatch.api.mixtures`). Each loader has its own threads and
            prefetch.

    Returns:
        A loader of tuples with one batch of each loader.

    Raises:
        ValueError: Different numbers of samples, or an option out of range.
        TypeError: Not loaders of numbered samples.

    Example:
        >>> import fastbatch as fb
        >>> import numpy as np
        >>> pairs = fb.zip(fb.arrays(np.arange(6)), fb.arrays(np.arange(6) * 10), batch_size=3)
        >>> [(x.tolist(), y.tolist()) for x, y in pairs]
        [([0, 1, 2], [0, 10, 20]), ([3, 4, 5], [30, 40, 50])]

    Source: `src/fastbatch/loader/zipped.py`.
    """
    parts = _parts(backend, "zip", loaders, alike=False)
    sizes = [part.plan.n for part in parts]
    if len(set(sizes)) != 1:
        raise ValueError(
            f"zip: expected loaders with equally many samples, found {', '.join(map(str, sizes))}; "
            "loader.select(range(n)) makes a loader of the first n"
        )
    chosen = LoaderOptions(**options)
    if chosen.on_error != "raise":
        found = shown(chosen.on_error)
        raise ValueError(f"on_error: zip cannot leave out samples of one loader: expected 'raise', found {found}")
    structures: list[Any] = []
    columns: list[Any] = []
    for part in parts:
        first = len(columns)
        columns += part.recipe.columns
        structures.append(part.recipe.pack(range(first, len(columns))))
    widths = [len(part.recipe.columns) for part in parts]
    plan = chosen.plan(sizes[0], _no_labels)
    plan = replace(plan, mixture=Pairing(tuple(part.plan for part in parts)))
    recipe = Recipe(Zipped(backend, widths), tuple(columns), packer(tuple(structures)), chosen.engine(), kind="zip")
    return SampleLoader(recipe, plan)


def _no_labels() -> Any:
    raise AssertionError("a mixture has no weights")


def _pairs(loaders: Any) -> list[tuple[Any, Any]]:
    if isinstance(loaders, Mapping):
        return list(loaders.items())
    if isinstance(loaders, Loader) or not isinstance(loaders, Iterable):
        raise TypeError(f"mix: expected {{loader: share}} or pairs (loader, share), found {shown(loaders)}")
    pairs = list(loaders)
    for pair in pairs:
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"mix: expected pairs (loader, share), found {shown(pair)}")
    return [(loader, share) for loader, share in pairs]


def _parts(backend: Backend, verb: str, loaders: Sequence[Any], alike: bool = True) -> list[SampleLoader]:
    """Return the loaders, checked. `alike`: with batches of one structure, shape and type."""
    if not loaders:
        raise ValueError(f"{verb}: expected at least one loader, found none")
    for i, loader in enumerate(loaders):
        place = f"{verb}: loader {i}"
        if not isinstance(loader, SampleLoader):
            raise TypeError(f"{place}: expected a loader of numbered samples, found {shown(loader)}")
        recipe, plan = loader.recipe, loader.plan
        if recipe.kind == "documents":
            raise TypeError(f"{place}: expected samples of one shape, found documents; pack() makes contexts of them")
        if recipe.kind == "zip":
            raise TypeError(f"{place}: expected samples of one loader, found those of zip; zip the mixtures instead")
        if type(recipe.implementation) is not type(backend):
            raise TypeError(f"{place}: expected one of {backend.name} that copies its batches, found {shown(loader)}")
        if recipe.steps:
            raise ValueError(f"{place}: expected a loader without functions; call map() and the like on the result")
        if recipe.index_column is not None:
            raise ValueError(f"{place}: expected a loader without with_index")
        if plan.world_size > 1:
            raise ValueError(f"{place}: expected a whole loader, found a shard; shard the result")
        if plan.tail == "mask":
            raise ValueError(f"{place}: expected a loader without a mask; give tail='mask' to {verb}()")
        if str(plan.batches):
            raise ValueError(f"{place}: expected whole epochs, found {plan.batches}; call take() on the result")
        if plan.draw is not None and not plan.draw.replacement and verb != "zip":
            raise ValueError(f"{place}: expected weights with replacement=True, found False")
        if plan.n == 0:
            raise ValueError(f"{place}: expected at least one sample, found none")
        if alike and _form(loader) != _form(loaders[0]):
            expected, found = _form(loaders[0]), _form(loader)
            raise ValueError(f"{place}: expected batches of {expected}, as of loader 0, found {found}")
    return list(loaders)


def _form(loader: SampleLoader) -> str:
    """Return the structure, types and shapes of a batch, in words."""
    columns = loader.recipe.columns
    return str(loader.recipe.pack([_Column(f"{column.dtype} {column.shape}") for column in columns]))


class _Column(str):
    """The type and shape of a column, which is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _joined(
    backend: Backend, verb: str, parts: Sequence[SampleLoader], weights: tuple[int, ...], n: int, options: LoaderOptions
) -> SampleLoader:
    recipes = [part.recipe for part in parts]
    columns = tuple(map(backend.joined_column, builtins.zip(*(recipe.columns for recipe in recipes), strict=True)))
    sizes = [recipe.columns[0].n_samples for recipe in recipes]
    firsts = tuple(accumulate(sizes[:-1], initial=0))
    mixture = Mixture(tuple(part.plan for part in parts), firsts, weights, n)
    class_names = recipes[0].class_names if len({recipe.class_names for recipe in recipes}) == 1 else None
    recipe = Recipe(backend, columns, recipes[0].pack, options.engine(), class_names, kind=verb)
    return SampleLoader(recipe, replace(options.plan(n, _no_labels), mixture=mixture))
