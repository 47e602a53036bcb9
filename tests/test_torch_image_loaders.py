# SPDX-License-Identifier: MIT
"""Images in `fastbatch.torch`: bad input, resume, our own random numbers, fast decoding, `dataset`."""

import pickle

import numpy as np
import pytest
from image_data import cifar, evaluation, given, photo, tail, training, write_photos
from PIL import Image
from torch_oracle import assert_same_as_torch, same, torch
from torchvision_import import datasets, torchvision, transforms, v2

import fastbatch.torch
from fastbatch.torch import DataLoader, StatefulDataLoader

pytestmark = [
    pytest.mark.filterwarnings("ignore:This DataLoader will create"),
    pytest.mark.filterwarnings("ignore:The transform `ToTensor"),
]
WORKERS = [0, 2]
TorchLoader = torch.utils.data.DataLoader


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


def batches(loader, seed=3):
    torch.manual_seed(seed)
    return list(loader)


# ---- bad input


def damage(folder, tmp_path, content):
    """Return a copy of a folder whose 13th file is damaged."""
    root = write_photos(tmp_path / "copy")
    path = sorted((root / "dog").iterdir())[2]
    path.write_bytes(content(path.read_bytes()))
    return root, path


DAMAGES = {
    "empty": lambda data: b"",
    "no image": lambda data: b"this is no image" * 10,
    "cut": lambda data: data[:-100],
    "header only": lambda data: data[:40],
}


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_file(folder, tmp_path, name, num_workers):
    root, path = damage(folder, tmp_path, DAMAGES[name])
    dataset = datasets.ImageFolder(root, training(transforms))
    index = [sample for sample, _ in dataset.samples].index(str(path))
    with pytest.raises(OSError) as expected:
        batches(TorchLoader(dataset, 4, num_workers=0))
    loader = DataLoader(dataset, 4, num_workers=num_workers)
    assert loader.explain().native
    with pytest.raises(type(expected.value)) as found:
        batches(loader)
    assert str(path) in str(found.value)
    assert f"batch {index // 4}, index {index}" in str(found.value)


@pytest.mark.parametrize("num_workers", WORKERS)
def test_a_damaged_file_that_pillow_is_told_to_accept(folder, tmp_path, num_workers, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.LOAD_TRUNCATED_IMAGES", True)
    root, _ = damage(folder, tmp_path, DAMAGES["cut"])
    dataset = datasets.ImageFolder(root, training(transforms))
    assert_same_as_torch(DataLoader, given(dataset, batch_size=4, shuffle=True), num_workers=num_workers)


def test_a_file_that_is_missing(folder, tmp_path):
    root = write_photos(tmp_path / "copy")
    dataset = datasets.ImageFolder(root, training(transforms))
    path = dataset.samples[9][0]
    loader = DataLoader(dataset, 4)
    assert loader.explain().native
    (root / "cat" / path.rpartition("/")[2]).unlink()
    with pytest.raises(FileNotFoundError) as found:
        batches(loader)
    assert found.value.filename == path


def test_a_crop_larger_than_the_image(folder):
    dataset = datasets.ImageFolder(folder, transforms.Compose([transforms.RandomCrop(60), transforms.ToTensor()]))
    loader = DataLoader(dataset, 4)
    with pytest.raises(ValueError, match=r"batch 0, index \d.*: Required crop size \(60, 60\) is larger than"):
        batches(loader)


@pytest.mark.parametrize("index", [[0, 99], [-1, 2], ["a"], [1.5], [None], [[1, 2]]], ids=str)
def test_indices_that_are_none(folder, index):
    dataset = datasets.ImageFolder(folder, evaluation(transforms))

    def raised(loader_class):
        try:
            return "returned", batches(loader_class(dataset, batch_sampler=[index]))
        except Exception as error:
            return "raised", type(error)

    ours, theirs = raised(DataLoader), raised(TorchLoader)
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1] if ours[0] == "raised" else all(map(same, ours[1], theirs[1]))


NOT_NATIVE = {
    "no tensors": (lambda: transforms.Resize((8, 8)), "the images are not made tensors"),
    "own sizes": (lambda: transforms.ToTensor(), "the images have no common size"),
    "short side": (lambda: transforms.Compose([transforms.Resize(9), transforms.ToTensor()]), "no common size"),
    "unknown": (lambda: lambda image: torch.zeros(3), "has no native counterpart"),
    "none": (lambda: None, "no common size"),
    "tensors resized": (lambda: v2.Compose([v2.ToImage(), v2.Resize((8, 8))]), "Resize of tensors"),
}


@pytest.mark.parametrize("name", NOT_NATIVE)
def test_what_is_left_to_torch(folder, name):
    transform, why = NOT_NATIVE[name]
    loader = DataLoader(datasets.ImageFolder(folder, transform()), 1)
    assert not loader.explain().native
    assert why in loader.explain()["batches"].why


