# SPDX-License-Identifier: MIT
"""Lightning and Fabric keep our class: native after their preparation, with torch's batches."""

import pytest
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
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


def trainer(tmp_path):
    off = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False, "enable_model_summary": False}
    return lightning.Trainer(max_epochs=2, accelerator="cpu", default_root_dir=tmp_path, **off)


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


def test_fabric():
    loader = DataLoader(dataset(), batch_size=8, shuffle=True)
    prepared = lightning.Fabric(accelerator="cpu").setup_dataloaders(loader)
    torch.manual_seed(1)
    found = list(prepared)
    torch.manual_seed(1)
    assert same(found, list(data.DataLoader(dataset(), batch_size=8, shuffle=True)))
    assert prepared._dataloader.explain().native
