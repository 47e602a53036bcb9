# SPDX-License-Identifier: MIT
"""`device=`, `channels_last=` and `dtype=`: what a batch is turned into before it is handed out."""

import contextlib
from collections import UserDict, namedtuple

import numpy as np
import pytest
from torch_oracle import same

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
data = torch.utils.data

import fastbatch as fb  # noqa: E402
from fastbatch.torch import DataLoader, StatefulDataLoader, delivery  # noqa: E402

N = 20
Pair = namedtuple("Pair", "x y")


def images(n=N):
    return torch.randn(n, 3, 4, 5), torch.arange(n)


class Python(data.Dataset):
    """Left to torch: samples of any type."""

    def __init__(self, x):
        self.x = x

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        return {"pair": Pair(self.x[i], i), "name": str(i), "list": [self.x[i], "a"]}


def test_wrong_options():
    for options, error, message in [
        ({"channels_last": "nhwc"}, ValueError, "channels_last: expected True, False or 'permute', found 'nhwc'"),
        ({"channels_last": 1}, ValueError, "channels_last: expected True"),
        ({"dtype": "bfloat16"}, TypeError, "dtype: expected a floating-point type of torch, found 'bfloat16'"),
        ({"dtype": torch.int8}, TypeError, "dtype: expected a floating-point type"),
        ({"dtype": np.float32}, TypeError, "dtype: expected a floating-point type"),
        ({"device": "gpu"}, RuntimeError, "device type"),
    ]:
        for loader_class in (DataLoader, StatefulDataLoader):
            with pytest.raises(error, match=message):
                loader_class(data.TensorDataset(*images()), **options)


def test_the_options_are_attributes_as_they_were_given():
    options = {"device": "cpu", "channels_last": "permute", "dtype": torch.bfloat16, "shard": "torch"}
    for loader_class in (DataLoader, StatefulDataLoader):
        loader = loader_class(data.TensorDataset(*images()), **options)
        assert {name: getattr(loader, name) for name in options} == options


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64])
def test_rounds_as_torch_does(dtype):
    bits = torch.from_numpy(np.random.default_rng(0).integers(0, 2**32, (N, 5000), np.uint32).view(np.float32))
    ties = torch.tensor([1 + 2**-8, 1 + 3 * 2**-8, -1 - 2**-8, 2.0**-149, 3.3895e38, float("inf"), -0.0])
    x = torch.cat([bits, ties.repeat(N, 1)], 1)
    y = torch.arange(N)
    loader = DataLoader(data.TensorDataset(x, y), 8, dtype=dtype)
    assert loader.explain().native
    expected = [[a.to(dtype), b] for a, b in data.DataLoader(data.TensorDataset(x, y), 8)]
    assert same(list(loader), expected)


def test_channels_last():
    x, y = images()
    (batch, labels), *_ = DataLoader(data.TensorDataset(x, y), 8, channels_last=True)
    assert torch.equal(batch, x[:8])
    assert batch.is_contiguous(memory_format=torch.channels_last)
    assert labels.is_contiguous()
    (flat, _), *_ = DataLoader(data.TensorDataset(x[:, 0], y), 8, channels_last=True)
    assert flat.is_contiguous()


def test_channels_last_without_a_copy():
    x = np.arange(N * 4 * 5 * 3, dtype=np.float32).reshape(N, 4, 5, 3)
    loader = DataLoader(fb.arrays(x, np.arange(N), batch_size=8), None, channels_last="permute")
    expected = torch.from_numpy(x).permute(0, 3, 1, 2)
    batches = list(loader)
    assert torch.equal(torch.cat([batch for batch, _ in batches]), expected)
    assert all(batch.is_contiguous(memory_format=torch.channels_last) for batch, _ in batches)
    tensor = torch.from_numpy(x)
    moved = delivery.Delivery(None, "permute", None).batch([tensor])
    assert moved[0].data_ptr() == tensor.data_ptr()


@pytest.mark.parametrize("options", [{}, {"num_workers": 2}, {"workers": "thread", "threads": 2}], ids=str)
def test_any_batch_on_another_device(options):
    x, _ = images()
    plain = list(data.DataLoader(Python(x), 8))
    found = list(DataLoader(Python(x), 8, device="meta", dtype=torch.float16, **options))
    assert len(found) == 3
    for batch, expected in zip(found, plain, strict=True):
        assert type(batch["pair"]) is Pair
        assert batch["name"] == expected["name"]
        assert batch["list"][1] == expected["list"][1]
        for tensor, other in [(batch["pair"].x, expected["pair"].x), (batch["list"][0], expected["list"][0])]:
            assert (tensor.device.type, tensor.dtype, tensor.shape) == ("meta", torch.float16, other.shape)
        assert batch["pair"].y.dtype == torch.int64
    assert same(list(DataLoader(Python(x), 8, device="cpu", **options)), plain)


