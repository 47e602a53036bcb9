# SPDX-License-Identifier: MIT
"""`documents`: batches by length and by a budget of tokens: nothing lost, nothing twice, resume, ranks, bad input."""

from __future__ import annotations

import copy
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from making import error_of, same, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.plan.buckets import automatic_bounds

BOTH = [fastbatch, pure]
LENGTHS = [3, 9, 1, 0, 14, 5, 5, 2, 8, 30, 7, 7, 6, 12, 4, 4, 1, 21, 2, 3]
TOKENS = np.arange(sum(LENGTHS), dtype="u2") + 100
ENDS = np.cumsum(LENGTHS)
WHOLE = [TOKENS[end - n : end].tolist() for end, n in zip(ENDS, LENGTHS, strict=True)]


def made(api, **options):
    chosen = {"max_tokens": 32, "shuffle": True, "seed": 3, **options}
    return api.documents(TOKENS, lengths=LENGTHS, **chosen)


def documents_of(batch):
    """Return the documents of a batch: those that its mask leaves."""
    mask = itertools.repeat(True)
    if isinstance(batch, tuple):
        batch, *_, mask = batch
    if "offsets" in batch:
        rows = [batch["input_ids"][a:b] for a, b in itertools.pairwise(batch["offsets"].tolist())]
    else:
        rows = [row[:n] for row, n in zip(batch["input_ids"], batch["lengths"].tolist(), strict=True)]
    return [row.tolist() for row, real in zip(rows, mask, strict=False) if real]


def in_order(documents):
    return sorted(map(tuple, documents))


some_lengths = st.lists(st.integers(0, 60), min_size=1, max_size=50).filter(any)


@settings(max_examples=60)
@given(
    lengths=some_lengths,
    division=st.sampled_from([{"batch_size": 4}, {"max_tokens": 64}, {"max_tokens": 90, "batch_size": 3}])
    | st.builds(lambda bounds: {"buckets": sorted({*bounds, 60}), "batch_size": 5}, st.sets(st.integers(1, 59))),
    ragged=st.booleans(),
    shuffle=st.booleans(),
    world_size=st.integers(1, 4),
    cut=st.integers(0, 6),
    later=st.integers(1, 4),
)
def test_each_document_comes_once_on_any_number_of_ranks(lengths, division, ragged, shuffle, world_size, cut, later):
    tokens = np.arange(sum(lengths)) + 1
    expected = [tokens[end - n : end].tolist() for end, n in zip(np.cumsum(lengths), lengths, strict=True)]
    taken = {}
    for api in BOTH:
        whole = api.documents(tokens, lengths=lengths, ragged=ragged, shuffle=shuffle, seed=7, **division)
        ranks = [whole.shard(rank, world_size, "mask") for rank in range(world_size)]
        assert len({len(rank) for rank in ranks}) == 1
        batches = [list(rank) for rank in ranks]
        assert in_order(itertools.chain.from_iterable(map(documents_of, itertools.chain(*batches)))) == in_order(
            expected
        )
        rest = [whole.shard(rank, later, "mask") for rank in range(later)]
        k = min(cut, len(ranks[0]))
        begun = [list(itertools.islice(rank, k)) for rank in ranks]
        for rank in rest:
            rank.set_epoch(1)
            if k:
                rank.load_state_dict(ranks[0].state_dict())
        found = [documents_of(batch) for batch in itertools.chain(*begun, *rest)]
        assert in_order(itertools.chain(*found)) == in_order(expected)
        taken[api] = batches
    for ours, oracle in zip(*taken.values(), strict=True):
        same_batches(ours, oracle)


@given(some_lengths, st.integers(60, 300), st.booleans())
def test_a_budget_holds_with_padding(lengths, budget, to_bucket):
    for batch in fastbatch.documents(
        np.arange(sum(lengths)), lengths=lengths, max_tokens=budget, pad_to_bucket=to_bucket, shuffle=True
    ):
        assert batch["input_ids"].size <= budget
        assert batch["input_ids"].shape[1] >= batch["lengths"].max()


@pytest.mark.parametrize("longest", [0, 1, 7, 8, 9, 1000])
def test_automatic_bounds_are_close(longest):
    bounds = automatic_bounds(longest)
    assert bounds[-1] == longest and bounds == sorted(set(bounds))
    assert all(b <= max(a + 1, 1.1 * a) for a, b in itertools.pairwise(bounds))


