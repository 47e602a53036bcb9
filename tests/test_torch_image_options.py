# SPDX-License-Identifier: MIT
"""Images with the options of every loader: `shard=`, and `device=` with a copy ahead."""

import pytest
from image_data import evaluation, training, write_photos
from torch_oracle import same, torch
from torchvision_import import datasets, transforms

import fastbatch.torch
from fastbatch.torch import DataLoader

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    # Said once a process. As an error it would leave that batch to torch, with other numbers than rng="philox" gives.
    pytest.mark.filterwarnings("ignore:BMP images are decoded by Pillow"),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("rng", ["torch", "philox"])
def test_sharded_images_go_on_where_they_were(folder, num_workers, rng):
    def make():
        return DataLoader(
            datasets.ImageFolder(folder, training(transforms)), 4, True, num_workers=num_workers, rng=rng, shard="torch"
        )

    torch.manual_seed(3)
    loader = make()
    assert loader.explain().native
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    expected = list(iterator)
    assert expected
    torch.manual_seed(8)
    later = make()
    later.load_state_dict(state)
    assert same(list(later), expected)


@pytest.mark.parametrize("options", [{"num_workers": 2}, {"rng": "philox"}, {}], ids=str)
def test_images_that_are_copied_ahead(folder, monkeypatch, options):
    """The state is that of the batch in use, not of the one that is copied meanwhile."""
    sides = []

    class Side:
        def __init__(self, device, convert):
            sides.append(self)

        def begin(self, batch):
            return batch

        def finish(self, batch):
            return batch

    monkeypatch.setattr("fastbatch.torch.delivery._HOST", ())
    monkeypatch.setattr("fastbatch.torch.delivery.SideStream", Side)

    def make(device=None):
        return DataLoader(datasets.ImageFolder(folder, training(transforms)), 4, True, device=device, **options)

    torch.manual_seed(3)
    plain = list(make())
    torch.manual_seed(3)
    loader = make("cpu")
    iterator = iter(loader)
    found = [next(iterator), next(iterator)]
    state = loader.state_dict()
    rest = list(iterator)
    assert sides
    assert same(found + rest, plain)
    later = make()
    later.load_state_dict(state)
    assert same(list(later), rest)


def test_dataset_whose_transform_changes(folder):
    def batches(dataset):
        torch.manual_seed(3)
        return list(torch.utils.data.DataLoader(dataset, 4))

    source = datasets.ImageFolder(folder, evaluation(transforms))
    fast = fastbatch.torch.dataset(source)
    for transform in (evaluation(transforms), training(transforms, 20), lambda image: torch.tensor(image.size)):
        source.transform = transform
        assert same(batches(fast), batches(source))
