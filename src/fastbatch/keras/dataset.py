# SPDX-License-Identifier: MIT
"""The result of the dataset functions: a loader with the attributes of Keras's datasets, convertible to tf.data."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Literal, NoReturn, SupportsIndex

import numpy as np

from fastbatch.batch.tree import flatten, packer
from fastbatch.checks import MAX_INT64, MAX_SEED, flag, whole
from fastbatch.loader.engine import Recipe
from fastbatch.loader.map import make_step
from fastbatch.loader.samples import SampleLoader
from fastbatch.plan.batch_range import EVERY_BATCH
from fastbatch.plan.plan import Plan

_TF_ONLY = frozenset(
    ["apply", "bucket_by_sequence_length", "concatenate", "element_spec", "enumerate", "filter", "flat_map"]
    + ["group_by_window", "interleave", "options", "padded_batch", "ragged_batch", "rebatch", "reduce", "save", "scan"]
    + ["snapshot", "sparse_batch", "take_while", "unique", "window", "with_options", "zip"]
)


@dataclass
class _Passes:
    """The number of the next pass over a data set, shared by all that `take`, `map` and the like make of it."""

    next: int = 0


class KerasDataset(SampleLoader):
    """A loader of NumPy batches in place of the tf.data.Dataset of `keras.utils.*_dataset_from_*`.

    `fit` takes it as it is, on every backend. Each pass is a new epoch, in a new order if the data is shuffled.

    `map`, `take`, `skip`, `batch`, `unbatch`, `shuffle`, `prefetch`, `cache`, `cardinality` and `as_numpy_iterator` do
    what they do in tf.data: a pass over `dataset.take(2)` is the next pass over `dataset`, and gives its first batches.
    Where that is not possible, and for all other methods, an error names `to_tf`.

    Attributes:
        class_names: Names of the labels 0, 1, ..., or None.
        file_paths: Paths of the samples 0, 1, ..., or None.

    Raises:
        OSError: By `next()`: a file cannot be read or decoded.

    Example:
        >>> from fastbatch.keras import image_dataset_from_directory
        >>> dataset = image_dataset_from_directory("photos/train", image_size=(64, 64), verbose=False)
        >>> dataset.class_names, len(dataset.file_paths), len(dataset)
        (['cat', 'dog', 'owl'], 96, 3)

    Source: `src/fastbatch/keras/dataset.py`.
    """

    file_paths: list[str] | None = None
    _names: list[str] | None = None
    _is_batched = True
    _n_own_steps = 0  # the first steps, which are not the user's; `_only_sample` is not counted

    @classmethod
    def of(
        cls,
        loader: Any,
        class_names: list[str] | None = None,
        file_paths: list[str] | None = None,
        is_batched: bool = True,
    ) -> KerasDataset:
        """Return the dataset of a loader.

        Args:
            loader: The loader.
            class_names, file_paths: The attributes.
            is_batched: False gives single samples without the dimension of the batch.
        """
        recipe, plan = loader.recipe, loader.plan
        n_own_steps = len(recipe.steps)
        if not is_batched:
            recipe = replace(recipe, steps=(*recipe.steps, make_step(_only_sample, "batch")))
            plan = replace(plan, batch_size=1)
        dataset = cls(recipe, plan)
        dataset._names, dataset.file_paths = class_names, file_paths
        dataset._is_batched, dataset._n_own_steps = is_batched, n_own_steps
        return dataset

    def __init__(self, recipe: Recipe, plan: Plan) -> None:
        super().__init__(recipe, plan)
        self._passes = _Passes()

    @property
    def class_names(self) -> Any:
        """The names of the labels, or None."""
        return self._names

    def _derive(self, plan: Plan, recipe: Recipe) -> KerasDataset:
        derived = type(self)(recipe, plan)
        derived._names, derived.file_paths = self._names, self.file_paths
        derived._is_batched, derived._n_own_steps = self._is_batched, self._n_own_steps
        return derived

    # ---- passes ------------------------------------------------------------------------------------------------------

    @property
    def _next_epoch(self) -> int:
        return self._passes.next

    @_next_epoch.setter
    def _next_epoch(self, epoch: int) -> None:
        self._passes.next = epoch

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        return {**state, "_passes": _Passes(state.pop("_next_epoch"))}

    def _sharing(self, derived: Any) -> KerasDataset:
        """Let a data set made of this one begin the passes that this one would begin."""
        derived._passes = self._passes
        made: KerasDataset = derived
        return made

    # ---- as in tf.data -----------------------------------------------------------------------------------------------

    def take(self, count: SupportsIndex, name: str | None = None) -> KerasDataset:
        """Return a data set of the first `count` batches of each pass; -1 takes all."""
        n = whole("count", count, -1)
        return self._sharing(self._derive(self._plan, self._recipe) if n == -1 else super().take(n))

    def skip(self, count: SupportsIndex, name: str | None = None) -> KerasDataset:
        """Return a data set without the first `count` batches of each pass; -1 skips all."""
        n = whole("count", count, -1)
        return self._sharing(super().take(0) if n == -1 else super().skip(n))

    def map(
        self,
        map_func: Callable[..., Any],
        num_parallel_calls: Any = None,
        deterministic: Any = None,
        name: str | None = None,
        *,
        each: Literal["batch", "sample"] = "batch",
    ) -> KerasDataset:
        """Return a data set of the results of `map_func(x, y)`, or of `map_func(x)` if the batches have one part.

        The function gets NumPy arrays, and is called in turn by the thread that asks for a batch. With `each="sample"`
        it is called with the parts of each sample.
        """
        step = make_step(map_func, each)
        step = replace(step, function=_Spread(map_func), takes_info=False)
        return self._sharing(self._with_steps((*self._steps, step)))

    def batch(
        self,
        batch_size: SupportsIndex,
        drop_remainder: bool = False,
        num_parallel_calls: Any = None,
        deterministic: Any = None,
        name: str | None = None,
    ) -> KerasDataset:
        """Return a data set of batches of this one's samples.

        Raises:
            TypeError: This data set has batches already, or only some of its samples.
        """
        if self._is_batched or self._plan.batches != EVERY_BATCH:
            _refuse("batch", "is only possible for a whole data set without batches")
        own, of_user = self._steps[: self._n_own_steps], self._steps[self._n_own_steps + 1 :]
        steps = (*own, *(replace(step, each_sample=True) for step in of_user))
        size = whole("batch_size", batch_size, 1, MAX_INT64)
        plan = replace(self._plan, batch_size=size, drop_last=flag("drop_remainder", drop_remainder))
        batched = self._derive(plan, replace(self._recipe, steps=steps))
        batched._is_batched = True
        return self._sharing(batched)

    def unbatch(self, name: str | None = None) -> KerasDataset:
        """Return a data set of single samples.

        Raises:
            TypeError: Samples of batches that were mapped or left out are not known one by one.
        """
        if not self._is_batched:
            _refuse("unbatch", "is only possible for a data set of batches")
        if len(self._steps) > self._n_own_steps or self._plan.batches != EVERY_BATCH or self._plan.drop_last:
            _refuse("unbatch", "is not possible after map(), take(), skip() or drop_remainder")
        steps = (*self._steps, make_step(_only_sample, "batch"))
        single = self._derive(replace(self._plan, batch_size=1), replace(self._recipe, steps=steps))
        single._is_batched = False
        return self._sharing(single)

    def shuffle(
        self,
        buffer_size: Any,
        seed: SupportsIndex | None = None,
        reshuffle_each_iteration: bool | None = None,
        name: str | None = None,
    ) -> KerasDataset:
        """Return a data set in a new random order of all samples in each pass, whatever the size of the buffer.

        Batches that are shuffled already stay as they are.

        Raises:
            TypeError: Batches in a fixed order cannot change their places, and passes cannot have the same order.
        """
        if reshuffle_each_iteration is not None and not reshuffle_each_iteration:
            _refuse("shuffle", "has no reshuffle_each_iteration=False")
        if self._plan.shuffle is True:
            return self
        if self._is_batched or self._plan.batches != EVERY_BATCH:
            _refuse("shuffle", "is only possible for a whole data set without batches, or use shuffle=True to make it")
        drawn = int(np.random.randint(1_000_000)) if seed is None else whole("seed", seed, 0, MAX_SEED)
        return self._sharing(self._derive(replace(self._plan, shuffle=True, seed=drawn), self._recipe))

    def prefetch(self, buffer_size: Any, name: str | None = None) -> KerasDataset:
        """Return the data set itself: its threads work ahead already."""
        return self

    def cache(self, filename: str = "", name: str | None = None) -> KerasDataset:
        """Return the data set itself: the system keeps the files in memory. Passes keep their different orders.

        Raises:
            TypeError: With a file name: there are no cache files.
        """
        if filename:
            _refuse("cache", "writes no files")
        return self

    def cardinality(self, name: str | None = None) -> int:
        """Return the number of batches."""
        return len(self)

    def as_numpy_iterator(self, name: str | None = None) -> Iterator[Any]:
        """Return an iterator over the next pass."""
        return iter(self)

    def __getattr__(self, name: str) -> Any:
        if name in _TF_ONLY:
            raise AttributeError(f"a KerasDataset has no {name!r}: use to_tf().{name}")
        return super().__getattr__(name)

    def to_tf(self) -> Any:
        """Return a tf.data.Dataset that is fed by this loader's threads; each pass over it is an epoch of the loader.

        Raises:
            ImportError: TensorFlow is not installed.
        """
        import tensorflow as tf

        first = next(iter(self._derive(self._plan, self._recipe)))
        leaves, structure = flatten(first)
        leading = (None,) if self._is_batched else ()
        specs = [
            tf.TensorSpec(leading + np.shape(leaf)[len(leading) :], tf.as_dtype(np.asarray(leaf).dtype))
            if np.asarray(leaf).dtype.kind not in "SUO"
            else tf.TensorSpec(leading, tf.string)
            for leaf in leaves
        ]

        def batches() -> Iterator[Any]:
            yield from self

        dataset = tf.data.Dataset.from_generator(batches, output_signature=packer(structure)(specs))
        dataset = dataset.apply(tf.data.experimental.assert_cardinality(len(self))).prefetch(2)
        dataset.class_names, dataset.file_paths = self.class_names, self.file_paths
        return dataset


@dataclass(frozen=True)
class _Spread:
    """A function of tf.data's `map`: the parts of a tuple are arguments of their own."""

    function: Callable[..., Any]

    def __call__(self, element: Any) -> Any:
        return self.function(*element) if isinstance(element, tuple) else self.function(element)


def _refuse(method: str, reason: str) -> NoReturn:
    raise TypeError(f"KerasDataset.{method}() {reason}; otherwise use to_tf().{method}()")


def _only_sample(batch: Any) -> Any:
    leaves, structure = flatten(batch)
    return packer(structure)([leaf[0] for leaf in leaves])