def test_batches_are_those_of_tf_data(api):
    """`bucket_by_sequence_length` with the same bounds and sizes has the same full batches, in the order of data."""
    loader = made(api, shuffle=False, max_tokens=None, buckets=[4, 9, 30], batch_size=3)
    rows: dict[int, list[list[int]]] = {4: [], 9: [], 30: []}
    expected = []
    for document in WHOLE:
        bucket = next(bound for bound in rows if len(document) <= bound)
        rows[bucket].append(document)
        if len(rows[bucket]) == 3:
            expected.append(rows[bucket])
            rows[bucket] = []
    expected += [left for left in rows.values() if left]
    found = [documents_of(batch) for batch in loader]
    assert sorted(found) == sorted(expected)
    firsts = [WHOLE.index(documents[0]) for documents in found]
    assert firsts == sorted(firsts)


def test_rows_are_padded_to_the_longest_or_to_the_bucket(api):
    options = {"shuffle": False, "max_tokens": None, "buckets": [4, 30], "batch_size": 4, "pad": 7}
    for to_bucket in (False, True):
        for batch in made(api, pad_to_bucket=to_bucket, **options):
            ids, lengths = batch["input_ids"], batch["lengths"]
            assert ids.dtype == lengths.dtype == np.int64 and ids.flags.c_contiguous
            bound = 4 if lengths.max() <= 4 else 30
            assert ids.shape == (len(lengths), bound if to_bucket else lengths.max())
            beyond = np.arange(ids.shape[1]) >= lengths[:, None]
            assert (ids[beyond] == 7).all() and (ids[~beyond] >= 100).all()


def test_ragged_batches_have_offsets(api):
    (batch,) = made(api, ragged=True, max_tokens=None, shuffle=False, out_dtype="int32")
    assert batch["input_ids"].dtype == np.int32 and batch["input_ids"].tolist() == TOKENS.tolist()
    assert batch["lengths"].tolist() == LENGTHS and batch["offsets"].tolist() == [0, *ENDS.tolist()]


def test_forms_of_tokens_are_equal(api, tmp_path):
    expected = list(made(api))
    TOKENS.astype(">u2").tofile(tmp_path / "x.bin")
    np.save(tmp_path / "x.npy", TOKENS)
    np.save(tmp_path / "ends.npy", np.array([0, *ENDS]))
    options = {"max_tokens": 32, "shuffle": True, "seed": 3}
    same_batches(expected, api.documents(tmp_path / "x.bin", ">u2", lengths=LENGTHS, **options))
    same_batches(expected, api.documents(tmp_path / "x.npy", boundaries=tmp_path / "ends.npy", **options))
    kept = api.documents(TOKENS, lengths=LENGTHS, out_dtype=None, **options)
    assert {batch["input_ids"].dtype for batch in kept} == {np.dtype("u2")}


@pytest.mark.parametrize("form", ["lists", "arrays", "arrow", "chunks", "large", "polars"])
def test_rows_of_lists_are_documents(api, form):
    arrow = None if form in ("lists", "arrays") else pytest.importorskip("pyarrow")
    polars = pytest.importorskip("polars") if form == "polars" else None
    column = {
        "lists": lambda: WHOLE,
        "arrays": lambda: tuple(map(np.array, WHOLE)),
        "arrow": lambda: arrow.array([[1], *WHOLE], arrow.list_(arrow.uint16()))[1:],
        "chunks": lambda: arrow.chunked_array([WHOLE[:7], WHOLE[7:]]),
        "large": lambda: arrow.table({"ids": arrow.array(WHOLE, arrow.large_list(arrow.int32()))})["ids"],
        "polars": lambda: polars.Series(WHOLE),
    }[form]()
    same_batches(api.documents(column, max_tokens=32, shuffle=True, seed=3), list(made(api)))


