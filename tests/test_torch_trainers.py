# SPDX-License-Identifier: MIT
"""Trainers that make or take a loader: native after their preparation, torch's batches, and the rest after a resume.

Accelerate: test_torch_frameworks.py. Lightning and Fabric: test_torch_lightning.py.
"""

import contextlib
import gc
import importlib.util
import json
import os
import subprocess
import sys

import pytest
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
with contextlib.suppress(pytest.skip.Exception):
    import torchvision_import  # noqa: F401 - which timm and transformers import, if it is installed
data = torch.utils.data

import fastbatch.torch as fbt  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
N = 45


def needs(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


class Rows(data.Dataset):
    """Samples by name, as the Hugging Face Trainer wants them."""

    def __init__(self):
        self.x, self.labels = torch.arange(2.0 * N).reshape(N, 2), torch.arange(N) % 2

    def __len__(self):
        return N

    def __getitem__(self, i):
        return {"x": self.x[i], "labels": self.labels[i]}

    def fastbatch_columns(self):
        return {"x": self.x, "labels": self.labels}


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.seen = torch.nn.Linear(2, 2), []

    def forward(self, x, labels):
        self.seen.append(x.clone())
        return {"loss": torch.nn.functional.cross_entropy(self.layer(x), labels)}


# ---- Hugging Face Trainer ----------------------------------------------------------------------------------------


@pytest.fixture
def trainer(tmp_path):
    transformers = pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="Accelerate is not installed")
    make = transformers.Trainer  # imports what install() changes

    def new(dataset, **options):
        torch.manual_seed(1)
        given = {
            "output_dir": str(tmp_path),
            "per_device_train_batch_size": 8,
            "num_train_epochs": 2,
            "use_cpu": True,
            "report_to": [],
            "disable_tqdm": True,
            "save_strategy": "no",
            "logging_strategy": "no",
            "remove_unused_columns": False,  # else its own function collates, and gets a list of samples
            "seed": 3,
            **options,
        }
        arguments = transformers.TrainingArguments(**given)
        return make(Model(), arguments, train_dataset=dataset, data_collator=data.default_collate)

    yield new
    fbt.uninstall()
    gc.collect()


def test_hugging_face_trainer(trainer):
    theirs = trainer(Rows())
    theirs.train()
    assert "transformers.trainer" in fbt.install()
    ours = trainer(Rows())
    loader = ours.get_train_dataloader()
    assert loader.explain().native
    ours.train()
    assert len(ours.model.seen) == 2 * 6
    assert same(ours.model.seen, theirs.model.seen)
    fbt.uninstall()
    plain = trainer(fbt.dataset(Rows()))
    assert plain.get_train_dataloader().dataset.explain().native
    plain.train()
    assert same(plain.model.seen, theirs.model.seen)


def test_hugging_face_trainer_goes_on_within_an_epoch(trainer, tmp_path):
    fbt.install()
    whole = trainer(Rows(), save_strategy="steps", save_steps=4)
    whole.train()
    rest = trainer(Rows())
    rest.train(resume_from_checkpoint=str(tmp_path / "checkpoint-4"))
    assert same(rest.model.seen, whole.model.seen[4:])


# ---- skorch ------------------------------------------------------------------------------------------------------


