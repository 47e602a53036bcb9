# SPDX-License-Identifier: MIT
"""`split` by class, by group, and with a gap: as scikit-learn divides, on every kind of loader."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import Folder
from making import error_of, ids, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.plan.splitting import grouped, stratified

LABELS = np.array(["cat"] * 12 + ["dog"] * 6 + ["owl"] * 3)
GROUPS = np.repeat([30, 10, 20, 40], [5, 1, 7, 8])


def numbered(api, n=21, **options):
    return api.arrays(np.arange(n), batch_size=4, **options)


# ---- by class --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(2, 40), min_size=1, max_size=8), st.floats(0.05, 0.95), st.integers(0, 2**64 - 1))
def test_each_class_has_its_share_within_one_sample(counts, share, seed):
    classes = np.random.default_rng(1).permutation(np.repeat(np.arange(len(counts)), counts))
    n_held = min(max(int(len(classes) * share), len(counts)), len(classes) - len(counts))
    held = stratified(classes, n_held, seed)
    assert held.sum() == n_held
    assert (
        np.abs(np.bincount(classes[held], minlength=len(counts)) - np.array(counts) * n_held / len(classes)) < 1
    ).all()
    assert (held == stratified(classes, n_held, seed)).all()


def test_both_parts_have_the_classes_of_all_samples(api):
    loader = numbered(api, shuffle=True)
    train, held_out = loader.split(7, stratify=LABELS, seed=3)
    assert sorted(ids(train) + ids(held_out)) == list(range(21))
    assert [int((LABELS[ids(held_out)] == name).sum()) for name in ("cat", "dog", "owl")] == [4, 2, 1]
    assert ids(held_out) == sorted(ids(held_out)) and train.plan.shuffle is True
    assert ids(loader.split(7, stratify=LABELS, seed=4)[1]) != ids(held_out)
    same_batches(held_out, numbered(api).split(7, stratify=LABELS, seed=3, shuffle=True)[1])


def test_the_classes_of_a_loader_are_its_labels(api, tmp_path):
    pairs = api.arrays(np.arange(21), LABELS == "cat", batch_size=4)
    train, held_out = pairs.split(7, stratify="classes")
    assert [int(part.labels.sum()) for part in (train, held_out)] == [8, 4]
    train, held_out = train.split(7, stratify="classes")  # of a part: its own labels
    assert [int(part.labels.sum()) for part in (train, held_out)] == [4, 4]
    images = api.images(Folder(tmp_path).photos, size=8)
    assert sorted(images.split(3, stratify="classes")[1].labels.tolist()) == [0, 1, 2]


def test_shares_are_those_of_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")
    generator = np.random.default_rng(2)
    for _ in range(30):
        classes = generator.permutation(np.repeat(np.arange(4), generator.integers(2, 30, 4)))
        n_held = int(generator.integers(4, len(classes) - 3))
        _, theirs = selection.train_test_split(np.arange(len(classes)), test_size=n_held, stratify=classes)
        ours = np.flatnonzero(stratified(classes, n_held, 0))
        exact = np.bincount(classes) * n_held / len(classes)
        different = np.bincount(classes[ours], minlength=4) - np.bincount(classes[theirs], minlength=4)
        # Only classes with the same remainder may differ, where scikit-learn draws which of them have one more.
        assert different.sum() == 0 and len(set(np.round(exact[different != 0] % 1, 9))) <= 1
    # Refused by both.
    for classes, n_held in ((np.array([0, 0, 1]), 2), (np.array([0, 0, 1, 1]), 1), (np.array([0, 0, 1, 1]), 3)):
        for call in (
            lambda c=classes, n=n_held: stratified(c, n, 0),
            lambda c=classes, n=n_held: selection.train_test_split(np.arange(len(c)), test_size=n, stratify=c),
        ):
            assert isinstance(error_of(call), ValueError)


# ---- by group --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 6), min_size=2, max_size=60), st.integers(1, 6), st.integers(0, 99), st.booleans())
def test_no_group_is_in_both_parts(given_groups, n_held, seed, is_random):
    _, groups = np.unique(given_groups, return_inverse=True)
    n_groups = int(groups.max()) + 1
    if n_held >= n_groups:
        with pytest.raises(ValueError, match="at least one group in each part|validation: expected 0 to"):
            grouped(groups, n_held, seed, is_random)
        return
    held = grouped(groups, n_held, seed, is_random)
    assert len(set(groups[held])) == n_held
    assert not set(groups[held]) & set(groups[~held])


def test_groups_are_held_out_whole(api):
    train, held_out = numbered(api, shuffle=True).split(0.5, groups=GROUPS)
    assert sorted(ids(train) + ids(held_out)) == list(range(21))
    assert len(set(GROUPS[ids(held_out)])) == 2 and not set(GROUPS[ids(train)]) & set(GROUPS[ids(held_out)])
    last = numbered(api).split(1, groups=GROUPS, shuffle=False)[1]
    assert ids(last) == list(range(13, 21))  # the group that appears last
    names = np.array(["b", "a", "b", "c"])
    assert ids(numbered(api, 4).split(1, groups=names, shuffle=False)[1]) == [3]


def test_a_share_counts_groups_as_in_scikit_learn():
    selection = pytest.importorskip("sklearn.model_selection")
    for n_held in (1, 2, 3):
        splitter = selection.GroupShuffleSplit(1, test_size=n_held, random_state=0)
        _, theirs = next(splitter.split(np.zeros(21), groups=GROUPS))
        assert len(set(GROUPS[theirs])) == len(
            set(GROUPS[grouped(np.unique(GROUPS, return_inverse=True)[1], n_held, 0, True)])
        )


def test_groups_of_windows_share_no_rows(api):
    """Groups that divide a series: training windows that share rows with the others are left out."""
    loader = api.windows(np.arange(40), length=5)
    groups = np.arange(loader.n_samples) // 12
    train, held_out = loader.split(1, groups=groups, seed=1)
    rows = [{int(x) for batch in part for x in batch.flat} for part in (train, held_out)]
    assert not rows[0] & rows[1] and held_out.n_samples == 12
    whole, _ = loader.split(1, groups=groups, seed=1, shuffle=True)
    assert whole.n_samples == 24 > train.n_samples
    with pytest.raises(ValueError, match="split: all other samples share rows with those held out"):
        api.windows(np.arange(9), length=5).split(1, groups=np.arange(5) % 2)


# ---- by time ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [1, 3, 9])
def test_a_gap_is_that_of_scikit_learn(api, gap):
    selection = pytest.importorskip("sklearn.model_selection")
    theirs = list(selection.TimeSeriesSplit(2, test_size=5, gap=gap).split(np.zeros(21)))[-1]
    for shuffle in (None, False):
        train, held_out = numbered(api).split(5, gap=gap, shuffle=shuffle)
        assert (ids(train), ids(held_out)) == tuple(part.tolist() for part in theirs)


def test_a_gap_comes_before_windows_that_share_no_rows(api):
    loader = api.windows(np.arange(100), length=8, stride=2)
    near, far = loader.split(10)[0], loader.split(10, gap=5)[0]
    assert far.n_samples == near.n_samples - 5
    plain = loader.split(10, gap=5, shuffle=False)[0]
    assert plain.n_samples == loader.n_samples - 15
    series = api.windows(np.arange(100), lengths=[50, 50], length=8)
    assert series.split(43, gap=5)[0].n_samples == 43  # the whole last series: nothing before it is near
    assert series.split(20, gap=5)[0].n_samples == 43 + 43 - 20 - 7 - 5


def test_a_gap_of_a_part(api):
    part = numbered(api).select(np.arange(20, -1, -2))
    train, held_out = part.split(3, gap=2)
    assert ids(held_out) == [4, 2, 0]
    assert ids(train) == [20, 18, 16, 14, 12, 10, 8]  # sample numbers at least 3 apart
    with pytest.raises(
        ValueError, match="all of the first 4 samples share rows with the 17 held out, or are among the 4"
    ):
        numbered(api).split(17, gap=4)


# ---- all -------------------------------------------------------------------------------------------------------------

SPLITS = [{"stratify": LABELS}, {"groups": GROUPS}, {"gap": 2}]


@pytest.mark.parametrize("options", SPLITS, ids=lambda options: next(iter(options)))
def test_parts_are_resumed_and_sharded_and_equal_in_pure(options):
    parts = [numbered(api, shuffle=True, seed=5).split(0.4, **options) for api in (fastbatch, pure)]
    for ours, oracle in zip(*parts, strict=True):
        same_batches(ours.shard(1, 2), oracle.shard(1, 2))
    train = parts[0][0]
    train.set_epoch(3)
    iterator = iter(train)
    next(iterator)
    again = numbered(pure, shuffle=True, seed=5).split(0.4, **options)[0]
    again.load_state_dict(train.state_dict())
    same_batches(copy.copy(train), again)
    other = numbered(fastbatch, shuffle=True, seed=5).split(0.4)[0]
    assert "order" in str(error_of(other.load_state_dict, train.state_dict()))


def test_generator_classes_are_split_by_batch(api):
    from kinds import PureSquares, Squares

    generator = (Squares if api is fastbatch else PureSquares)()
    train, held_out = generator.split(1, groups=np.arange(13) // 4, shuffle=False)
    assert [int(batch[0]) for batch in held_out] == [144] and len(train) == 12
    names = api.ImageDataLoader
    assert callable(names.split)


REFUSED = [
    ({"stratify": LABELS, "groups": GROUPS}, "expected stratify or groups, found both"),
    ({"stratify": LABELS, "shuffle": False}, "stratify: expected shuffle=True or None, found False"),
    ({"stratify": LABELS[:5]}, "stratify: expected one label for each of 21 samples, found shape (5,)"),
    (
        {"stratify": "classes"},
        "stratify: expected one label for each of 21 samples, found 'classes' of a loader without",
    ),
    ({"stratify": "labels"}, "stratify: expected one label for each of 21 samples, found 'labels'"),
    ({"stratify": np.arange(21) // 20}, "stratify: expected at least 2 samples of each class, found 1 at sample 20"),
    ({"stratify": LABELS, "validation": 2}, "stratify: expected at least 3 validation samples, one per class, found 2"),
    ({"stratify": LABELS, "validation": 19}, "stratify: expected at least 3 training samples, one per class, found 2"),
    ({"groups": GROUPS[:, None]}, "groups: expected one group for each of 21 samples, found shape (21, 1)"),
    ({"groups": GROUPS, "validation": 4}, "groups: expected at least one group in each part, found 4 of 4 held out"),
    ({"groups": GROUPS}, "validation: expected a share that is at least one of 4 groups, found 0.2"),
    ({"groups": GROUPS, "validation": 1.5}, "validation: expected a share between 0 and 1 or a number of groups"),
    ({"groups": GROUPS, "gap": 1}, "gap: only valid without stratify and groups"),
    ({"gap": 1, "shuffle": True}, "gap: only valid where the last samples are held out"),
    ({"gap": -1}, "gap: expected"),
    ({"gap": 1.5}, "gap: expected"),
]


EIGHT = {
    "large": [2**63 + 1] * 2 + [2**63 + 2] * 2 + [1] * 4,
    "zeros at the end": ["a\0"] * 4 + ["a"] * 4,
    "number and text": [1] * 4 + ["1"] * 4,
    "pairs": [(1, 2)] * 4 + [(2, 1)] * 4,
}


@pytest.mark.parametrize("name", EIGHT)
def test_labels_are_compared_as_python_compares_them(api, name):
    of = [EIGHT[name].index(label) for label in EIGHT[name]]
    loader = numbered(api, 8)
    for options in ({"groups": EIGHT[name]}, {"stratify": EIGHT[name]}):
        expected = loader.split(0.5, **{key: np.array(of) for key in options})
        for part, other in zip(loader.split(0.5, **options), expected, strict=True):
            assert np.concatenate(list(part)).tolist() == np.concatenate(list(other)).tolist()
    balanced = [api.arrays(np.arange(8), balance=balance, seed=1) for balance in (EIGHT[name], np.array(of))]
    assert np.concatenate(list(balanced[0])).tolist() == np.concatenate(list(balanced[1])).tolist()


def test_a_missing_label_of_pandas_is_an_error(api):
    pandas = pytest.importorskip("pandas")
    groups = pandas.Series(pandas.array(["a", None] * 4, dtype="string"), index=range(8, 0, -1))
    with pytest.raises(ValueError, match="groups: expected one group for each of 8 samples, found .* for sample 1"):
        numbered(api, 8).split(0.5, groups=groups)


def test_labels_that_cannot_be_compared_are_named(api):
    for options in ({"groups": [[1]] * 21}, {"stratify": [1] * 20 + [{}]}):
        with pytest.raises(TypeError, match=r"(groups: sample 0|stratify: sample 20): expected a number or a name"):
            numbered(api).split(2, **options)


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_what_cannot_be_divided_is_refused(api, options, message):
    assert message in str(error_of(numbered(api).split, **options))


def test_samples_that_share_rows_or_have_no_numbers_are_refused(api, tmp_path):
    windows = api.windows(np.arange(40), length=5)
    message = str(error_of(windows.split, stratify=np.arange(36) % 2))
    assert "stratify: expected shuffle=True, found None: it holds out random samples, and these share rows" in message
    assert windows.split(stratify=np.arange(36) % 2, shuffle=True)[1].n_samples == 7
    mixture = api.mix({numbered(api): 1.0})
    assert "split: the samples of a mixture change" in str(error_of(mixture.split, groups=GROUPS))
    words = api.words(Folder(tmp_path).text, 9)
    assert isinstance(error_of(words.split, gap=1), TypeError)
