# SPDX-License-Identifier: MIT
"""One loader of every kind, for tests of their common behaviour."""

import numpy as np
from making import make_photos

import fastbatch
from fastbatch import pure

N = 60
X = np.random.default_rng(0).random((N, 3)).astype(np.float32)
Y = np.arange(N)
OPTIONS = {"batch_size": 7, "shuffle": True, "seed": 3}


def halve(batch):
    return batch[0] / 2, batch[1]


def squares(n=20):
    for i in range(n):
        yield np.full(2, i * i)


class Squares(fastbatch.DataGenerator):
    def __len__(self):
        return 13

    def __getitem__(self, index):
        return np.full(2, index * index)


class PureSquares(pure.DataGenerator):
    __len__, __getitem__ = Squares.__len__, Squares.__getitem__


class Folder:
    """Creates the files for a loader on first use."""

    def __init__(self, root):
        self._root = root

    def _made(self, name, write):
        path = self._root / name
        if not path.exists():
            write(path)
        return path

    @property
    def photos(self):
        return self._made("photos", lambda path: make_photos(path, 3))

    @property
    def npy(self):
        return self._made("x.npy", lambda path: np.save(path, X))

    @property
    def npz(self):
        return self._made("x.npz", lambda path: np.savez(path, x=X, y=Y))

    @property
    def csv(self):
        return self._made("x.csv", lambda path: np.savetxt(path, X, delimiter=",", header="a,b,c", comments=""))

    @property
    def text(self):
        lines = [f"{' '.join(f'w{i * j}' for j in range(i % 5))}\n" for i in range(40)]
        return self._made("a.txt", lambda path: path.write_text("".join(lines)))


def _three_parts(api):
    """Loaders and their shares: shuffled, in order, and weighted."""
    weighted = api.arrays(X[:9], Y[:9], weights=X[:9, 0], seed=4)
    return {api.arrays(X, Y, **OPTIONS): 0.5, api.arrays(X[::2], Y[::2]): 0.3, weighted: 0.2}


def _two_of_images(api, at):
    options = {"size": 8, "flip": True, "shuffle": True}
    return {api.images(at.photos, seed=seed, **options): share for seed, share in [(3, 0.3), (5, 0.7)]}


def _squares(api):
    return Squares if api is fastbatch else PureSquares


# name -> (api, folder) -> a loader of about ten batches that can be resumed
LOADERS = {
    "arrays": lambda api, at: api.arrays(X, Y, **OPTIONS),
    "a dict": lambda api, at: api.arrays({"x": X, "y": [Y, Y]}, **OPTIONS),
    "one array": lambda api, at: api.arrays(Y, **OPTIONS),
    "a file": lambda api, at: api.arrays(at.npy, Y, **OPTIONS),
    "an archive": lambda api, at: api.arrays(at.npz, **OPTIONS),
    "joined": lambda api, at: api.arrays([X, X[:, :1]], Y, concat=-1, scale=2, **OPTIONS),
    "weighted": lambda api, at: api.arrays(X, Y, weights=X[:, 0], **{**OPTIONS, "shuffle": False}),
    "a shard": lambda api, at: api.arrays(X, Y, **{**OPTIONS, "batch_size": 4}).split(0.3)[0].shard(1, 2),
    "mapped": lambda api, at: api.arrays(X, Y, **OPTIONS).map(halve),
    "windows": lambda api, at: api.windows(X, Y, length=5, **OPTIONS),
    "views": lambda api, at: api.windows(X, Y, length=5, copy=False, batch_size=7),
    "windows of a file": lambda api, at: api.windows(at.npy, Y, length=5, stride=2, **{**OPTIONS, "batch_size": 4}),
    "windows of series": lambda api, at: api.windows(api.series([X[:30], X[30:]]), length=5, **OPTIONS),
    "windows of CSV": lambda api, at: api.windows(api.csv(at.csv), length=5, normalize="window", **OPTIONS),
    "a dataset": lambda api, at: api.TimeSeriesDataset(X, Y, 5).loader(**OPTIONS),
    "tokens": lambda api, at: api.tokens(Y, context=5, stride=2, **{**OPTIONS, "batch_size": 4}),
    "packs": lambda api, at: api.pack(
        Y, context=7, lengths=[3, 4, 5] * 5, targets="next", **{**OPTIONS, "batch_size": 2}
    ),
    "documents": lambda api, at: api.documents(
        Y, lengths=[3, 4, 5] * 5, buckets=[3, 4, 5], batch_size=2, shuffle=True, seed=3
    ),
    "ragged documents": lambda api, at: api.documents(Y, lengths=[3, 4, 5] * 5, max_tokens=9, ragged=True),
    "images": lambda api, at: api.images(at.photos, size=8, flip=True, batch_size=2, shuffle=True, seed=3),
    "mixed images": lambda api, at: api.mixup(api.images(at.photos, size=8, batch_size=2, seed=3)),
    "a mixture": lambda api, at: api.mix(_three_parts(api), batch_size=7),
    "a mixture of images": lambda api, at: api.mix(_two_of_images(api, at), batch_size=2),
    "concatenated": lambda api, at: api.concat(*_three_parts(api), batch_size=7, shuffle=True, seed=2),
    "zipped": lambda api, at: api.zip(api.arrays(X, Y, **OPTIONS), api.arrays(at.npy, **OPTIONS), batch_size=6),
    "words": lambda api, at: api.words(at.text, 9),
    "shuffled lines": lambda api, at: api.lines(at.text, 5, shuffle="line", seed=3, keepends=False),
    "lines of a shard": lambda api, at: api.lines(at.text, 3, shard=(1, 2), output="offsets"),
    "ids": lambda api, at: api.words(at.text, 9, output="ids", vocabulary=["w0", "w4"], shuffle="block", block_size=4),
    "restartable": lambda api, at: api.restartable(squares),
    "restartable ahead": lambda api, at: api.restartable(squares, 30, length=20, prefetch=2, shard=(0, 2)),
    "a generator class": lambda api, at: _squares(api)(shuffle=True, seed=3, threads=2),
    "a generator class alone": lambda api, at: _squares(api)(threads=0),
}

# those whose samples have no numbers
IN_ORDER = ("words", "shuffled lines", "lines of a shard", "ids", "restartable", "restartable ahead")

# loaders that are their own iterators, or are read once: all are a `Loader`
OTHERS = {
    "folder": lambda api, at: api.ImageDataLoader(at.photos, 1, labels="infer", shuffle=True, seed=3),
    "decoded folder": lambda api, at: api.ImageDataLoader(at.photos, 1, decode=True, size=8, shuffle=True),
    "stream": lambda api, at: api.stream(at.text, 7),
}

# data that can be read once, or that is its own iterator
ITERATORS = {
    "text_generator": lambda api, at: api.text_generator(at.text, 9),
    "stream": lambda api, at: api.stream(at.text, 7),
    "stream of items": lambda api, at: api.stream(range(60), 7, shuffle_buffer=9),
    "repeat": lambda api, at: api.arrays(X, Y, **OPTIONS).repeat(2),
    "repeated words": lambda api, at: api.words(at.text, 9).repeat(2),
    **{f"iterator of {name}": (lambda api, at, make=make: iter(make(api, at))) for name, make in LOADERS.items()},
}
