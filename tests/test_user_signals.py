# SPDX-License-Identifier: MIT
"""StopIteration and GeneratorExit of the user's code are errors, and never the end of our iterators (PEP 479)."""

import io
import itertools
import sys

import numpy as np
import pytest
from making_tar import samples, write_tar

from fastbatch import DecodeError

LINES = b"1\n2\n3\n4\n5\n"
SIGNALS = pytest.mark.parametrize("signal", [StopIteration, GeneratorExit])


def raising(signal, after):
    """Return a function that returns its first argument `after` times, and then raises `signal`."""
    calls = itertools.count()

    def limited(item, *_):
        if next(calls) >= after:
            raise signal
        return item

    return limited


def failure(batches):
    """Return the batches before a RuntimeError, and that error's message and cause."""
    got = []
    with pytest.raises(RuntimeError) as caught:
        got.extend(batches)
    if sys.version_info >= (3, 11):
        assert any("batch" in note for note in getattr(caught.value, "__notes__", ["batch"]))
    return str(caught.value), type(caught.value.__cause__)


@SIGNALS
@pytest.mark.parametrize("source", [lambda: io.BytesIO(LINES), lambda: iter("12345")])
def test_decode_of_a_stream(api, signal, source):
    stream = api.stream(source(), 2, decode=raising(signal, after=3))
    assert [item.strip() for item in next(stream)] == ["1", "2"]
    assert [item.strip() for item in next(stream)] == ["3"]
    message, cause = failure(stream)
    assert message.endswith(f"limited raised {signal.__name__}") and cause is signal
    assert list(stream) == []


@SIGNALS
def test_records_of_a_stream(api, signal):
    def find(content, is_end):
        raise signal

    message, cause = failure(api.stream(io.BytesIO(LINES), 2, records=find))
    assert message.endswith(f"find raised {signal.__name__}") and cause is signal


def test_records_that_are_found_one_by_one(api):
    def found(content):
        yield content[:1]
        raise GeneratorExit

    stream = api.stream(io.BytesIO(LINES), 2, records=lambda content, is_end: (found(content), len(content)))
    assert next(stream) == [b"1"]
    assert failure(stream)[1] is GeneratorExit


@SIGNALS
def test_a_file_object_that_raises(api, signal):
    class File:
        name = "file"

        def readinto(self, buffer):
            raise signal

        def read(self, size):
            raise signal

    assert signal.__name__ in failure(api.stream(File(), 2))[0]


def test_an_iterable_that_raises_generator_exit(api):
    def source():
        yield 1
        raise GeneratorExit

    stream = api.stream(source(), 2)
    assert next(stream).tolist() == [1]
    assert failure(stream)[1] is GeneratorExit


@SIGNALS
def test_an_array_of_the_user(api, signal):
    class Sample(tuple):
        __slots__ = ()

        def __iter__(self):
            raise signal

    assert failure(api.stream([Sample((1, 2))], 1)) == (f"the stream's source raised {signal.__name__}", signal)


@SIGNALS
@pytest.mark.parametrize("threads", [0, 2])
def test_getitem_of_a_data_generator(api, signal, threads):
    class Data(api.DataGenerator):
        def __len__(self):
            return 4

        def __getitem__(self, index):
            if index == 2:
                raise signal
            return index

    iterator = iter(Data(threads=threads))
    assert [next(iterator), next(iterator)] == [0, 1]
    message, cause = failure(iterator)
    assert message == f"Data.__getitem__ raised {signal.__name__}" and cause is signal


@SIGNALS
def test_the_end_of_an_epoch_of_a_data_generator(api, signal):
    class Data(api.DataGenerator):
        def __len__(self):
            return 2

        def __getitem__(self, index):
            return index

        def on_epoch_end(self):
            raise signal

    assert failure(iter(Data())) == (f"Data.on_epoch_end raised {signal.__name__}", signal)


@SIGNALS
@pytest.mark.parametrize("each", ["batch", "sample"])
def test_map(api, signal, each):
    message, cause = failure(api.arrays(np.arange(8), batch_size=2).map(raising(signal, after=2), each=each))
    assert message.endswith(f"limited raised {signal.__name__}") and cause is signal


@SIGNALS
def test_a_transform_in_python(api, signal):
    message, cause = failure(api.arrays(np.arange(8), batch_size=2, transform=raising(signal, after=2)))
    assert message.endswith(f"limited raised {signal.__name__}") and cause is signal


@SIGNALS
@pytest.mark.parametrize("every", [1e-9, 60])
def test_metrics_of_progress(api, signal, every):
    """Called after a batch, and at the end of the epoch."""
    loader = api.arrays(np.arange(8), batch_size=2)
    progress = loader.progress(bar=False, metrics=raising(signal, after=0), every=every)
    message, cause = failure(progress)
    assert message.endswith(f"limited raised {signal.__name__}") and cause is signal


@SIGNALS
def test_decode_of_the_members_of_an_archive(api, signal, tmp_path):
    loader = api.tar(write_tar(tmp_path / "a.tar", samples(8)), decode={"cls": raising(signal, after=3)}, batch_size=2)
    batches = iter(loader)
    assert len(next(batches)["jpg"]) == 2
    with pytest.raises(DecodeError, match=f"photo3.cls: sample 3: {signal.__name__}"):
        next(batches)


@SIGNALS
def test_iterators_of_keras(signal):
    keras = pytest.importorskip("fastbatch.keras")
    generator = keras.ImageDataGenerator(preprocessing_function=raising(signal, after=3))
    batches = generator.flow(np.zeros((8, 4, 4, 3), "f4"), batch_size=2, shuffle=False)
    assert len(next(batches)) == 2
    assert failure(batches)[1] is signal
