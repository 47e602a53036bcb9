# SPDX-License-Identifier: MIT
"""The fifteen usage patterns that fastbatch was made for, as users write them, with our import.

Each runs on both implementations. Tests that need Keras are in test_keras_fit.py and the tests of fastbatch.keras.
"""

import itertools
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from making import make_photos

TEXT = "the quick brown fox\njumps over the lazy dog\n\nin the long grass of the old park \n" * 5


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.txt"
    path.write_text(TEXT, encoding="utf-8")
    return path


def test_01_words_of_a_text_file_in_batches(api, book):
    generator = api.text_generator(str(book), 8)
    first = next(generator)
    assert first == TEXT.split()[:8]
    assert iter(generator) is generator
    words = first + [word for batch in generator for word in batch]
    assert words == TEXT.split()
    with pytest.raises(StopIteration):
        next(generator)
    generator.close()
    assert [len(batch) for batch in api.text_generator(str(book), 8)][-1] == len(TEXT.split()) % 8


def test_02_a_training_loop_with_a_new_generator_each_epoch(api, book):
    counts = []
    for _epoch in range(3):
        seen = 0
        for batch in api.text_generator(str(book), batch_size=16):
            seen += len(batch)
        counts.append(seen)
    assert counts == [len(TEXT.split())] * 3


def test_03_a_loader_that_resets_itself(api, photos):
    loader = api.ImageDataLoader(str(photos), batch_size=5)
    for epoch in range(2):
        names = []
        for batch in loader:
            names += batch
        assert len(names) == 12
        assert loader.current_epoch() == epoch + 1


def test_04_a_restartable_wrapper(api, book):
    data = api.RestartableGeneratorWrapper(api.text_generator, str(book), 16)
    epochs = [[len(batch) for batch in data] for _ in range(3)]
    assert epochs[0] == epochs[1] == epochs[2]
    assert sum(epochs[0]) == len(TEXT.split())
    assert len(data) == len(epochs[0])


def test_05_every_epoch_sees_all_of_its_steps(api):
    def batches():
        for i in range(5):
            yield np.full(2, i), np.full(2, i)

    data = api.restartable(batches, length=5)
    steps = [sum(1 for _ in data) for _epoch in range(3)]
    assert steps == [5, 5, 5]


def test_06_infinite_generators_where_steps_decide_the_epoch(api):
    loader = api.arrays(np.arange(10), batch_size=4)
    endless = loader.repeat()
    epochs = [[batch.tolist() for batch in itertools.islice(endless, 4)] for _ in range(2)]
    assert epochs[0] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9], [0, 1, 2, 3]]
    assert epochs[1][0] == [4, 5, 6, 7]  # the position carries over
    assert loader.epoch == 2  # and the ends of epochs are visible
    assert next(iter(loader)).tolist() == [0, 1, 2, 3]  # or it starts again, if requested


def test_07_image_data_generator(tmp_path):
    pytest.importorskip("scipy")
    from fastbatch.keras import ImageDataGenerator

    root = make_photos(tmp_path / "photos")
    flow = ImageDataGenerator(rescale=1 / 255, shear_range=0.2, zoom_range=0.2, horizontal_flip=True)
    train = flow.flow_from_directory(str(root), target_size=(32, 32), batch_size=5, class_mode="categorical", seed=1)
    x, y = next(train)
    assert (x.shape, x.dtype, y.shape) == ((5, 32, 32, 3), np.float32, (5, 3))
    assert len(train) == 3


def test_08_a_time_series_data_set(api):
    torch = pytest.importorskip("torch")
    data, labels = np.arange(60.0).reshape(30, 2), np.arange(30)
    dataset = api.TimeSeriesDataset(data, labels, 7)
    assert len(dataset) == 30 - 7 + 1
    window, label = dataset[4]
    np.testing.assert_array_equal(window, data[4:11])
    assert label == labels[10]
    batches = list(torch.utils.data.DataLoader(dataset, batch_size=8, shuffle=True))
    assert sorted(int(y) for _, labels_ in batches for y in labels_) == list(range(6, 30))


