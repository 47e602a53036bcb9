# SPDX-License-Identifier: MIT
"""Keras 3: the data of `fit`, `evaluate` and `predict` on its backends, and the calls that make loaders of files."""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Iterator
from time import perf_counter, thread_time
from types import GeneratorType, ModuleType
from typing import Any

from .files import FILES
from .imports import patches
from .loops import timed
from .output import WORK
from .record import INSIDE, Source, enter_thread, known, place_of_caller
from .sampler import SAMPLER

CALLS: list[dict[str, Any]] = []  # calls that a function of fastbatch.keras can repeat
_MOST_CALLS = 4


# ---- the loop -------------------------------------------------------------------------------------------------------


class _Timed:
    """The iterable of an epoch, whose items are timed."""

    def __init__(self, iterable: Any, source: Source) -> None:
        self._iterable, self._source = iterable, source

    def __iter__(self) -> Iterator[Any]:
        return timed(iter(self._iterable), self._source)


def source_of(epoch: Any) -> Source:
    """Return the record of what an epoch's iterator reads."""
    if not hasattr(epoch, "_fastbatch_source"):
        adapter, data = epoch.data_adapter, getattr(epoch, "_fastbatch_data", None)
        kind = type(adapter).__name__
        name = f"{_described(data)} in Keras"
        source = Source(
            "keras",
            name,
            place_of_caller(),
            tag=_tag(getattr(adapter, "py_dataset", adapter)),
            owns=kind not in ("TorchDataLoaderAdapter", "TFDatasetAdapter"),
            adapter=kind,
            workers=0 if getattr(adapter, "enqueuer", None) is None else getattr(data, "workers", 0),
            batch_size=getattr(data, "batch_size", 0) or 0,
            is_ours=type(data).__module__.startswith("fastbatch"),
        )
        epoch._fastbatch_source = known(source)
    found: Source = epoch._fastbatch_source
    return found


def _described(data: Any) -> str:
    if isinstance(data, GeneratorType):
        return f"generator {data.__qualname__}()"
    name = type(data).__name__
    with contextlib.suppress(Exception):
        return f"{name}, {len(data)} batches" if not hasattr(data, "shape") else "arrays"
    return name


def _tag(data: Any) -> str:
    return f"keras {type(data).__name__} {id(data)}"  # forked children have the same numbers


@patches("keras.src.trainers.epoch_iterator")
def patch_epochs(module: ModuleType) -> None:
    """Time the iterators of epochs."""
    base: Any = vars(module)["EpochIterator"]
    begin = base.__init__

    @functools.wraps(begin)
    def __init__(self: Any, x: Any = None, *arguments: Any, **options: Any) -> None:  # noqa: N807
        self._fastbatch_data = x
        begin(self, x, *arguments, **options)

    base.__init__ = __init__
    _time_iterators(base)


def _time_iterators(epochs: Any) -> None:
    original = epochs._get_iterator

    @functools.wraps(original)
    def _get_iterator(self: Any) -> Any:
        iterable = original(self)
        try:
            return _Timed(iterable, source_of(self))
        except Exception:  # it cannot be described: it is not timed
            return iterable

    epochs._get_iterator = _get_iterator


@patches("keras.src.backend.torch.trainer")
def patch_torch_trainer(module: ModuleType) -> None:
    """Time the iterators of epochs under the torch backend."""
    _time_iterators(vars(module)["TorchEpochIterator"])


@patches("keras.src.backend.jax.trainer")
def patch_jax_trainer(module: ModuleType) -> None:
    """Time the iterators of epochs under the JAX backend."""
    _time_iterators(vars(module)["JAXEpochIterator"])


@patches("keras.src.backend.tensorflow.trainer")
def patch_tensorflow_trainer(module: ModuleType) -> None:
    """Count the steps under the TensorFlow backend: the batch is taken inside its graph, where the wait is not seen."""
    epochs: Any = vars(module)["TFEpochIterator"]
    original = epochs.__next__

    @functools.wraps(original)
    def __next__(self: Any) -> Any:  # noqa: N807
        source, now = source_of(self), perf_counter()
        source.facts["hides_wait"] = True
        last = getattr(self, "_fastbatch_last", None)
        if last is None:
            source.passes += 1
        else:
            source.work_s += now - last
        try:
            step = original(self)
        except StopIteration:
            self._fastbatch_last = None
            raise
        source.batches += 1
        self._fastbatch_last = now
        return step

    epochs.__next__ = __next__


