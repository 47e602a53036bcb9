# SPDX-License-Identifier: MIT
"""Image datasets of the user's own, which say with `fastbatch_columns()` and `Images` where their samples lie."""

import numpy as np
import pytest
from image_data import evaluation, given, training, write_photos
from PIL import Image
from torch_oracle import assert_same_as_torch, same, torch
from torchvision_import import transforms

import fastbatch.torch
from fastbatch.torch import DataLoader, Images

pytestmark = pytest.mark.filterwarnings("ignore:This DataLoader will create")
TorchLoader = torch.utils.data.DataLoader


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = write_photos(tmp_path_factory.mktemp("photos"))
    return sorted(str(path) for path in folder.rglob("*.*"))


class Photos(torch.utils.data.Dataset):
    """The usual dataset: a list of files, labels of any kind, a transform."""

    mode = "RGB"

    def __init__(self, paths, transform=None):
        self.paths = paths
        self.labels = np.arange(len(paths)) % 3
        self.boxes = torch.arange(4 * len(paths)).reshape(-1, 4).float()
        self.names = [path[-9:] for path in map(str, paths)]
        self.transform = transform

    def __len__(self):
        return len(self.paths)

    def image(self, i):
        image = Image.open(self.paths[i]).convert(self.mode)
        return image if self.transform is None else self.transform(image)

    def images(self):
        return Images(self.paths, self.transform, self.mode)

    def __getitem__(self, i):
        return self.image(i), self.labels[i]

    def fastbatch_columns(self):
        return self.images(), self.labels


class Dicts(Photos):
    def __getitem__(self, i):
        return {"label": self.labels[i], "image": self.image(i), "meta": [self.boxes[i], self.names[i]]}

    def fastbatch_columns(self):
        names = np.array(self.names, object)  # a list of strings would be a structure
        return {"label": self.labels, "image": self.images(), "meta": [self.boxes, names]}


class Alone(Photos):
    def __getitem__(self, i):
        return self.image(i)

    def fastbatch_columns(self):
        return self.images()


class LabelFirst(Photos):
    def __getitem__(self, i):
        return int(self.labels[i]), self.image(i)

    def fastbatch_columns(self):
        return self.labels.tolist(), self.images()


class Grey(Photos):
    mode = "L"


KINDS = [Photos, Dicts, Alone, LabelFirst]


@pytest.mark.parametrize("num_workers", [0, 2])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recipe", [training, evaluation])
def test_structures(paths, kind, recipe, num_workers):
    make = given(kind(paths, recipe(transforms)), batch_size=4, shuffle=True, num_workers=num_workers)
    assert_same_as_torch(DataLoader, make)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_grey_images(paths, num_workers):
    recipe = transforms.Compose([transforms.RandomResizedCrop(32), transforms.ToTensor()])
    assert_same_as_torch(DataLoader, given(Grey(paths, recipe), batch_size=4, num_workers=num_workers))


@pytest.mark.parametrize("kind", [Photos, Dicts])
def test_a_collate_function(paths, kind):
    make = given(kind(paths, training(transforms)), batch_size=4, collate_fn=list)
    assert_same_as_torch(DataLoader, make)


@pytest.mark.parametrize("kind", KINDS)
def test_python_steps(paths, kind):
    steps = [transforms.RandomResizedCrop(48), transforms.ToTensor(), transforms.Lambda(lambda x: x.flip(1))]
    assert_same_as_torch(DataLoader, given(kind(paths, transforms.Compose(steps)), batch_size=4))


@pytest.mark.parametrize("kind", KINDS)
def test_parts_of_datasets(paths, kind):
    recipe = training(transforms)
    one, other = kind(paths[:9], recipe), kind(paths[9:], recipe)
    assert_same_as_torch(DataLoader, given(torch.utils.data.Subset(one, [5, 3, 1, 1]), batch_size=3))
    assert_same_as_torch(DataLoader, given(torch.utils.data.ConcatDataset([one, other]), batch_size=4, shuffle=True))


def test_parts_with_other_samples_are_left_to_torch(paths):
    recipe = training(transforms)
    both = torch.utils.data.ConcatDataset([Photos(paths, recipe), Grey(paths, recipe)])
    loader = DataLoader(both, 4)
    assert not loader.explain().native
    assert "different samples" in loader.explain()["batches"].why


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("recipe", [training, evaluation])
def test_in_torchs_own_loader(paths, kind, recipe):
    source = kind(paths, recipe(transforms))
    whole = fastbatch.torch.dataset(source)
    assert whole.explain().native
    for shuffle in (False, True):
        torch.manual_seed(3)
        expected = list(TorchLoader(source, 4, shuffle=shuffle))
        torch.manual_seed(3)
        assert same(list(TorchLoader(whole, 4, shuffle=shuffle)), expected)


def test_resume_on_other_files(paths):
    def make():
        return DataLoader(Dicts(paths, training(transforms)), 4, shuffle=True, num_workers=2)

    torch.manual_seed(3)
    loader = make()
    iterator = iter(loader)
    next(iterator)
    state = loader.state_dict()
    rest = list(iterator)
    again = make()
    again.load_state_dict(state)
    assert same(list(again), rest)


# ---- what does not agree


class TwoImages(Photos):
    def fastbatch_columns(self):
        return self.images(), self.images()


class TooFew(Photos):
    def fastbatch_columns(self):
        return self.images(), self.labels[:-1]


class Text(Photos):
    def fastbatch_columns(self):
        return self.images(), "labels"


class OtherLabels(Photos):
    def fastbatch_columns(self):
        return self.images(), self.labels + 1


class OtherStructure(Photos):
    def fastbatch_columns(self):
        return {"image": self.images(), "label": self.labels}


class OtherKeys(Dicts):
    def __getitem__(self, i):
        return {"picture": self.image(i), "label": self.labels[i]}

    def fastbatch_columns(self):
        return {"image": self.images(), "label": self.labels}


class OtherMode(Grey):
    def images(self):
        return Images(self.paths, self.transform, "RGB")


class Overridden(Photos):
    def __getitem__(self, i):
        return self.image(i), -1


WRONG = {
    TwoImages: "2 columns of images; expected 1",
    TooFew: "columns of 22 and 21 rows",
    Text: "a column is 'labels'; expected an array, a tensor or a list",
    OtherLabels: "has other values",
    OtherStructure: "a list, not a dict",
    OtherKeys: "has another structure",
    OtherMode: "has other pixels",
    Overridden: "Overridden.__getitem__ overrides that of Photos",
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_declaration_that_is_wrong_is_left_to_torch(paths, kind):
    dataset = kind(paths, transforms.Compose([transforms.Resize((40, 48)), transforms.ToTensor()]))
    loader = DataLoader(dataset, 4)
    assert not loader.explain().native
    assert WRONG[kind] in loader.explain()["batches"].why
    assert same(list(loader), list(TorchLoader(dataset, 4)))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_file_that_is_missing(paths, num_workers):
    dataset = Dicts([*paths[:9], "missing.jpg", *paths[10:]], training(transforms))
    with pytest.raises(FileNotFoundError, match=r"missing\.jpg"):
        list(DataLoader(dataset, 4, num_workers=num_workers))


def test_arguments(paths):
    with pytest.raises(TypeError, match="paths: expected a sequence of paths, one per sample, found 'a.jpg'"):
        Images("a.jpg")
    with pytest.raises(ValueError, match="mode"):
        Images(paths, mode="CMYK")
    assert repr(Images(paths[:2])) == "Images(2 files, transform=None, mode='RGB')"
