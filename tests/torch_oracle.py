# SPDX-License-Identifier: MIT
"""torch's own loader as the measure: the same batches, the same types, the same generators afterwards."""

import pytest

torch = pytest.importorskip("torch", reason="PyTorch is not installed")


def same(one, other):
    """Return whether two batches are equal in types, structure and every byte."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        if one.dtype != other.dtype or one.shape != other.shape or one.is_contiguous() != other.is_contiguous():
            return False
        return (
            one.contiguous().view(torch.uint8).equal(other.contiguous().view(torch.uint8))
            if one.dim()
            else one == other
        )
    if isinstance(one, dict):
        return list(one) == list(other) and all(same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def run(loader_class, make, seed=3, epochs=2, stop=None, **options):
    """Return the batches of some epochs and the state of the generators afterwards.

    Args:
        make: Returns dataset and arguments, new ones at each call: samplers hold generators.
        stop: Batches after which an epoch is left.
    """
    torch.manual_seed(seed)
    dataset, arguments = make()
    loader = loader_class(dataset, **arguments, **options)
    batches = []
    for _ in range(epochs):
        for k, batch in enumerate(loader):
            batches.append(batch)
            if stop is not None and k + 1 == stop:
                break
    states = [torch.get_rng_state()]
    for holder in (loader, loader.sampler, loader.batch_sampler):
        generator = getattr(holder, "generator", None)
        if generator is not None:
            states.append(generator.get_state())
    return batches, states, loader


def noted_fetches(patch):
    """Return the list of the batches of plain indices that a loader of fastbatch leaves to torch from now on."""
    from fastbatch.torch import batches, image_batches

    fetched = []

    def note(index):
        if type(index) is list and index and all(type(i) is int and i >= 0 for i in index):
            fetched.append(index)

    for module in (batches, image_batches):
        fetch = module.fetch
        noted = lambda fetcher, index, k, fetch=fetch: (note(index), fetch(fetcher, index, k))[1]  # noqa: E731
        patch.setattr(module, "fetch", noted)
    return fetched


def assert_same_as_torch(loader_class, make, native=True, **options):
    """Compare with torch's loader, batch for batch, and the generators afterwards.

    A native loader also leaves no batch to torch, which would be the same and slow.
    """
    theirs, states, _ = run(torch.utils.data.DataLoader, make, **options)
    with pytest.MonkeyPatch.context() as patch:
        fetched = noted_fetches(patch)
        ours, our_states, loader = run(loader_class, make, **options)
    assert loader.explain().native is native, loader.explain()
    assert not (native and fetched), f"by torch: {fetched}"
    assert len(ours) == len(theirs)
    for k, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        assert same(one, other), f"batch {k}: {one} is not {other}"
    for one, other in zip(our_states, states, strict=True):
        assert one.equal(other), "the generators differ"