def test_rows_of_lists_that_are_no_documents(api):
    arrow = pytest.importorskip("pyarrow")
    for column, error, message in [
        (arrow.array([[1, 2], None]), ValueError, "tokens: row 1: expected a list, found none"),
        (arrow.array([[1, None]]), ValueError, "tokens: expected integers, found 1 missing ones"),
        (arrow.array([["a"]]), TypeError, "tokens: expected lists of integers, found list<"),
        (arrow.table({"x": [[1]]}), TypeError, "lists of integers, found struct<x: list<"),
        ([[1], [0.5]], TypeError, "tokens: row 1: expected integers in 1 dimension, found float64 (1,)"),
        ([[1], [[2]]], TypeError, "tokens: row 1: expected integers in 1 dimension, found int64 (1, 1)"),
    ]:
        raised = error_of(api.documents, column)
        assert isinstance(raised, error) and message in str(raised)
    assert "beside boundaries or lengths, found rows of lists" in str(
        error_of(api.documents, [[1], [2]], lengths=[1, 1])
    )
    pairs = arrow.array([[5, 6]] * 3, arrow.list_(arrow.int64(), 2))
    assert next(iter(api.documents(pairs)))["input_ids"].tolist() == [[5, 6]] * 3
    assert next(iter(api.documents([[], [7]])))["input_ids"].tolist() == [[0], [7]]
    flat = arrow.array([5, 6, 7])
    assert next(iter(api.documents(flat, lengths=[1, 2])))["input_ids"].tolist() == [[5, 0], [6, 7]]


def test_long_documents(api):
    options = {"buckets": [8], "batch_size": 4, "max_tokens": None, "shuffle": False}
    assert str(error_of(made, api, **options)) == "document 1: expected at most 8 tokens, found 9"
    labels = np.arange(len(LENGTHS))
    cut = [documents_of(batch) for batch in made(api, long="cut", **options)]
    assert list(itertools.chain(*cut)) == [document[:8] for document in WHOLE]
    split = made(api, long="split", labels=labels, **options)
    expected = [
        (document[at : at + 8], d) for d, document in enumerate(WHOLE) for at in range(0, max(len(document), 1), 8)
    ]
    found = [pair for batch in split for pair in zip(documents_of(batch), batch["labels"].tolist(), strict=True)]
    assert found == expected and split.n_samples == len(expected)
    assert "expected at most 32 tokens, found 40" in str(
        error_of(api.documents, np.zeros(50, int), lengths=[10, 40], max_tokens=32)
    )


def test_labels_and_index_stay_with_their_documents(api):
    labels = np.array([[n, n * 2] for n in LENGTHS], "f4")
    loader = made(api, labels=labels, with_index=True, tail="mask")
    for part in (loader, loader.shard(1, 2), *loader.split(0.4)):
        for batch, index, mask in part:
            assert (batch["labels"] == part.labels[index]).all() and mask.shape == index.shape
            assert (batch["labels"][:, 0] == batch["lengths"]).all()


def test_drop_last_omits_one_batch_of_each_bucket(api):
    loader = made(api, drop_last=True, max_tokens=None, buckets=[5, 30], batch_size=4)
    assert [len(batch["lengths"]) for batch in loader] == [4] * 4
    assert len(loader) == 4 and loader.n_samples == 20
    assert list(made(api, drop_last=True, max_tokens=None, batch_size=40)) == []


# ---- epochs, resume, ranks -------------------------------------------------------------------------------------------


def test_epochs_shuffle_documents_and_batches(api):
    loader = made(api)
    epochs = [[documents_of(batch) for batch in loader] for _ in range(3)]
    assert all(in_order(itertools.chain(*epoch)) == in_order(WHOLE) for epoch in epochs)
    assert epochs[0] != epochs[1] and sorted(map(sorted, epochs[0])) != sorted(map(sorted, epochs[1]))
    still = made(api, shuffle=False)
    same_batches(list(still), list(still))


@pytest.mark.parametrize("options", [{}, {"ragged": True}, {"tail": "mask"}, {"with_index": True}], ids=str)
def test_resume_copies_and_pickles_at_every_batch(api, options):
    loader = made(api, shard=(1, 2), **options)
    epochs = [list(loader), list(loader)]
    for k in range(len(epochs[1]) + 1):
        loader = made(api, shard=(1, 2), **options)
        loader.set_epoch(1)
        iterator = iter(loader)
        same_batches(itertools.islice(iterator, k), epochs[1][:k])
        if k == len(epochs[1]):
            continue
        for again in (made(api, shard=(1, 2), **options), copy.copy(loader), pickle.loads(pickle.dumps(loader))):
            again.load_state_dict(loader.state_dict())
            same_batches(again, epochs[1][k:])
    same_batches(made(api, **options).skip(2).take(2), list(made(api, **options))[2:4])


