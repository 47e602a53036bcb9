# SPDX-License-Identifier: MIT
"""`fastbatch.torch.ImageFolder`: the files, classes and batches of torchvision's."""

import pickle

import pytest
from image_data import evaluation, training, write_photos
from torch_oracle import same, torch
from torchvision_import import datasets, transforms

from fastbatch.torch import DataLoader, ImageFolder

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")
WORKERS = [0, 2]
TorchLoader = torch.utils.data.DataLoader


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_photos(tmp_path_factory.mktemp("photos"))


def batches(loader, seed=3):
    torch.manual_seed(seed)
    return list(loader)


def test_image_folder_lists_what_torchvision_lists(folder, tmp_path):
    for name in ("b/x.JPG", "b/.hidden.png", "b/deep/er/y.webp", "b/note.txt", ".c/z.png", "b/a.jpg", "B/q.tiff"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "b" / "linked").symlink_to(tmp_path / "B")
    for root in (folder, tmp_path):
        ours, theirs = ImageFolder(root), datasets.ImageFolder(root)
        for name in ("root", "classes", "class_to_idx", "samples", "imgs", "targets", "extensions"):
            assert getattr(ours, name) == getattr(theirs, name), name

    def chosen(path):
        return path.endswith(".txt")

    ours = ImageFolder(tmp_path, is_valid_file=chosen, allow_empty=True)
    assert ours.samples == datasets.ImageFolder(tmp_path, is_valid_file=chosen, allow_empty=True).samples


@pytest.mark.parametrize("arrange", ["no class", "an empty class", "no folder"])
def test_image_folder_refuses_what_torchvision_refuses(tmp_path, arrange):
    if arrange == "an empty class":
        (tmp_path / "a").mkdir()
    root = tmp_path / "missing" if arrange == "no folder" else tmp_path
    with pytest.raises(FileNotFoundError) as theirs:
        datasets.ImageFolder(root)
    with pytest.raises(FileNotFoundError) as ours:
        ImageFolder(root)
    assert str(ours.value) == str(theirs.value)


@pytest.mark.parametrize("num_workers", WORKERS)
@pytest.mark.parametrize("make_transform", [training, evaluation])
def test_image_folder_in_both_loaders(folder, num_workers, make_transform):
    theirs = datasets.ImageFolder(folder, make_transform(transforms))
    ours = ImageFolder(folder, make_transform(transforms))
    expected = batches(TorchLoader(theirs, 4, shuffle=True, num_workers=num_workers))
    for loader_class in (DataLoader, TorchLoader):
        found = batches(loader_class(ours, 4, shuffle=True, num_workers=num_workers))
        assert all(map(same, found, expected))
    assert DataLoader(ours).explain().native


def test_image_folder_in_python(folder):
    ours = ImageFolder(folder, lambda image: torch.tensor(image.size))
    found = batches(TorchLoader(ours, 4))
    assert all(map(same, found, batches(TorchLoader(datasets.ImageFolder(folder, ours.transform), 4))))
    assert len(pickle.loads(pickle.dumps(ImageFolder(folder)))) == len(ours)
    assert ours[3][1] == ours.targets[3]
    assert ours.loader(ours.samples[3][0]).mode == "RGB"