def test_types_are_kept():
    batch = UserDict({"x": torch.zeros(2), "text": "a", "none": None, "many": (torch.ones(1), [1])})
    made = delivery.mapped(batch, lambda tensor: tensor + 1)
    assert type(made) is UserDict
    assert made is not batch
    assert made["x"].tolist() == [1, 1]
    assert batch["x"].tolist() == [0, 0]
    assert (made["text"], made["none"], made["many"][1]) == ("a", None, [1])
    assert type(made["many"]) is tuple


# ---- copies ahead, without an accelerator ------------------------------------------------------------------------


class Streams:
    """Stands for `torch.cuda`: records in which order the work is given to the streams."""

    def __init__(self):
        self.log = []
        self.current = "step"

    def Stream(self, device):  # noqa: N802 - torch's name
        return "copies"

    @contextlib.contextmanager
    def stream(self, stream):
        before, self.current = self.current, stream
        yield
        self.current = before

    def current_stream(self, device):
        streams = self

        class Current:
            def wait_stream(self, stream):
                streams.log.append(f"{streams.current} waits for {stream}")

        return Current()


@pytest.fixture
def streams(monkeypatch):
    """Let "cpu" be a device with streams, to which tensors are copied."""
    found = Streams()
    monkeypatch.setattr(delivery, "_HOST", ())
    monkeypatch.setattr(torch, "get_device_module", lambda device: found)

    def sent(self, tensor):
        found.log.append(f"copy of {int(tensor.view(-1)[0])} on {found.current}")
        return tensor.clone()

    monkeypatch.setattr(delivery.SideStream, "_sent", sent)
    monkeypatch.setattr(torch.Tensor, "record_stream", lambda self, stream: None)
    return found


def test_a_batch_is_copied_while_the_one_before_it_is_used(streams):
    loader = DataLoader(data.TensorDataset(torch.arange(10)), 4, device="cpu")
    for (x,) in loader:
        streams.log.append(f"step with {int(x[0])}")
    assert streams.log == [
        "copy of 0 on copies",
        "step waits for copies",
        "copy of 4 on copies",
        "step with 0",
        "step waits for copies",
        "copy of 8 on copies",
        "step with 4",
        "step waits for copies",
        "step with 8",
    ]


class Drawing(data.Sampler):
    def __iter__(self):
        return iter([int(torch.randint(10, ())) for _ in range(1)] * 9)

    def __len__(self):
        return 9


def test_a_sampler_that_draws_with_the_step_is_not_read_ahead(streams):
    loader = DataLoader(data.TensorDataset(torch.arange(10)), 4, sampler=Drawing(), device="cpu")
    for _ in loader:
        streams.log.append("step")
    assert [line.split()[0] for line in streams.log] == ["copy", "step", "step"] * 3


class Broken(Python):
    def __getitem__(self, i):
        if i == 9:
            raise ValueError("bad pixel")
        return self.x[i]


def test_an_error_comes_with_its_batch(streams):
    iterator = iter(DataLoader(Broken(torch.arange(12)), 4, device="cpu", workers="thread", threads=1))
    assert [next(iterator).tolist() for _ in range(2)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    with pytest.raises(ValueError, match="batch 2, index 9: bad pixel"):
        next(iterator)
    with pytest.raises(StopIteration):
        next(iterator)


@pytest.mark.parametrize("k", [0, 1, 2, 3])
@pytest.mark.parametrize("kind", ["rows", "loader", "sharded"])
def test_a_state_is_that_of_the_batch_in_use(streams, kind, k):
    def make():
        options = {"shuffle": True, "device": "cpu"}
        if kind == "loader":
            arrays = fb.arrays(np.arange(10), batch_size=4, shuffle=True, seed=1)
            return DataLoader(arrays, batch_size=None, device="cpu")
        if kind == "sharded":
            options["shard"] = "torch"
        else:
            options["generator"] = torch.Generator().manual_seed(2)
        return DataLoader(data.TensorDataset(torch.arange(10)), 4, **options)

    loader = make()
    iterator = iter(loader)
    for _ in range(k):
        next(iterator)
    state = loader.state_dict()
    expected = [*iterator, *loader]
    later = make()
    later.load_state_dict(state)
    assert same([*later, *later], expected)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_on_a_gpu():
    x, y = images(200)
    loader = DataLoader(data.TensorDataset(x, y), 16, device="cuda", channels_last=True, dtype=torch.bfloat16)
    found = list(loader)
    assert all(batch.is_cuda and batch.is_contiguous(memory_format=torch.channels_last) for batch, _ in found)
    assert torch.equal(torch.cat([batch for batch, _ in found]).cpu(), x.to(torch.bfloat16))
    assert torch.equal(torch.cat([labels for _, labels in found]).cpu(), y)
