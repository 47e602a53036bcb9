# SPDX-License-Identifier: MIT
"""`merge_states` and `check_ranks`: ranks that are not equally far, and ranks that disagree."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kinds import LOADERS, OTHERS, Folder
from making import ids

import fastbatch
from fastbatch import StateError, check_ranks, merge_states, rank_digest
from fastbatch.text.loader import TextLoader


def shards(api, world, n=50, batch_size=3, **options):
    options = {"shuffle": True, "seed": 4, **options}
    return [api.arrays(np.arange(n), batch_size=batch_size, shard=(rank, world), **options) for rank in range(world)]


def advance(loader, n):
    """Take `n` batches of a loader; return its samples and how many batches there were."""
    return list(itertools.islice(iter(loader), n))


@given(
    taken=st.lists(st.integers(0, 6), min_size=1, max_size=4),
    after=st.integers(1, 5),
    n=st.integers(1, 60),
    tail=st.sampled_from(["pad", "drop", "uneven"]),
)
def test_nothing_is_lost_and_what_is_repeated_is_said(taken, after, n, tail):
    """Each rank has taken its own number of batches when all of them end."""
    before = shards(fastbatch, len(taken), n, tail=tail)
    seen = [[int(i) for batch in advance(loader, k) for i in batch] for loader, k in zip(before, taken, strict=True)]
    states = [loader.state_dict() for loader in before]
    merged = json.loads(json.dumps(merge_states(states)))
    others = shards(fastbatch, after, n, tail=tail)
    for loader in others:
        loader.load_state_dict(merged)
    rest = [i for loader in others for i in ids(loader)]
    whole = ids(fastbatch.arrays(np.arange(n), shuffle=True, seed=4))
    at = merged["position"]
    if merged["epoch"] == 0:
        dropped = set(whole[-(after - 1) :]) if tail == "drop" and after > 1 else set()
        assert set(whole[at:]) - set(rest) <= dropped
        assert len(rest) < n - at + after  # each once, but for `tail="pad"`
        lost = set(whole[:at]) - {i for one in seen for i in one}  # what is not given again was given before
        assert lost <= (set(whole[-(len(taken) - 1) :]) if tail == "drop" and len(taken) > 1 else set())
        world = len(taken)
        for one in merged["repeated"]:
            if one["samples"] is not None:
                again = [i for i in whole[at : one["position"]] if i in seen[one["rank"]]]
                mine = [i for p, i in enumerate(whole[at : one["position"]], at) if p % world == one["rank"]]
                assert one["samples"] == len(mine) <= len(again)
    ahead = [
        rank for rank, state in enumerate(states) if state != min(states, key=lambda s: (s["epoch"], s["position"]))
    ]
    assert [one["rank"] for one in merged["repeated"]] == ahead


@pytest.mark.parametrize("kind", [kind for kind in LOADERS if kind not in ("a shard", "lines of a shard")])
def test_a_rank_that_is_a_batch_behind(api, tmp_path, kind):
    """All kinds go on at the position of the last rank, alone as well as together."""
    at = Folder(tmp_path)
    ranks = [LOADERS[kind](api, at).shard(rank, 2) for rank in range(2)]
    took = [advance(loader, 2 - rank) for rank, loader in enumerate(ranks)]
    assert [len(batches) for batches in took] == [2, 1]
    states = [loader.state_dict() for loader in ranks]
    assert states[0]["position"] > states[1]["position"]
    merged = merge_states(states)
    (repeated,) = merged.pop("repeated")
    assert merged == states[1]
    assert (repeated["rank"], repeated["epoch"], repeated["position"]) == (0, 0, states[0]["position"])
    last = took[0][1]
    while isinstance(last, (tuple, dict)) and not isinstance(ranks[0], TextLoader):
        last = next(iter(last.values() if isinstance(last, dict) else last))
    counts_samples = not any(word in kind for word in ("restartable", "generator", "documents"))
    if not isinstance(ranks[0], TextLoader) and counts_samples:
        assert repeated["samples"] == len(last)
    assert repeated["samples"] > 0
    resumed = [LOADERS[kind](api, at).shard(rank, 2) for rank in range(2)]
    for loader in resumed:
        loader.load_state_dict(merged)
    assert str(advance(resumed[0], 1)) == str(took[0][1:])
    assert str(list(resumed[1])) == str(list(LOADERS[kind](api, at).shard(1, 2))[1:])


def test_equal_states_are_merged_to_the_same(api):
    ranks = shards(api, 3)
    for loader in ranks:
        advance(loader, 2)
    states = [loader.state_dict() for loader in ranks]
    assert merge_states(states) == {**states[0], "repeated": []}
    assert merge_states(iter(states[:1])) == {**states[0], "repeated": []}


def test_a_rank_in_the_next_epoch(api):
    ranks = shards(api, 2, n=12)
    list(ranks[0])
    advance(ranks[1], 1)
    merged = merge_states([loader.state_dict() for loader in ranks])
    assert (merged["epoch"], merged["position"]) == (0, 6)
    assert merged["repeated"] == [{"rank": 0, "epoch": 1, "position": 0, "samples": None}]


def test_states_that_do_not_belong_together(api):
    def state(**options):
        return shards(api, 1, **options)[0].state_dict()

    old = state()
    for other, message in [
        (state(seed=5), "rank 1: seed differs from that of rank 0: expected 4, found 5"),
        (state(n=51), "rank 1: dataset differs from that of rank 0: expected "),
        (state(shuffle=False), "rank 1: order differs from that of rank 0: expected shuffle True, found shuffle False"),
        ({**old, "epoch": 2}, "rank 0 is at epoch 0 and rank 1 at epoch 2: states of different times"),
        ({**old, "kind": "words"}, "rank 1: not a state of words: 'unit' is missing"),
        ({**old, "version": 9}, "rank 1: not a state of arrays of this version: expected 1 or 2, found 9"),
        ({**old, "position": -1}, "rank 1: not a state of arrays: position: expected 0 to "),
        ({"version": 2}, "rank 1: not a state of arrays: "),
        ("state", "rank 1: not a state of arrays: "),
    ]:
        with pytest.raises(StateError) as raised:
            merge_states([old, other])
        assert str(raised.value).startswith(message)
    with pytest.raises(ValueError, match="states: expected the states of all ranks, found none"):
        merge_states([])
    with pytest.raises(TypeError, match="states: expected the states of all ranks, found 3"):
        merge_states(3)


# ---- whether ranks agree -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", sorted(LOADERS.keys() | OTHERS.keys() - {"stream"}))
def test_ranks_of_every_kind(api, tmp_path, kind):
    make = (LOADERS | OTHERS)[kind]
    ranks = [make(api, Folder(tmp_path)).shard(rank, 2) for rank in range(2)]
    digests = json.loads(json.dumps([rank_digest(loader) for loader in ranks]))
    assert check_ranks(digests) == digests[0]["hash"] == digests[1]["hash"]
    ranks[1].set_epoch(3)
    with pytest.raises(StateError, match="^ranks disagree: epoch: expected 0, found 3 on rank 1$"):
        check_ranks([rank_digest(loader) for loader in ranks])


def test_what_differs_is_said(api):
    def digests(world=4, **of_rank_2):
        loaders = shards(api, world)
        if of_rank_2:
            loaders[2] = shards(api, world, **of_rank_2)[2]
        return [rank_digest(loader) for loader in loaders]

    assert len(check_ranks(digests())) == 32
    for options, message in [
        ({"seed": 5}, "seed: expected 4, found 5 on rank 2"),
        ({"batch_size": 8}, "batch_size: expected 3, found 8 on rank 2"),
        ({"shuffle": False}, "order: expected 'shuffle True', found 'shuffle False' on rank 2"),
        ({"tail": "drop"}, "tail: expected 'pad', found 'drop' on rank 2"),
        (
            {"drop_last": True, "seed": 9},
            "seed: expected 4, found 9 on rank 2; drop_last: expected False, found True on",
        ),
        ({"n": 51}, "dataset: expected "),
    ]:
        with pytest.raises(StateError) as raised:
            check_ranks(digests(**options))
        assert str(raised.value).startswith(f"ranks disagree: {message}")
    behind = shards(api, 3)
    for loader in behind[:2]:
        advance(loader, 2)
    advance(behind[2], 1)
    with pytest.raises(StateError, match="position: expected 18, found 9 on rank 2$"):
        check_ranks([rank_digest(loader) for loader in behind])
    many = [rank_digest(shards(api, 20, seed=rank % 20 // 8)[rank]) for rank in range(20)]
    with pytest.raises(StateError, match="seed: expected 0, found 1 on ranks 8, 9, 10, 11, 12, 13, 14, 15, 2 on ranks"):
        check_ranks(many)


def test_ranks_that_are_there_twice_or_not_at_all(api):
    digests = [rank_digest(loader) for loader in shards(api, 3)]
    with pytest.raises(StateError, match="^ranks disagree: rank: expected 0 to 2, each once, found 0, 0, 2$"):
        check_ranks([digests[0], digests[0], digests[2]])
    with pytest.raises(StateError, match="^ranks disagree: world_size: expected 2, as many as ranks, found 3$"):
        check_ranks(digests[:2])


def test_any_transport(api):
    """Ranks as generators that are advanced in turn, until all of them have gathered."""
    digests = [rank_digest(loader) for loader in shards(api, 3)]
    calls = []

    def gather(mine):
        calls.append(mine)
        return [{**one, "fields": {"world_size": 3}} for one in digests]

    assert check_ranks(shards(api, 3)[1], gather) == digests[0]["hash"]
    assert calls == [{**digests[1], "fields": {"world_size": 3}}]  # the fields stay at home


def test_wrong_calls(api):
    with pytest.raises(TypeError, match="loader: expected a loader of fastbatch, found 3"):
        rank_digest(3)
    for wrong in (3, [], [3], [{"rank": 0}]):
        with pytest.raises(TypeError, match=r"loader: expected a loader of fastbatch, or rank_digest\(\) of all ranks"):
            check_ranks(wrong)
    with pytest.raises(TypeError, match="has no state"):
        check_ranks(api.stream(range(5)))
    alone = shards(api, 1)[0]
    assert check_ranks(alone) == rank_digest(alone)["hash"]
    with pytest.raises(ValueError, match=r"expected torch.distributed, initialized, or gather=..., to reach 2 ranks"):
        check_ranks(shards(api, 2)[0])
