# SPDX-License-Identifier: MIT
"""Lightning and Fabric keep our class: native after their preparation, with torch's batches."""

import contextlib

import pytest
from torch_oracle import same
from torch_ranks import TORCHVISION, run_ranks

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
with contextlib.suppress(pytest.skip.Exception):
    import torchvision_import  # noqa: F401 - which Lightning imports, if it is installed
lightning = pytest.importorskip("lightning", reason="Lightning is not installed")
data = torch.utils.data

from fastbatch.torch import DataLoader  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
N = 100


def dataset():
    return data.TensorDataset(torch.arange(4.0 * N).reshape(N, 4), torch.arange(N))


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
        self.seen = []

    def training_step(self, batch, _):
        self.seen.append(batch[1])
        return self.layer(batch[0]).mean()

    def validation_step(self, batch, _):
        self.seen.append(batch[1])

    def predict_step(self, batch, _):
        return batch[1]

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1e-3)


class Data(lightning.LightningDataModule):
    """Makes its loaders in hooks, where Lightning records their arguments and makes them anew."""

    def __init__(self, loader_class):
        super().__init__()
        self.loader_class = loader_class

    def train_dataloader(self):
        return self.loader_class(dataset(), batch_size=8, shuffle=True)

    def val_dataloader(self):
        return self.loader_class(dataset(), batch_size=16)

    def predict_dataloader(self):
        return self.loader_class(dataset(), batch_size=8)


def trainer(tmp_path, **options):
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    options = {"max_epochs": 2, **options}
    return lightning.Trainer(accelerator="cpu", default_root_dir=tmp_path, **off, **options)


@pytest.mark.parametrize("hooks", [True, False])
def test_fit_validate_predict(tmp_path, hooks):
    def run(loader_class):
        torch.manual_seed(3)
        model, runs, source = Model(), trainer(tmp_path), Data(loader_class)
        if hooks:
            runs.fit(model, datamodule=source)
        else:
            runs.fit(model, source.train_dataloader(), source.val_dataloader())
        return model.seen, runs, source

    theirs, _, _ = run(data.DataLoader)
    ours, runs, source = run(DataLoader)
    assert same(ours, theirs)
    assert runs.train_dataloader.explain().native
    predicted = runs.predict(Model(), datamodule=source)
    assert torch.cat(predicted).tolist() == list(range(N))
    assert runs.predict_dataloaders.explain().native  # with a batch sampler of Lightning's


def test_options_of_ours_survive_when_lightning_makes_the_loader_anew(tmp_path):
    """In predict, Lightning makes a loader of the arguments, or of the attributes, with a batch sampler of its own."""
    options = {"dtype": torch.bfloat16, "device": "cpu", "threads": 2, "prefetch": 3, "channels_last": True}

    class Options(Data):
        def predict_dataloader(self):
            return DataLoader(dataset(), batch_size=8, **options)

    for given in ({"datamodule": Options(None)}, {"dataloaders": DataLoader(dataset(), batch_size=8, **options)}):
        runs = trainer(tmp_path)
        assert torch.cat(runs.predict(Model(), **given)).tolist() == list(range(N))
        made = runs.predict_dataloaders
        assert type(made.batch_sampler).__name__ == "_IndexBatchSamplerWrapper"
        assert {name: getattr(made, name) for name in options} == options
        assert made.explain().native
        assert next(iter(made))[0].dtype == torch.bfloat16


def test_goes_on_within_an_epoch(tmp_path):
    def fit(steps, path=None):
        torch.manual_seed(3)
        model, runs = Model(), trainer(tmp_path, max_steps=steps, limit_val_batches=0)
        loader = DataLoader(dataset(), batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(4))
        runs.fit(model, loader, ckpt_path=path)
        return model.seen, runs

    whole, _ = fit(20)
    first, runs = fit(5)
    runs.save_checkpoint(tmp_path / "five.ckpt")
    rest, runs = fit(20, tmp_path / "five.ckpt")
    assert runs.train_dataloader.explain().native
    assert len(first) == 5
    assert len(rest) >= 8  # Lightning counts the epoch that max_steps ended as one of two
    assert same(first + rest, whole[: 5 + len(rest)])


DDP = """
import lightning
import fastbatch.torch as fbt
from lightning.fabric.utilities.seed import seed_everything

data = torch.utils.data


class Model(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer, self.seen = torch.nn.Linear(1, 1), {"train": [], "val": []}

    def training_step(self, batch, _):
        self.seen["train"].append(batch[0].int().flatten().tolist())
        return self.layer(batch[0]).mean()

    def validation_step(self, batch, _):
        self.seen["val"].append(batch[0].int().flatten().tolist())

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 1e-3)


def run(loader_class, **options):
    seed_everything(3, verbose=False)
    dataset = data.TensorDataset(torch.arange(23.0)[:, None])
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    model = Model()
    trainer = lightning.Trainer(max_epochs=2, accelerator="cpu", devices=world, strategy="ddp",
                                num_sanity_val_steps=0, default_root_dir=arguments[0], **off)
    train = loader_class(dataset, batch_size=4, shuffle=True, **options)
    trainer.fit(model, train, loader_class(dataset, batch_size=4, **options))
    return model.seen, trainer


theirs, _ = run(data.DataLoader)
ours, trainer = run(fbt.DataLoader)
sharded, _ = run(fbt.DataLoader, shard="torch")  # Lightning's sampler shards: not twice
assert trainer.train_dataloader.explain().native
assert trainer.val_dataloaders.explain().native
assert type(trainer.train_dataloader.sampler) is data.DistributedSampler
assert ours == theirs == sharded, (ours, theirs, sharded)

fabric = lightning.Fabric(accelerator="cpu", devices=world, strategy="ddp")
fabric.launch()
fabric.barrier()
loader = fbt.DataLoader(data.TensorDataset(torch.arange(23)), 4, shuffle=True)
prepared = fabric.setup_dataloaders(loader)
assert prepared._dataloader.explain().native
done([ours, [x.tolist() for x, in prepared]])
"""


def test_ddp_on_two_processes(tmp_path):
    ranks = run_ranks(DDP, 2, tmp_path, begin=TORCHVISION)
    for part in ("train", "val"):
        seen = [rank[0][part] for rank in ranks]
        assert len(seen[0]) == len(seen[1])
        assert {i for rank in seen for batch in rank for i in batch} == set(range(23))
    assert {i for rank in ranks for batch in rank[1] for i in batch} == set(range(23))


def test_fabric():
    loader = DataLoader(dataset(), batch_size=8, shuffle=True)
    prepared = lightning.Fabric(accelerator="cpu").setup_dataloaders(loader)
    torch.manual_seed(1)
    found = list(prepared)
    torch.manual_seed(1)
    assert same(found, list(data.DataLoader(dataset(), batch_size=8, shuffle=True)))
    assert prepared._dataloader.explain().native
