# SPDX-License-Identifier: MIT
"""Published training scripts, with nothing changed but the import of the loader: the same first batches.

The loader parts of PyTorch's ImageNet and MNIST examples, of a segmentation with paired transforms, and of nanoGPT.
"""

import random
import struct

import numpy as np
import pytest
from making import make_photos
from torch_oracle import same
from torchvision_import import datasets, transforms, v2

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
PIL = pytest.importorskip("PIL.Image", reason="Pillow is not installed")

import fastbatch.torch  # noqa: E402

F = v2.functional


def assert_same_batches(script, native, n=3):
    """Run a script, given a DataLoader class, twice; compare its first batches of two epochs."""

    def epochs(loader_class):
        torch.manual_seed(7)
        random.seed(7)
        loaders = script(loader_class)
        found = []
        for loader in loaders:
            for _ in range(2):
                found += [batch for batch, _ in zip(loader, range(n), strict=False)]
        return found, loaders

    theirs, _ = epochs(torch.utils.data.DataLoader)
    ours, loaders = epochs(fastbatch.torch.DataLoader)
    assert same(ours, theirs)
    for loader in loaders:
        assert loader.explain().native is native, loader.explain()


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("scripts") / "photos")


@pytest.mark.parametrize("workers", [0, 2])
def test_imagenet(photos, workers):
    """examples/imagenet/main.py."""

    def script(DataLoader):  # noqa: N803
        normalize = transforms.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])
        train_dataset = datasets.ImageFolder(
            photos,
            transforms.Compose(
                [
                    transforms.RandomResizedCrop(64),
                    transforms.RandomHorizontalFlip(),
                    transforms.ToTensor(),
                    normalize,
                ]
            ),
        )
        val_dataset = datasets.ImageFolder(
            photos,
            transforms.Compose(
                [
                    transforms.Resize(80),
                    transforms.CenterCrop(64),
                    transforms.ToTensor(),
                    normalize,
                ]
            ),
        )
        train_sampler = val_sampler = None
        train_loader = DataLoader(
            train_dataset,
            batch_size=4,
            shuffle=(train_sampler is None),
            num_workers=workers,
            pin_memory=False,
            sampler=train_sampler,
        )
        val_loader = DataLoader(
            val_dataset, batch_size=4, shuffle=False, num_workers=workers, pin_memory=False, sampler=val_sampler
        )
        return train_loader, val_loader

    assert_same_batches(script, native=True)


def write_mnist(root, n=40):
    raw = root / "MNIST" / "raw"
    raw.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for part in ("train", "t10k"):
        images = rng.integers(0, 256, (n, 28, 28), np.uint8)
        labels = rng.integers(0, 10, n, np.uint8)
        (raw / f"{part}-images-idx3-ubyte").write_bytes(struct.pack(">iiii", 2051, n, 28, 28) + images.tobytes())
        (raw / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">ii", 2049, n) + labels.tobytes())


def test_mnist(tmp_path):
    """examples/mnist/main.py."""
    write_mnist(tmp_path)

    def script(DataLoader):  # noqa: N803
        train_kwargs = {"batch_size": 8}
        test_kwargs = {"batch_size": 16}
        accel_kwargs = {"num_workers": 1, "persistent_workers": True, "pin_memory": False, "shuffle": True}
        train_kwargs.update(accel_kwargs)
        test_kwargs.update(accel_kwargs)
        transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])
        dataset1 = datasets.MNIST(tmp_path, train=True, download=False, transform=transform)
        dataset2 = datasets.MNIST(tmp_path, train=False, transform=transform)
        return DataLoader(dataset1, **train_kwargs), DataLoader(dataset2, **test_kwargs)

    assert_same_batches(script, native=True, n=10)  # whole epochs: torch's own loader waits for ever if one is left


@pytest.mark.parametrize("workers", [0, 2])
def test_segmentation(tmp_path, workers):
    """A dataset of the user's own, whose image and mask are cropped and flipped together: torch's own way."""
    rng = np.random.default_rng(1)
    for i in range(9):
        PIL.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8)).save(tmp_path / f"{i}.png")
        PIL.fromarray(rng.integers(0, 4, (40, 50), np.uint8)).save(tmp_path / f"{i}_mask.png")

    class Segmentation(torch.utils.data.Dataset):
        def __len__(self):
            return 9

        def __getitem__(self, i):
            image = PIL.open(tmp_path / f"{i}.png").convert("RGB")
            mask = PIL.open(tmp_path / f"{i}_mask.png")
            corner = transforms.RandomCrop.get_params(image, (32, 32))
            image, mask = F.crop(image, *corner), F.crop(mask, *corner)
            if random.random() > 0.5:
                image, mask = F.hflip(image), F.hflip(mask)
            return F.to_image(image), torch.from_numpy(np.array(mask, np.int64))

    def script(DataLoader):  # noqa: N803
        return (DataLoader(Segmentation(), batch_size=4, shuffle=True, num_workers=workers, drop_last=True),)

    assert_same_batches(script, native=False)


def test_nanogpt(tmp_path):
    """nanoGPT's get_batch draws places in a token file. As a dataset with a sampler, its batches are native."""
    np.random.default_rng(2).integers(0, 50_000, 5000, dtype=np.uint16).tofile(tmp_path / "train.bin")
    block_size, batch_size = 32, 8

    def get_batch():
        data = np.memmap(tmp_path / "train.bin", dtype=np.uint16, mode="r")
        ix = torch.randint(len(data) - block_size, (batch_size,))
        x = torch.stack([torch.from_numpy((data[i : i + block_size]).astype(np.int64)) for i in ix])
        y = torch.stack([torch.from_numpy((data[i + 1 : i + 1 + block_size]).astype(np.int64)) for i in ix])
        return [x, y]

    class Tokens(torch.utils.data.Dataset):
        def __init__(self):
            data = np.fromfile(tmp_path / "train.bin", np.uint16).astype(np.int64)
            self.x = np.lib.stride_tricks.sliding_window_view(data, block_size)[:-1]
            self.y = np.lib.stride_tricks.sliding_window_view(data, block_size)[1:]

        def __len__(self):
            return len(self.x)

        def __getitem__(self, i):
            return self.x[i], self.y[i]

        def fastbatch_columns(self):
            return self.x, self.y

    class Places(torch.utils.data.Sampler):
        def __iter__(self):
            while True:
                yield torch.randint(5000 - block_size, (batch_size,))

    loader = fastbatch.torch.DataLoader(Tokens(), batch_sampler=Places())
    assert loader.explain().native
    torch.manual_seed(3)
    torch.empty((), dtype=torch.int64).random_()  # the base seed, which a loader draws first
    expected = [get_batch() for _ in range(4)]
    torch.manual_seed(3)
    assert same([batch for batch, _ in zip(loader, range(4), strict=False)], expected)