def test_states_of_other_batches_are_refused(api):
    state = made(api).state_dict()
    assert state["kind"] == "documents"
    for other in ({"max_tokens": 40}, {"max_tokens": None}, {"drop_last": True}, {"shuffle": False}):
        assert "another order" in str(error_of(made(api, **other).load_state_dict, state))
    assert "another order" in str(error_of(made(api).select(range(10)).load_state_dict, state))
    assert "another order" in str(error_of(made(api).select(range(19, -1, -1)).load_state_dict, state))
    shorter = api.documents(TOKENS[:-1], lengths=[*LENGTHS[:-1], 2], max_tokens=32, shuffle=True, seed=3)
    assert "another data set" in str(error_of(shorter.load_state_dict, state))


def test_a_resume_reads_no_tokens_before_it(tmp_path):
    """Batches are found without those before them: the order of a batch is a function of its number."""
    lengths = np.random.default_rng(0).integers(1, 200, 20_000)
    loader = fastbatch.documents(np.zeros(lengths.sum(), "u2"), lengths=lengths, max_tokens=4096, shuffle=True)
    state = {**loader.state_dict(), "epoch": 5, "position": len(loader) - 1}
    loader.load_state_dict(state)
    assert len(list(loader)) == 1 and loader.stats()["batches"] == 1


def test_parts_and_selections_count_documents(api):
    loader = made(api, labels=np.array(LENGTHS) > 5)
    train, held_out = loader.split(0.25, stratify="classes")
    assert (train.n_samples, held_out.n_samples) == (15, 5)
    both = [documents_of(batch) for part in (train, held_out) for batch in part]
    assert in_order(itertools.chain(*both)) == in_order(WHOLE)
    same_batches(list(held_out), list(held_out))
    few = loader.select([4, 0, 9])
    assert in_order(itertools.chain(*map(documents_of, few))) == in_order([WHOLE[i] for i in (0, 4, 9)])
    assert list(loader.select([])) == []
    assert in_order(itertools.chain(*map(documents_of, train.select([0])))) == in_order(
        [WHOLE[next(i for i in range(20) if i not in _numbers(held_out))]]
    )


def _numbers(loader):
    return [WHOLE.index(document) for batch in loader for document in documents_of(batch)]


def test_functions_get_dicts_and_the_mask_comes_last(api):
    loader = made(api, tail="mask").map(lambda batch: (batch["input_ids"], batch["lengths"] > 5))
    assert sum(int(mask.sum()) for _, _, mask in loader) == 20
    each = made(api, max_tokens=None).map(lambda sample, info: sample["lengths"] + info.position, each="sample")
    positions = np.concatenate(list(each)) - np.concatenate([batch["lengths"] for batch in made(api, max_tokens=None)])
    assert len(set(positions.tolist())) == 20
    assert "ragged batches have none" in str(error_of(made(api, ragged=True).map, len, each="sample"))


def test_numbers_and_pictures_of_a_loader(api):
    loader = made(api)
    list(loader)
    assert (loader.stats()["samples"], loader.stats()["batches"]) == (20, len(loader))
    assert repr(loader).startswith("Loader(20 documents in ")
    assert "input_ids" in repr(made(api, ragged=True).preview(2))


# ---- frameworks ------------------------------------------------------------------------------------------------------


def test_torch_takes_ragged_batches_as_nested_tensors():
    torch = pytest.importorskip("torch")
    from fastbatch.torch import as_iterable

    loader = made(fastbatch, ragged=True)
    found = []
    for batch in torch.utils.data.DataLoader(as_iterable(loader), batch_size=None):
        nested = torch.nested.nested_tensor_from_jagged(batch["input_ids"], batch["offsets"])
        found += [row.tolist() for row in nested.unbind()]
    assert in_order(found) == in_order(WHOLE)