@needs("skorch")
def test_skorch():
    import skorch

    def fit(loader_class):
        class Net(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.layer, self.seen = torch.nn.Linear(2, 1), []

            def forward(self, x):
                self.seen.append(x.clone())
                return self.layer(x)

        net = skorch.NeuralNet(
            Net,
            torch.nn.MSELoss,
            batch_size=8,
            max_epochs=2,
            train_split=None,
            verbose=0,
            iterator_train=loader_class,
            iterator_train__shuffle=True,
        )
        torch.manual_seed(2)
        dataset = data.TensorDataset(torch.arange(2.0 * N).reshape(N, 2), torch.zeros(N, 1))
        net.fit(dataset, None)
        net.partial_fit(dataset, None, epochs=1)  # goes on
        return net, net.get_iterator(dataset, training=True)

    theirs, _ = fit(data.DataLoader)
    ours, loader = fit(fbt.DataLoader)
    assert loader.explain().native
    assert len(ours.module_.seen) == 3 * 6
    assert same(ours.module_.seen, theirs.module_.seen)


# ---- Keras on torch ----------------------------------------------------------------------------------------------

KERAS = """
import json
import keras, torch
import fastbatch.torch as fbt

assert keras.backend.backend() == "torch"
data = torch.utils.data
dataset = data.TensorDataset(torch.arange(90.0).reshape(45, 2) / 90, torch.arange(45.0)[:, None] / 45)


def make(loader_class):
    return loader_class(dataset, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(4))


def fit(loader, epochs=2, model=None):
    if model is None:
        keras.utils.set_random_seed(5)
        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
    check = type(loader)(dataset, batch_size=8)
    history = model.fit(loader, validation_data=check, epochs=epochs, verbose=0)
    return history.history, model.predict(check, verbose=0).tolist(), model


theirs, expected, _ = fit(make(data.DataLoader))
loader = make(fbt.DataLoader)
ours, found, _ = fit(loader)
assert loader.explain().native
assert ours == theirs and found == expected
print("RESULT" + json.dumps([len(ours["loss"]), len(ours["val_loss"])]))
"""


@needs("keras")
def test_keras_on_torch():
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", KERAS],
        env={**os.environ, "KERAS_BACKEND": "torch"},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert json.loads(done.stdout.partition("RESULT")[2]) == [2, 2]


# ---- timm --------------------------------------------------------------------------------------------------------


def test_timm():
    """Its loop: uint8 batches, which its PrefetchLoader moves and normalizes."""
    pytest.importorskip("torchvision", reason="torchvision is not installed")
    PrefetchLoader = pytest.importorskip("timm.data.loader", reason="timm is not installed").PrefetchLoader  # noqa: N806

    images = torch.arange(N * 3 * 4 * 4).to(torch.uint8).reshape(N, 3, 4, 4)
    dataset = data.TensorDataset(images, torch.arange(N))

    def epoch(loader_class):
        torch.manual_seed(6)
        loader = loader_class(dataset, batch_size=8, shuffle=True, drop_last=True)
        prefetched = PrefetchLoader(loader, device=torch.device("cpu"))
        return [[x, y] for x, y in prefetched], prefetched

    theirs, _ = epoch(data.DataLoader)
    ours, prefetched = epoch(fbt.DataLoader)
    assert prefetched.loader.explain().native
    assert prefetched.sampler is prefetched.loader.sampler
    assert same(ours, theirs)


# ---- Ray Train ---------------------------------------------------------------------------------------------------

RAY = """
import json, pathlib, sys
import ray, ray.train, ray.train.torch, torch
import fastbatch.torch as fbt

folder = pathlib.Path(sys.argv[1])


def loop():
    data = torch.utils.data
    dataset = data.TensorDataset(torch.arange(23))

    def epochs():
        loader = ray.train.torch.prepare_data_loader(data.DataLoader(dataset, 4, shuffle=True))
        return loader, [[x.tolist() for x, in loader] for _ in range(2)]

    _, theirs = epochs()
    assert fbt.install()
    loader, ours = epochs()
    assert ours == theirs, (ours, theirs)
    made = getattr(loader, "_dataloader", loader)
    assert made.explain().native
    iterator = iter(made)
    next(iterator)
    state = made.state_dict()
    rest = [x.tolist() for x, in iterator]
    made.load_state_dict(state)
    assert [x.tolist() for x, in made] == rest
    rank = ray.train.get_context().get_world_rank()
    (folder / f"rank{rank}").write_text(json.dumps(ours))


ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
scaling = ray.train.ScalingConfig(num_workers=2, use_gpu=False)
ray.train.torch.TorchTrainer(loop, scaling_config=scaling).fit()
"""


@needs("ray")
def test_ray_train_on_one_node(tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", RAY, tmp_path],
        env={**os.environ, "RAY_USAGE_STATS_ENABLED": "0", "RAY_TMPDIR": "/tmp", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=115,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]
    ranks = [json.loads((tmp_path / f"rank{rank}").read_text()) for rank in range(2)]
    for epochs in zip(*ranks, strict=True):
        assert [len(steps) for steps in epochs] == [3, 3]
        assert {i for steps in epochs for batch in steps for i in batch} == set(range(23))
