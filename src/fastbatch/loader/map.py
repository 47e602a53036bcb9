# SPDX-License-Identifier: MIT
"""Functions of `Loader.map`, applied to each batch or to each sample by `next()`."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from fastbatch.batch.column import leaf_array
from fastbatch.batch.tree import flatten, packer
from fastbatch.checks import shown
from fastbatch.errors import SIGNALS, add_note, name_of, signal_error
from fastbatch.plan.streams import BATCH, stream

_POSITIONAL = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class BatchInfo:
    """Position of a batch or of one of its samples in the epoch, for functions of `Loader.map`.

    It is independent of the number of threads, and the same after a resume.

    Attributes:
        seed: Seed of the loader.
        epoch: Number of the epoch, from 0.
        number: Number of the batch in its epoch on this rank, from 0.
        position: Position of the (first) sample in the epoch's order over all ranks; unique within the epoch.
        world_size: Number of ranks that share the epoch.

    Example:
        >>> import fastbatch as fb
        >>> def add_noise(x, info):
        ...     return x + info.generator().normal(size=x.shape)
        >>> loader = fb.arrays("sensors.npy", batch_size=4).map(add_noise)
        >>> next(iter(loader)).shape
        (4, 3)

    Source: `src/fastbatch/loader/map.py`.
    """

    seed: int
    epoch: int
    number: int
    position: int
    world_size: int = 1

    def generator(self) -> np.random.Generator:
        """Return a random generator for this batch or sample; it gives the same numbers in each run of the epoch."""
        return stream(self.seed, self.epoch, self.position, BATCH)


@dataclass(frozen=True)
class Step:
    """A function that is applied to each batch, or to each sample, in the consumer's thread. Immutable.

    Attributes:
        takes_info: The function has a second parameter, for the `BatchInfo`.
    """

    function: Callable[..., Any]
    each_sample: bool
    takes_info: bool

    def __call__(self, batch: Any, info: BatchInfo, stride: int | None = None) -> Any:
        """Return the result of the function for a batch.

        Args:
            stride: Positions from one sample of the batch to the next; None: `info.world_size`.

        Raises:
            RuntimeError: The function raised StopIteration or GeneratorExit, which must not end the epoch (PEP 479).
        """
        try:
            if not self.each_sample:
                return self._call(batch, info)
            return self._samples(batch, info, info.world_size if stride is None else stride)
        except SIGNALS as error:
            raised = signal_error(error, self.name)
            add_note(raised, f"fastbatch: raised by {self.name} for batch {info.number}")
            raise raised from error
        except BaseException as error:
            add_note(error, f"fastbatch: raised by {self.name} for batch {info.number}")
            raise

    def for_evaluation(self) -> Step:
        """Return the step without random changes of ours; the user's functions stay."""
        made = getattr(self.function, "for_evaluation", None)
        return self if made is None else replace(self, function=made())

    @property
    def name(self) -> str:
        """Name of the user's function, for messages."""
        return name_of(getattr(self.function, "function", self.function))  # of FirstPart

    def _call(self, batch: Any, info: BatchInfo) -> Any:
        return self.function(batch, info) if self.takes_info else self.function(batch)

    def _samples(self, batch: Any, info: BatchInfo, stride: int) -> Any:
        is_text = isinstance(batch, list) and all(isinstance(sample, str | bytes) for sample in batch)
        leaves, structure = ([batch], 0) if is_text else flatten(batch, ())
        pack = packer(structure)
        made: list[Any] = []
        for j in range(len(leaves[0])):
            here = replace(info, position=info.position + j * stride)
            made.append(self._call(pack([leaf[j] for leaf in leaves]), here))
        if is_text and isinstance(made[0] if made else "", str | bytes):
            return made
        return stack(made)


def make_step(function: Any, each: str) -> Step:
    """Return the checked step.

    Raises:
        TypeError: Not a function.
        ValueError: `each` is neither "batch" nor "sample".
    """
    if not callable(function):
        raise TypeError(f"map: expected a function, found {type(function).__name__}")
    if each not in ("batch", "sample"):
        raise ValueError(f"each: expected 'batch' or 'sample', found {shown(each)}")
    return Step(function, each == "sample", takes_info(function))


def takes_info(function: Callable[..., Any]) -> bool:
    """Return whether a function accepts a second argument: a parameter without a default, or one named `info`."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):  # some built-in functions have no signature
        return False
    positional = [parameter for parameter in parameters if parameter.kind in _POSITIONAL]
    return len(positional) > 1 and (positional[1].default is inspect.Parameter.empty or positional[1].name == "info")


def _in_order(sample: Any, first: Any) -> Any:
    """Return a sample with the keys of its dicts in the order that they have in the first one."""
    if sample is first or type(sample) is not type(first):
        return sample
    if isinstance(sample, dict) and sample.keys() == first.keys():
        return {key: _in_order(sample[key], value) for key, value in first.items()}
    if type(sample) in (list, tuple) and len(sample) == len(first) and any(isinstance(x, dict) for x in first):
        return type(sample)(map(_in_order, sample, first))
    return sample


def stack(samples: list[Any]) -> Any:
    """Return the batch of samples that have one structure and arrays of equal shapes."""
    first, structure = flatten(samples[0], (list,))
    columns: list[list[Any]] = [[] for _ in first]
    for sample in samples:
        leaves, other = flatten(_in_order(sample, samples[0]), (list,))
        if other != structure:
            raise ValueError(f"samples of one batch: expected the same structure, found {structure} and {other}")
        for column, leaf in zip(columns, leaves, strict=True):
            column.append(leaf_array(leaf))
    for column in columns:
        for array in column:
            if array.dtype.hasobject and not isinstance(array[()], str | bytes):
                raise TypeError(f"expected samples of numbers or arrays, found {shown(array[()])}")
            if array.shape != column[0].shape:
                found = f"{column[0].shape} and {array.shape}"
                raise ValueError(f"samples of one batch: expected one shape, as after padding, found {found}")
            # NumPy would convert the numbers to text.
            if (array.dtype.kind in "USO") != (column[0].dtype.kind in "USO"):
                found = f"{column[0].dtype} and {array.dtype}"
                raise TypeError(f"samples of one batch: expected numbers or text, found {found}")
        types = {array.dtype for array in column}
        if len(types) > 1 and all(one.kind in "iu" for one in types) and np.result_type(*types).kind not in "iu":
            found = " and ".join(sorted(map(str, types)))
            raise TypeError(
                f"samples of one batch: expected integers of one type, found {found}: NumPy would round them"
            )
    return packer(structure)([np.stack(column) for column in columns])
