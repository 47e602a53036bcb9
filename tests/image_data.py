# SPDX-License-Identifier: MIT
"""Images for the tests of `fastbatch.torch`: folders of files, and torchvision's datasets without their downloads."""

import numpy as np
from PIL import Image
from torch_oracle import torch
from torchvision_import import datasets

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def photo(rng, width, height):
    """Return an image with some structure, as JPEG needs it."""
    blocks = rng.integers(0, 256, (height // 8 + 2, width // 8 + 2, 3), dtype=np.uint8)
    return Image.fromarray(blocks).resize((width, height), Image.Resampling.BILINEAR)


def write_photos(root, labels=("cat", "dog"), n=11, smallest=20, largest=200):
    """Write a folder of classes, with images of many sizes and formats."""
    rng = np.random.default_rng(0)
    for label in labels:
        (root / label).mkdir(parents=True)
        for i in range(n):
            image = photo(rng, int(rng.integers(smallest, largest)), int(rng.integers(smallest, largest)))
            path = root / label / f"{i}"
            if i == 4:
                image.convert("L").save(path.with_suffix(".jpg"))
            elif i == 5:
                image.convert("CMYK").save(path.with_suffix(".jpg"))
            elif i == 6:
                image.convert("P").save(path.with_suffix(".png"))
            elif i == 7:
                image.convert("RGBA").save(path.with_suffix(".webp"), lossless=True)
            elif i == 8:
                image.save(path.with_suffix(".bmp"))
            else:
                image.save(path.with_suffix(".jpg"), quality=60 + i)
    return root


def cifar(n=40, transform=None, target_transform=None):
    """Return a CIFAR10 without its files."""
    dataset = object.__new__(datasets.CIFAR10)
    rng = np.random.default_rng(1)
    dataset.data = rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8).transpose(0, 2, 3, 1)  # as CIFAR10 keeps it
    dataset.targets = rng.integers(0, 10, n).tolist()
    dataset.transform, dataset.target_transform = transform, target_transform
    return dataset


def mnist(n=30, transform=None):
    """Return a MNIST without its files."""
    dataset = object.__new__(datasets.MNIST)
    rng = np.random.default_rng(2)
    dataset.data = torch.from_numpy(rng.integers(0, 256, (n, 28, 28), dtype=np.uint8))
    dataset.targets = torch.from_numpy(rng.integers(0, 10, n))
    dataset.transform, dataset.target_transform = transform, None
    return dataset


def tail(version):
    return [version.ToTensor(), version.Normalize(MEAN, STD)]


def training(version, size=48):
    return version.Compose([version.RandomResizedCrop(size), version.RandomHorizontalFlip(), *tail(version)])


def evaluation(version):
    return version.Compose([version.Resize(56), version.CenterCrop(48), *tail(version)])


def given(dataset, **arguments):
    """Return what the oracle makes loaders from: a function that returns the dataset and the loader's arguments."""
    return lambda: (dataset, arguments)