# ---- what makes the batches -----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _working(tag: str) -> Iterator[None]:
    """Count the work on one batch, in a thread that is not the loop's."""
    thread = threading.get_ident()
    if thread in INSIDE:
        yield
        return
    work = WORK.get(tag)
    enter_thread(work)
    SAMPLER.start()
    begin, cpu = perf_counter(), thread_time()
    try:
        yield
    finally:
        FILES.end()
        work.add(begin, perf_counter(), thread_time() - cpu)
        INSIDE.pop(thread, None)


@patches("keras.src.trainers.data_adapters.py_dataset_adapter")
def patch_py_dataset(module: ModuleType) -> None:
    """Time the items of a `PyDataset`, in whichever thread or process they are made."""
    get_index: Any = vars(module)["get_index"]
    shared: Any = vars(module)["_SHARED_SEQUENCES"]

    @functools.wraps(get_index)
    def timed_index(uid: Any, i: Any) -> Any:
        with _working(_tag(shared.get(uid))):
            return get_index(uid, i)

    vars(module)["get_index"] = timed_index
    adapter: Any = vars(module)["PyDatasetAdapter"]
    for name in ("_finite_generator", "_infinite_generator"):
        setattr(adapter, name, _timed_producer(getattr(adapter, name), lambda self: _tag(self.py_dataset)))


@patches("keras.src.trainers.data_adapters.generator_data_adapter")
def patch_generator(module: ModuleType) -> None:
    """Time the items of a generator under the TensorFlow backend, whose threads call it."""
    adapter: Any = vars(module)["GeneratorDataAdapter"]
    begin = adapter.__init__

    @functools.wraps(begin)
    def __init__(self: Any, generator: Any) -> None:  # noqa: N807
        begin(self, generator)
        restored = self.generator
        self.generator = lambda: _produced(iter(restored()), _tag(self))

    adapter.__init__ = __init__


def _timed_producer(original: Any, tag: Any) -> Any:
    @functools.wraps(original)
    def produce(self: Any) -> Iterator[Any]:
        return _produced(original(self), tag(self))

    return produce


def _produced(items: Iterator[Any], tag: str) -> Iterator[Any]:
    while True:
        with _working(tag):
            try:
                item = next(items)
            except StopIteration:
                return
        yield item


# ---- calls that can be repeated -------------------------------------------------------------------------------------


def _noting(function: Any, name: str, made_by: Any = None) -> Any:
    @functools.wraps(function)
    def noted(*arguments: Any, **options: Any) -> Any:
        result = function(*arguments, **options)
        if len(CALLS) < _MOST_CALLS:
            maker = None if made_by is None else made_by(arguments[0])
            CALLS.append(
                {
                    "name": name,
                    "maker": maker,
                    "arguments": arguments if made_by is None else arguments[1:],
                    "options": options,
                    "place": place_of_caller(),
                }
            )
        return result

    return noted


@patches("keras.src.legacy.preprocessing.image")
def patch_image_generator(module: ModuleType) -> None:
    """Note how image generators and their iterators are made."""
    generator: Any = vars(module)["ImageDataGenerator"]
    begin = generator.__init__

    @functools.wraps(begin)
    def __init__(self: Any, *arguments: Any, **options: Any) -> None:  # noqa: N807
        begin(self, *arguments, **options)
        self._fastbatch_made = (arguments, options)

    generator.__init__ = __init__
    for name in ("flow", "flow_from_directory", "flow_from_dataframe"):
        made = _noting(getattr(generator, name), f"ImageDataGenerator.{name}", lambda self: self._fastbatch_made)
        setattr(generator, name, made)


def _note(module_name: str, name: str) -> None:
    @patches(module_name)
    def patch(module: ModuleType) -> None:
        vars(module)[name] = _noting(vars(module)[name], name)


_note("keras.src.utils.image_dataset_utils", "image_dataset_from_directory")
_note("keras.src.utils.text_dataset_utils", "text_dataset_from_directory")
_note("keras.src.utils.timeseries_dataset_utils", "timeseries_dataset_from_array")