def test_keras_trains_on_batches_of_different_widths():
    keras = pytest.importorskip("keras")
    labels = (np.array(LENGTHS) > 5).astype("f4")
    loader = made(fastbatch, labels=labels, tail="mask").map(lambda batch: (batch["input_ids"] - 99, batch["labels"]))
    layers = [keras.layers.Embedding(400, 4), keras.layers.GlobalAveragePooling1D(), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(loss="mse", weighted_metrics=["mae"])
    kept = loader.select([i for i, n in enumerate(LENGTHS) if n > 0])
    history = model.fit(kept, verbose=0)
    assert np.isfinite(float(history.history["mae"][0]))


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"lengths": None}, ValueError, "expected boundaries or lengths, found neither"),
        ({"lengths": [3, 4]}, ValueError, "lengths: expected a sum of 144, the number of tokens, found 7"),
        ({"lengths": None, "boundaries": [0, 5, 3, 144]}, ValueError, "boundaries: document 1: expected an end from 5"),
        ({"buckets": []}, ValueError, "buckets: expected at least one, found none"),
        ({"buckets": [9, 9]}, ValueError, "buckets: expected ascending numbers, found 9, 9"),
        ({"buckets": [0, 9]}, ValueError, "buckets[0]: expected 1 to"),
        ({"buckets": 9}, TypeError, "buckets: expected a list of the most tokens of each, found 9"),
        ({"buckets": [9, 33]}, ValueError, "buckets: expected at most max_tokens, 32, found 33"),
        ({"max_tokens": 0}, ValueError, "max_tokens: expected 1 to"),
        ({"batch_size": 0}, ValueError, "batch_size: expected 1 to"),
        ({"pad": 2**63}, ValueError, "pad: expected"),
        ({"pad": -1, "out_dtype": "u2"}, ValueError, "pad: expected 0 to 65535, found -1"),
        ({"pad": 1, "ragged": True}, ValueError, "pad: only valid without ragged=True"),
        ({"pad_to_bucket": True, "ragged": True}, ValueError, "pad_to_bucket: only valid without ragged=True"),
        ({"long": "drop"}, ValueError, "long: expected"),
        ({"labels": [1, 2]}, ValueError, "labels: expected one for each of 20 documents, found shape (2,)"),
        ({"out_dtype": "u1"}, ValueError, "tokens: out_dtype: expected tokens from 0 to 255, found 256 at 156"),
        ({"tail": "mask", "drop_last": True}, ValueError, "drop_last: expected False with tail='mask'"),
        ({"shuffle": "block"}, TypeError, "shuffle: expected"),
        ({"weights": [1]}, TypeError, "documents() has no option 'weights'"),
    ],
)
def test_bad_options_are_refused(api, options, error, message):
    tokens = np.arange(200, dtype="u2") + 100 if "out_dtype" in options and options["out_dtype"] == "u1" else TOKENS
    lengths = [10] * 20 if len(tokens) == 200 else LENGTHS
    raised = error_of(api.documents, tokens, **{"lengths": lengths, "max_tokens": 32, **options})
    assert isinstance(raised, error) and message in str(raised)


def test_bad_tokens_are_refused(api, tmp_path):
    for name in "ab":
        np.arange(8, dtype="u2").tofile(tmp_path / f"{name}.bin")
    with pytest.raises(TypeError, match="found 2 shards; write the documents of all into one file"):
        api.documents(str(tmp_path / "*.bin"), "uint16", lengths=[8])
    message = "tokens: expected integers in 1 dimension, found float64 (3,)"
    assert message in str(error_of(api.documents, np.zeros(3), lengths=[3]))
    assert "expected at least one document, found none" in str(
        error_of(api.documents, np.zeros(0, int), lengths=np.zeros(0, int))
    )
    assert "expected samples of one shape, found documents" in str(error_of(api.mix, {made(api): 1.0}))
    dropping = made(api, drop_last=True)
    assert "drop_last: expected False with tail='mask'" in str(error_of(dropping.shard, 0, 2, "mask"))
    path = tmp_path / "x.npy"
    np.save(path, TOKENS)
    loader = api.documents(path, lengths=LENGTHS, max_tokens=32)
    with open(path, "r+b") as file:
        file.truncate(200)
    assert isinstance(error_of(list, loader), api.FormatError)


def test_batches_of_the_two_implementations_are_equal():
    for options in ({"pad_to_bucket": True}, {"ragged": True}, {"tail": "mask", "shard": (2, 3)}, {"shuffle": False}):
        ours, oracle = (made(api, **options) for api in BOTH)
        assert ours.state_dict() == oracle.state_dict()
        for one, other in zip(ours, oracle, strict=True):
            same(one, other)