def test_09_a_sequence_over_image_paths(api, photos):
    paths = sorted(photos.rglob("*.jpg"))
    labels = np.arange(len(paths)) % 2
    options = {"size": 64, "layout": "NHWC", "batch_size": 5}
    assert [len(y) for _, y in api.images(paths, labels, drop_last=True, **options)] == [5, 5]
    loader = api.images(paths, labels, **options)
    x, y = next(iter(loader))
    assert (x.shape, x.dtype) == ((5, 64, 64, 3), np.float32)
    assert 0 <= x.min() < x.max() <= 1
    assert len(loader) == 3
    np.testing.assert_array_equal(y, labels[:5])


def test_10_a_base_class_for_data_generators(api):
    class Squares(api.DataGenerator):
        def __init__(self, n):
            super().__init__(shuffle=True, seed=1, threads=2)
            self.n = n

        def __len__(self):
            return self.n

        def __getitem__(self, index):
            return np.array([index]), np.array([index * index])

    generator = Squares(6)
    for _epoch in range(2):
        assert sorted(int(y[0]) for _, y in generator) == [i * i for i in range(6)]


def test_11_an_endless_image_generator(api, photos):
    paths = sorted(photos.rglob("*.jpg"))
    labels = [0, 1, 2] * 4
    train = api.image_generator(paths[:8], labels[:8], batch_size=4, size=32)
    validation = api.image_generator(paths[8:], labels[8:], batch_size=4, size=32, shuffle=False)
    for _epoch in range(2):
        for x, y in itertools.islice(train, 2):
            assert (x.shape, len(y)) == ((4, 32, 32, 3), 4)
        assert next(validation)[1].tolist() == labels[8:]


def test_12_two_inputs_concatenated(api):
    one, other, y = np.arange(20.0).reshape(10, 2), -np.arange(30.0).reshape(10, 3), np.arange(10)

    def by_hand():
        for i in range(0, 10, 4):
            yield np.concatenate([one[i : i + 4], other[i : i + 4]], axis=-1), y[i : i + 4]

    loader = api.arrays([one, other], y, batch_size=4, concat=-1)
    for (x, labels), (expected, expected_labels) in zip(loader, by_hand(), strict=True):
        np.testing.assert_array_equal(x, expected)
        np.testing.assert_array_equal(labels, expected_labels)


def test_13_plain_generators(api):
    def fibonacci():
        a, b = 0, 1
        while True:
            yield a
            a, b = b, a + b

    numbers = api.restartable(fibonacci)
    assert list(itertools.islice(numbers, 8)) == [0, 1, 1, 2, 3, 5, 8, 13]
    assert list(itertools.islice(numbers, 3)) == [0, 1, 1]
    loader = api.arrays(np.arange(6), batch_size=2)
    assert list(zip(loader, "abc", strict=True))[2][1] == "c"
    assert [i for i, _ in enumerate(loader)] == [0, 1, 2]
    assert sum(int(batch.sum()) for batch in loader) == 15
    iterator = iter(loader)
    assert [next(iterator).tolist() for _ in range(3)] == [[0, 1], [2, 3], [4, 5]]
    for _ in range(2):
        with pytest.raises(StopIteration):
            next(iterator)


def test_14_streaming_data(api):
    more = threading.Event()

    def arriving():
        yield from range(5)
        more.wait(30)
        yield from range(5, 9)

    batches = api.stream(arriving(), batch_size=4)
    received = [next(batches)]
    more.set()
    received += list(batches)
    assert [list(batch) for batch in received] == [[0, 1, 2, 3], [4, 5, 6, 7], [8]]


def test_15_training_starts_with_the_first_batch(api, tmp_path):
    path = tmp_path / "rows.npy"
    n = 200_000 if api.__name__ == "fastbatch" else 20_000
    rows = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(n, 250))
    rows[:, 0] = np.arange(n)
    rows.flush()
    del rows
    begin = time.perf_counter()
    with api.arrays(path, batch_size=32, shuffle=True) as loader:
        first = next(iter(loader))
    assert first.shape == (32, 250)
    assert time.perf_counter() - begin < 60  # to detect a hang, not to measure speed
    assert Path(path).stat().st_size > 50 * first.nbytes  # only a small part of it was read