def test_datasets_that_only_look_the_same(folder):
    class Own(datasets.ImageFolder):
        def __getitem__(self, index):
            image, target = super().__getitem__(index)
            return image + 1, target

    def own_loader(path):
        return Image.open(path).convert("RGB")

    plain = datasets.ImageFolder(folder, evaluation(transforms), loader=own_loader)
    assert "the loader test_datasets" in DataLoader(plain).explain()["batches"].why
    assert not DataLoader(Own(folder, evaluation(transforms))).explain().native
    hooked = evaluation(transforms)
    hooked.transforms[0].register_forward_hook(lambda module, given, made: made.rotate(90))
    assert_same_as_torch(DataLoader, given(datasets.ImageFolder(folder, hooked), batch_size=4), native=False)


def test_another_version_of_torchvision_is_noticed(folder, monkeypatch):
    cropped = torchvision.transforms.functional.center_crop
    monkeypatch.setattr(
        torchvision.transforms.functional, "center_crop", lambda img, size: cropped(img, size).rotate(9)
    )
    loader = DataLoader(datasets.ImageFolder(folder, evaluation(transforms)), 4)
    assert "has other pixels" in loader.explain()["batches"].why
    monkeypatch.undo()
    flip = torchvision.transforms.RandomHorizontalFlip.forward
    monkeypatch.setattr(
        torchvision.transforms.RandomHorizontalFlip, "forward", lambda self, img: torch.rand(1) and flip(self, img)
    )
    loader = DataLoader(datasets.ImageFolder(folder, training(transforms)), 4)
    assert "draws other random numbers" in loader.explain()["batches"].why


def test_changes_of_the_dataset_between_epochs(folder):
    dataset = datasets.ImageFolder(folder, evaluation(transforms))
    loader = DataLoader(dataset, 4)
    first = batches(loader)
    dataset.samples = dataset.samples[::-1]
    assert all(map(same, batches(loader), batches(TorchLoader(dataset, 4))))
    dataset.transform = transforms.Compose([transforms.CenterCrop(9), *tail(transforms)])
    assert all(map(same, batches(loader), batches(TorchLoader(dataset, 4))))
    assert not same(first, batches(loader))
    arrays = cifar(transform=transforms.ToTensor())
    loader = DataLoader(arrays, 8)
    batches(loader)
    arrays.data = arrays.data[:20] // 2
    arrays.targets = arrays.targets[:20]
    assert all(map(same, batches(DataLoader(arrays, 8)), batches(TorchLoader(arrays, 8))))


# ---- resume


@pytest.mark.parametrize("loader_class", [DataLoader, StatefulDataLoader])
@pytest.mark.parametrize("rng", ["torch", "philox"])
@pytest.mark.parametrize("num_workers", WORKERS)
def test_resume(folder, num_workers, rng, loader_class):
    dataset = datasets.ImageFolder(folder, training(transforms))
    options = {"shuffle": True, "num_workers": num_workers, "rng": rng}
    torch.manual_seed(11)
    whole = list(loader_class(dataset, 3, **options))
    for stop in range(len(whole)):
        torch.manual_seed(11)
        loader = loader_class(dataset, 3, **options)
        iterator = iter(loader)
        for _ in range(stop):
            next(iterator)
        state = pickle.loads(pickle.dumps(loader.state_dict()))
        later = loader_class(dataset, 3, **options)
        later.load_state_dict(state)
        torch.manual_seed(99)
        if stop:
            assert all(map(same, whole[stop:], list(later)))


def test_a_state_is_plain(folder):
    dataset = datasets.ImageFolder(folder, training(transforms))
    loader = DataLoader(dataset, 3, shuffle=True, num_workers=2)
    next(iter(loader))
    state = loader.state_dict()
    assert len(state["streams"]) == 2
    assert all(type(text) is str for text in state["streams"])
    other = DataLoader(dataset, 3, shuffle=True)  # another number of workers: the same order, other crops
    other.load_state_dict(state)
    assert len(list(other)) == len(loader) - 1


def seed_by_number(worker):
    torch.manual_seed(1000 + worker)


def seed_by_info(worker):
    info = torch.utils.data.get_worker_info()
    torch.manual_seed(info.id + 10 * info.num_workers + info.seed % 1000 + len(info.dataset))


def seed_others(worker):
    """As in PyTorch's notes on reproducibility."""
    np.random.seed(torch.initial_seed() % 2**32)


@pytest.mark.parametrize("init", [seed_by_number, seed_by_info, seed_others])
def test_what_worker_init_fn_seeds(folder, init):
    dataset = datasets.ImageFolder(folder, training(transforms))
    make = given(dataset, batch_size=4, shuffle=True)
    assert_same_as_torch(DataLoader, make, num_workers=2, worker_init_fn=init)
    assert torch.utils.data.get_worker_info() is None


