# SPDX-License-Identifier: MIT
"""The result of the dataset functions: a loader with the attributes of Keras's datasets, convertible to tf.data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from fastbatch.batch.tree import flatten, packer
from fastbatch.loader.engine import Recipe
from fastbatch.loader.map import make_step
from fastbatch.loader.samples import SampleLoader
from fastbatch.plan.plan import Plan


class KerasDataset(SampleLoader):
    """A loader of NumPy batches in place of the tf.data.Dataset of `keras.utils.*_dataset_from_*`.

    `fit` takes it as it is, on every backend. Each pass is a new epoch, in a new order if the data is shuffled.

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
        if not is_batched:
            recipe = replace(recipe, steps=(*recipe.steps, make_step(_only_sample, "batch")))
            plan = replace(plan, batch_size=1)
        dataset = cls(recipe, plan)
        dataset._names, dataset.file_paths, dataset._is_batched = class_names, file_paths, is_batched
        return dataset

    @property
    def class_names(self) -> Any:
        """The names of the labels, or None."""
        return self._names

    def _derive(self, plan: Plan, recipe: Recipe) -> KerasDataset:
        derived = type(self)(recipe, plan)
        derived._names, derived.file_paths, derived._is_batched = self._names, self.file_paths, self._is_batched
        return derived

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


def _only_sample(batch: Any) -> Any:
    leaves, structure = flatten(batch)
    return packer(structure)([leaf[0] for leaf in leaves])
