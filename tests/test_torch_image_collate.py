# SPDX-License-Identifier: MIT
"""A `collate_fn` of the user's own over images that are made natively: torch's batches and generators, exactly."""

import random

import numpy as np
import pytest
from image_data import cifar, evaluation, given, training, write_photos
from torch_oracle import assert_same_as_torch, same, torch
from torchvision_import import datasets, transforms, v2

from fastbatch.torch import DataLoader

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")
default_collate = torch.utils.data.default_collate
TorchLoader = torch.utils.data.DataLoader


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


def as_list(samples):
    """As detection models want them."""
    return tuple(zip(*samples, strict=True))


def as_dict(samples):
    images, labels = zip(*samples, strict=True)
    return {"pixel_values": torch.stack(images), "labels": torch.tensor(labels)}


def in_place(samples):
    for image, _ in samples:
        image.mul_(2)
    return default_collate(samples)


def noisy(samples):
    images, labels = default_collate(samples)
    return images + torch.rand(len(images), 1, 1, 1), labels


def mixed(samples):
    return v2.MixUp(num_classes=2)(*default_collate(samples))


def cut(samples):
    return v2.CutMix(num_classes=2)(*default_collate(samples))


def numpys(samples):
    images, labels = default_collate(samples)
    return images * float(np.random.uniform()), labels


def pythons(samples):
    images, labels = default_collate(samples)
    return images * random.random(), labels


class Sometimes:
    """Draws for batches whose first label is 1."""

    def __call__(self, samples):
        images, labels = default_collate(samples)
        return (images * torch.rand(1) if labels[0] == 1 else images), labels


COLLATES = {c.__name__: c for c in (as_list, as_dict, in_place, noisy, mixed, cut, numpys, pythons)}
COLLATES["sometimes"] = Sometimes()


def seeded(make):
    """Give Python's and NumPy's generators, which the oracle does not seed, the same state before each loader."""

    def made():
        random.seed(5)
        np.random.seed(5)
        return make()

    return made


@pytest.mark.parametrize("num_workers", [0, 1, 2])
@pytest.mark.parametrize("name", COLLATES)
@pytest.mark.parametrize("recipe", [training, evaluation])
def test_collate_functions(folder, recipe, name, num_workers):
    dataset = datasets.ImageFolder(folder, recipe(transforms))
    make = seeded(given(dataset, batch_size=4, shuffle=True, collate_fn=COLLATES[name], num_workers=num_workers))
    assert_same_as_torch(DataLoader, make)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_collate_function_of_images_in_arrays(num_workers):
    recipe = transforms.Compose([transforms.RandomCrop(32, 4), transforms.ToTensor()])
    dataset = cifar(transform=recipe)
    make = given(dataset, batch_size=4, shuffle=True, collate_fn=noisy, num_workers=num_workers)
    assert_same_as_torch(DataLoader, make)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("name", ["as_list", "noisy"])
@pytest.mark.parametrize("draws", [False, True])
def test_a_collate_function_after_python_steps(folder, name, num_workers, draws):
    first = transforms.RandomResizedCrop(48) if not draws else transforms.Resize((48, 48))
    last = transforms.Lambda(lambda x: x + (torch.rand(1) if draws else 1))
    dataset = datasets.ImageFolder(folder, transforms.Compose([first, transforms.ToTensor(), last]))
    make = given(dataset, batch_size=4, collate_fn=COLLATES[name], num_workers=num_workers)
    assert_same_as_torch(DataLoader, make)


@pytest.mark.parametrize("collate_fn", [None, noisy])
@pytest.mark.parametrize("num_workers", [0, 2])
def test_indices_that_count_from_the_end(folder, num_workers, collate_fn):
    """Their samples are made by the dataset itself, from the random numbers of their place in the epoch."""
    dataset = datasets.ImageFolder(folder, training(transforms))
    order = [[1, 2], [-1, 3], [4, 5], [6, 7], [8, -2], [9, 10], [11, 12], [13, 14], [15, 16]]
    make = given(dataset, batch_sampler=order, collate_fn=collate_fn, num_workers=num_workers)
    assert_same_as_torch(DataLoader, make)


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("name", ["as_dict", "mixed"])
@pytest.mark.parametrize("n_before", [0, 1, 3])
def test_resume(folder, name, num_workers, n_before):
    def make():
        dataset = datasets.ImageFolder(folder, training(transforms))
        return DataLoader(dataset, 4, shuffle=True, collate_fn=COLLATES[name], num_workers=num_workers)

    torch.manual_seed(3)
    loader = make()
    iterator = iter(loader)
    for _ in range(n_before):
        next(iterator)
    state = loader.state_dict()
    rest = list(iterator)
    torch.manual_seed(8)
    again = make()
    again.load_state_dict(state)
    assert same(list(again), rest)


@pytest.mark.parametrize("draw", [False, True])
@pytest.mark.parametrize("shuffle", [False, True])
def test_resume_before_the_first_batch(folder, shuffle, draw):
    """The order is drawn at the first batch, from the generator as it is then."""

    def make():
        dataset = datasets.ImageFolder(folder, training(transforms))
        return DataLoader(dataset, 4, shuffle=shuffle)

    torch.manual_seed(3)
    loader = make()
    iterator = iter(loader)
    if draw:
        torch.rand(1)
    state = loader.state_dict()
    rest = list(iterator)
    torch.manual_seed(8)
    again = make()
    again.load_state_dict(state)
    iterator = iter(again)
    assert again.state_dict() == state
    assert same(list(iterator), rest)


def raising(samples):
    if any(label == 1 for _, label in samples):
        raise KeyError("no such label")
    return default_collate(samples)


def ending(samples):
    raise StopIteration


ERRORS = {
    "another": (raising, KeyError, "batch 2.*no such label"),
    "StopIteration, which does not end the epoch early": (ending, RuntimeError, "batch 0.*StopIteration"),
}


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("name", ERRORS)
def test_a_collate_function_that_raises(folder, name, num_workers):
    function, kind, message = ERRORS[name]
    dataset = datasets.ImageFolder(folder, training(transforms))
    loader = DataLoader(dataset, 4, collate_fn=function, num_workers=num_workers)
    with pytest.raises(kind, match=message):
        list(loader)


def test_explain(folder):
    loader = DataLoader(datasets.ImageFolder(folder, training(transforms)), 4, collate_fn=as_dict)
    row = loader.explain()["collate_fn"]
    assert (row.runs, row.why) == ("python", "as_dict is called with a list of samples")
    assert loader.explain().native
    assert "gathered ahead" not in loader.explain()["order"].why
    ahead = DataLoader(datasets.ImageFolder(folder, training(transforms)), 4, collate_fn=as_dict, num_workers=2)
    assert "gathered ahead" in ahead.explain()["order"].why