def test_explain_says_what_is_made_ahead(folder):
    dataset = datasets.ImageFolder(folder, training(transforms))
    whys = []
    for options in ({}, {"num_workers": 2}, {"rng": "philox"}):
        found = DataLoader(dataset, 4, **options).explain()
        whys.append((found["order"].why.endswith("gathered ahead"), found["random"].why))
    assert whys == [
        (False, "torch's default generator, at each next()"),
        (True, "the generators of 2 workers, as torch would seed them"),
        (True, "a Philox stream per sample"),
    ]
    dataset.transform = evaluation(transforms)
    found = DataLoader(dataset, 4).explain()
    assert found["order"].why.endswith("gathered ahead")
    with pytest.raises(KeyError):
        found["random"]


@pytest.mark.parametrize("options", [{"exact": 1}, {"exact": None}, {"rng": "numpy"}, {"rng": None}], ids=str)
def test_options_that_are_none(folder, options):
    with pytest.raises((TypeError, ValueError), match=next(iter(options))):
        DataLoader(datasets.ImageFolder(folder), **options)


# ---- our own random numbers


def test_philox_depends_on_nothing_but_seed_and_sample(folder):
    dataset = datasets.ImageFolder(folder, training(transforms))
    found = []
    for options in ({"num_workers": 0}, {"num_workers": 2}, {"num_workers": 1, "threads": 2, "prefetch": 7}):
        torch.manual_seed(5)
        images = [batch[0] for batch in DataLoader(dataset, 4, rng="philox", **options)]
        found.append(torch.cat(images))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    torch.manual_seed(5)
    other = torch.cat([batch[0] for batch in DataLoader(dataset, 7, rng="philox")])
    assert torch.equal(found[0], other)
    torch.manual_seed(6)
    assert not torch.equal(found[0], torch.cat([batch[0] for batch in DataLoader(dataset, 7, rng="philox")]))


def test_philox_on_arrays():
    dataset = cifar(200, transforms.Compose([transforms.RandomCrop(32, padding=4), transforms.ToTensor()]))
    torch.manual_seed(5)
    one = torch.cat([batch[0] for batch in DataLoader(dataset, 16, rng="philox")])
    torch.manual_seed(5)
    assert torch.equal(one, torch.cat([batch[0] for batch in DataLoader(dataset, 50, rng="philox", num_workers=2)]))


def test_philox_is_uniform():
    dataset = cifar(400, transforms.Compose([transforms.RandomHorizontalFlip(), transforms.ToTensor()]))
    dataset.data = np.zeros((400, 32, 32, 3), np.uint8)
    dataset.data[:, :, 0] = 255
    torch.manual_seed(5)
    flipped = torch.cat([batch[0] for batch in DataLoader(dataset, 16, rng="philox")])[:, 0, 0, 0] == 0
    assert 150 < int(flipped.sum()) < 250


# ---- fast decoding


def test_fast_pixels_are_close(tmp_path):
    (tmp_path / "a").mkdir()
    rng = np.random.default_rng(1)
    for i in range(4):
        photo(rng, 900, 700).save(tmp_path / "a" / f"{i}.jpg")
    dataset = datasets.ImageFolder(tmp_path, transforms.Compose([transforms.Resize((64, 64)), transforms.ToTensor()]))
    exact = batches(DataLoader(dataset, 4))[0][0]
    fast = DataLoader(dataset, 4, exact=False)
    assert fast.explain()["batches"].why.endswith("exact=False")
    found = batches(fast)[0][0]
    assert not torch.equal(exact, found)
    assert (exact - found).abs().mean() < 0.02


# ---- dataset(...)


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("make_transform", [training, evaluation])
def test_dataset_under_torchs_own_loader(folder, num_workers, make_transform):
    source = datasets.ImageFolder(folder, make_transform(transforms))
    fast = fastbatch.torch.dataset(source)
    assert fast.explain().native
    for _ in range(2):
        expected = batches(TorchLoader(source, 4, shuffle=True, num_workers=num_workers))
        state = torch.get_rng_state()
        assert all(map(same, batches(TorchLoader(fast, 4, shuffle=True, num_workers=num_workers)), expected))
        assert torch.equal(state, torch.get_rng_state())


def test_dataset_with_python_steps_and_targets(folder):
    steps = [transforms.Resize((20, 20)), transforms.ToTensor(), lambda t: t + torch.rand(1)]
    source = datasets.ImageFolder(folder, transforms.Compose(steps), target_transform=str)
    found = batches(TorchLoader(fastbatch.torch.dataset(source), 4, shuffle=True))
    assert all(map(same, found, batches(TorchLoader(source, 4, shuffle=True))))


def test_dataset_with_a_damaged_file(folder, tmp_path):
    root, path = damage(folder, tmp_path, DAMAGES["cut"])
    source = datasets.ImageFolder(root, training(transforms))
    with pytest.raises(OSError, match="index 13, ") as found:
        batches(TorchLoader(fastbatch.torch.dataset(source), 4))
    assert str(path) in str(found.value)
