# SPDX-License-Identifier: MIT
"""Datasets of images in `fastbatch.torch.DataLoader`: torch's own batches over torchvision, bit for bit."""

import random

import numpy as np
import pytest
from image_data import MEAN, STD, cifar, given, mnist, tail, write_photos
from PIL import Image
from torch_oracle import assert_same_as_torch, run, same, torch
from torchvision_import import datasets, transforms, v2

from fastbatch.torch import DataLoader

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:The transform `ToTensor"),
    pytest.mark.filterwarnings("ignore:The default value of the antialias"),
]
WORKERS = [0, 2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder of two classes, of many sizes and formats."""
    return write_photos(tmp_path_factory.mktemp("photos"))


def modern(dtype=torch.float32):
    return [v2.ToImage(), v2.ToDtype(dtype, scale=True), v2.Normalize(MEAN, STD)]


TRAINING = {
    "training": lambda t: [t.RandomResizedCrop(48), t.RandomHorizontalFlip(), *tail(t)],
    "evaluation": lambda t: [t.Resize(56), t.CenterCrop(48), *tail(t)],
    "bicubic": lambda t: [t.RandomResizedCrop((40, 56), (0.3, 0.9), interpolation=3), t.ToTensor()],
    "stretched": lambda t: [t.Resize((30, 50), t.InterpolationMode.LANCZOS), t.PILToTensor()],
    "nearest": lambda t: [t.Resize((30, 50), t.InterpolationMode.NEAREST), t.PILToTensor()],
    "largest side": lambda t: [t.Resize(60, max_size=70), t.CenterCrop(64), t.ToTensor()],
    "random crop": lambda t: [t.Resize(64), t.RandomCrop(48), t.RandomVerticalFlip(0.3), t.ToTensor()],
    "padded crop": lambda t: [t.RandomCrop(48, padding=(3, 7), fill=(9, 8, 7), pad_if_needed=True), t.ToTensor()],
    "one padding": lambda t: [t.CenterCrop(20), t.Pad((1, 2, 3, 4)), t.RandomHorizontalFlip(), t.ToTensor()],
    "crop of a flip": lambda t: [
        *(t.Resize(50), t.RandomHorizontalFlip(), t.RandomVerticalFlip(), t.RandomCrop((33, 41)), t.ToTensor())
    ],
    "colours": lambda t: [t.RandomResizedCrop(32), t.ColorJitter(0.4, 0.4, 0.4, 0.1), *tail(t)],
    "more colours": lambda t: [
        *(t.RandomResizedCrop(32), t.ColorJitter(saturation=2, hue=0.5), t.RandomGrayscale(0.5), t.ToTensor())
    ],
    "grey": lambda t: [t.Resize((20, 20)), t.Grayscale(3), t.RandomHorizontalFlip(), t.ToTensor()],
    "erasing": lambda t: [t.RandomResizedCrop(32), *tail(t), t.RandomErasing(0.7)],
    "erasing colours": lambda t: [t.RandomResizedCrop(32), t.PILToTensor(), t.RandomErasing(1, value=(1, 200, 3))],
    "flip of a tensor": lambda t: [t.Resize((32, 24)), t.ToTensor(), t.RandomHorizontalFlip(), t.RandomCrop(20)],
    "nested": lambda t: [t.Compose([t.Resize(40), t.CenterCrop(32)]), t.Compose(tail(t))],
    "one channel": lambda t: [t.RandomResizedCrop(24), t.Grayscale(), t.ToTensor(), t.RandomErasing(1, value=0.5)],
    "rotation": lambda t: [t.Resize((30, 40)), t.RandomRotation(25), t.RandomHorizontalFlip(), *tail(t)],
    "smooth rotation": lambda t: [
        *(t.Resize((30, 40)), t.RandomVerticalFlip(), t.RandomRotation((20, 200), 2, center=(3, 9), fill=(9, 7, 200))),
        *(t.RandomHorizontalFlip(), t.ToTensor()),
    ],
    "affine": lambda t: [t.Resize((41, 40)), t.RandomAffine(10, (0.3, 0.2), (0.4, 3), (5, 20, -9, 3)), t.ToTensor()],
    "scaled": lambda t: [t.Resize((31, 50)), t.RandomAffine(0, (0.2, 0.1), (0.3, 3), fill=7), t.ToTensor()],
    "smooth affine": lambda t: [
        *(t.Resize((31, 50)), t.ColorJitter(0.3), t.RandomAffine(90, None, (0.5, 2), interpolation=2, fill=80)),
        *(t.ColorJitter(0, 0.5), t.ToTensor()),
    ],
    "half": lambda t: [t.Resize((32, 24)), t.PILToTensor(), t.ConvertImageDtype(torch.float16)],
    "bfloat16": lambda t: [t.Resize((32, 24)), t.ToTensor(), t.ConvertImageDtype(torch.bfloat16)],
}
MODERN = {
    "training": lambda: [v2.RandomResizedCrop(48, antialias=True), v2.RandomHorizontalFlip(), *modern()],
    "evaluation": lambda: [v2.Resize(56), v2.CenterCrop(48), *modern()],
    "pure": lambda: [v2.Resize((40, 40)), v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)],
    "bytes": lambda: [v2.RandomResizedCrop(32), v2.ToImage(), v2.ToDtype(torch.uint8), v2.ToPureTensor()],
    "image last": lambda: [v2.RandomResizedCrop(32), v2.ToImage()],
}


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("name", TRAINING)
def test_transforms_of_version_1(folder, name, num_workers):
    dataset = datasets.ImageFolder(folder, transforms.Compose(TRAINING[name](transforms)))
    make = given(dataset, batch_size=4, shuffle=True)
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)


@pytest.mark.parametrize("name", TRAINING)
def test_transforms_of_version_2(folder, name):
    dataset = datasets.ImageFolder(folder, v2.Compose(TRAINING[name](v2)))
    make = given(dataset, batch_size=4, shuffle=True)
    assert_same_as_torch(DataLoader, make, num_workers=0)


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("name", MODERN)
def test_modern_transforms(folder, name, num_workers):
    dataset = datasets.ImageFolder(folder, v2.Compose(MODERN[name]()))
    make = given(dataset, batch_size=4, shuffle=True)
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)


ARRAYS = {
    "training": lambda t: [t.RandomCrop(32, padding=4), t.RandomHorizontalFlip(), *tail(t)],
    "evaluation": lambda t: tail(t),
    "resized": lambda t: [t.Resize(40), t.RandomCrop(36), t.ToTensor()],
    "resized crop": lambda t: [t.RandomResizedCrop(24), t.RandomHorizontalFlip(), t.ToTensor()],
    "crop of one axis": lambda t: [t.RandomCrop((32, 20)), t.ToTensor()],
    "tensors": lambda t: [t.ToTensor(), t.RandomCrop(32, padding=4), t.RandomHorizontalFlip(), t.Normalize(MEAN, STD)],
    "erasing": lambda t: [t.RandomCrop(32, padding=4, fill=128), t.RandomVerticalFlip(), *tail(t), t.RandomErasing()],
    "colours": lambda t: [t.RandomCrop(30), t.ColorJitter(0.5), *tail(t)],
    "rotation": lambda t: [t.RandomRotation(20), t.RandomHorizontalFlip(), *tail(t)],
    "grey": lambda t: [t.RandomCrop(32, padding=2), t.Grayscale(1), t.ToTensor(), t.Normalize((0.4,), (0.3,))],
}


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("version", [transforms, v2], ids=["1", "2"])
def test_images_in_arrays(version, name, num_workers):
    dataset = cifar(transform=version.Compose(ARRAYS[name](version)))
    make = given(dataset, batch_size=7, shuffle=True)
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)


@pytest.mark.parametrize("num_workers", WORKERS)
def test_mnist(num_workers):
    dataset = mnist(transform=transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]))
    make = given(dataset, batch_size=8, shuffle=True, drop_last=True)
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)
    dataset.transform = transforms.Compose([transforms.RandomCrop(28, padding=2), transforms.ToTensor()])
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)
    turns = [transforms.RandomRotation(10), transforms.RandomAffine(5, (0.1, 0.1), fill=9), transforms.Grayscale()]
    dataset.transform = transforms.Compose([*turns, transforms.ToTensor()])
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)


@pytest.mark.parametrize("num_workers", WORKERS)
def test_concatenations_of_arrays(num_workers):
    colour = transforms.Compose(
        [transforms.RandomCrop(32, padding=4), transforms.RandomHorizontalFlip(), *tail(transforms)]
    )
    parts = [cifar(25, colour), torch.utils.data.Subset(cifar(40, colour), range(5, 20)), cifar(12, colour)]
    parts[1].dataset.data = parts[1].dataset.data.copy()  # interleaved
    both = torch.utils.data.ConcatDataset(parts)
    grey = transforms.Compose([transforms.RandomCrop(28, padding=2), transforms.ToTensor()])
    for one in (
        both,
        torch.utils.data.Subset(both, range(2, 52, 3)),
        torch.utils.data.ConcatDataset([mnist(9, grey), mnist(14, grey)]),
    ):
        make = given(one, batch_size=7, shuffle=True)
        assert_same_as_torch(DataLoader, make, num_workers=num_workers)


def test_concatenations_of_arrays_of_two_sizes_are_left_to_torch():
    small = cifar(10, transforms.Compose([transforms.Resize(24), transforms.ToTensor()]))
    large = cifar(10, small.transform)
    large.data = np.repeat(large.data, 2, axis=1)
    dataset = torch.utils.data.ConcatDataset([small, large])
    assert "ConcatDataset of images of different sizes" in str(DataLoader(dataset, 4).explain())


@pytest.mark.parametrize("num_workers", WORKERS)
def test_subsets_and_concatenations(folder, num_workers):
    transform = transforms.Compose(TRAINING["training"](transforms))
    dataset = datasets.ImageFolder(folder, transform)
    other = datasets.ImageFolder(folder, transform)
    parts = torch.utils.data.random_split(dataset, [10, 12], torch.Generator().manual_seed(4))
    both = torch.utils.data.ConcatDataset([parts[0], other])
    for one in (parts[1], both, torch.utils.data.Subset(both, range(3, 25, 2))):
        make = given(one, batch_size=5, shuffle=True)
        assert_same_as_torch(DataLoader, make, num_workers=num_workers)


SAMPLERS = {
    "weighted": lambda n: torch.utils.data.WeightedRandomSampler(torch.arange(1.0, n + 1), 17),
    "subset": lambda n: torch.utils.data.SubsetRandomSampler(range(2, n, 2)),
    "distributed": lambda n: torch.utils.data.DistributedSampler(range(n), 2, 1),
    "own generator": lambda n: torch.utils.data.RandomSampler(range(n), generator=torch.Generator().manual_seed(3)),
    "replacement": lambda n: torch.utils.data.RandomSampler(range(n), replacement=True, num_samples=15),
    "a list": lambda n: [3, 1, 1, 5, 0],
}


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("name", SAMPLERS)
def test_samplers(folder, name, num_workers):
    dataset = datasets.ImageFolder(folder, transforms.Compose(TRAINING["training"](transforms)))

    def make():  # samplers hold generators
        return dataset, {"batch_size": 4, "sampler": SAMPLERS[name](len(dataset))}

    assert_same_as_torch(DataLoader, make, num_workers=num_workers)


def test_users_draws_between_batches(folder):
    dataset = datasets.ImageFolder(folder, transforms.Compose(TRAINING["training"](transforms)))

    def drawn(loader_class):
        torch.manual_seed(5)
        return [(batch, torch.rand(3)) for batch in loader_class(dataset, 4, shuffle=True)]

    for ours, theirs in zip(drawn(DataLoader), drawn(torch.utils.data.DataLoader), strict=True):
        assert same(ours[0], theirs[0])
        assert torch.equal(ours[1], theirs[1])


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("persistent", [False, True])
def test_epochs_that_are_left(folder, num_workers, persistent):
    dataset = datasets.ImageFolder(folder, transforms.Compose(TRAINING["training"](transforms)))
    make = given(dataset, batch_size=3, shuffle=True)
    options = {"persistent_workers": True} if persistent and num_workers else {}
    assert_same_as_torch(DataLoader, make, num_workers=num_workers, stop=2, epochs=3, **options)


# ---- Python steps


def invert(image):
    return Image.fromarray(255 - np.asarray(image))


def add_noise(tensor):
    return tensor + torch.rand(1)


def python_noise(tensor):
    return tensor + random.random() + np.random.random()


RESTS = {
    "lambda": ([transforms.Lambda(invert)], True),
    "of tensors": ([transforms.ToTensor(), transforms.Lambda(lambda one: one * 2)], True),
    "blur": ([transforms.ToTensor(), transforms.GaussianBlur(3)], True),
    "drawing": ([transforms.ToTensor(), add_noise], True),
    "drawing elsewhere": ([transforms.ToTensor(), python_noise], True),
}


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("name", RESTS)
@pytest.mark.parametrize("draws", [False, True])
def test_python_steps(folder, draws, name, num_workers):
    first = [transforms.RandomResizedCrop(32)] if draws else [transforms.Resize((32, 32))]
    steps = [*first, *RESTS[name][0], *([transforms.ToTensor()] if name == "lambda" else [])]
    dataset = datasets.ImageFolder(folder, transforms.Compose(steps))

    def results(loader_class):
        random.seed(4)
        np.random.seed(4)
        found = run(loader_class, lambda: (dataset, {"batch_size": 4, "shuffle": True}), num_workers=num_workers)
        return *found[:2], (random.getstate(), np.random.get_state()[1].tolist(), np.random.get_state()[2])

    ours, theirs = results(DataLoader), results(torch.utils.data.DataLoader)
    assert len(ours[0]) == len(theirs[0])
    assert all(map(same, ours[0], theirs[0]))
    assert all(map(torch.equal, ours[1], theirs[1]))
    assert ours[2] == theirs[2]


def noise_for_some(tensor):
    """Draw for some images only: not for the first ones, with which the loader tries the transform."""
    return tensor + torch.rand(1) if tensor.mean() > 0.5 else tensor


@pytest.mark.parametrize("num_workers", WORKERS)
def test_a_python_step_that_draws_for_some_images(tmp_path, num_workers):
    (tmp_path / "a").mkdir()
    rng = np.random.default_rng(0)
    for i in range(24):
        pixels = rng.integers(0, 100, (40, 30, 3), dtype=np.uint8) + (150 if i in (9, 17) else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "a" / f"{i:02}.png")
    steps = [transforms.RandomResizedCrop(16), transforms.RandomHorizontalFlip(), transforms.ToTensor(), noise_for_some]
    dataset = datasets.ImageFolder(tmp_path, transforms.Compose(steps))
    make = given(dataset, batch_size=2)
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)


@pytest.mark.parametrize("num_workers", WORKERS)
def test_target_transforms(folder, num_workers):
    dataset = datasets.ImageFolder(
        folder, transforms.Compose(tail(transforms)), target_transform=lambda t: f"class {t}"
    )
    dataset.transform = transforms.Compose([transforms.RandomResizedCrop(20), *tail(transforms)])
    make = given(dataset, batch_size=4, shuffle=True)
    assert_same_as_torch(DataLoader, make, num_workers=num_workers)
    assert DataLoader(dataset).explain()["target"].runs == "python"
