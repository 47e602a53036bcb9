# SPDX-License-Identifier: MIT
"""The types of `fastbatch.torch`: checked as those of `public.py`, with and without PyTorch."""

from typing import Any

from typing_extensions import assert_type

from fastbatch.torch import DataLoader, ImageFolder, Images, as_iterable, dataset, prepare
from fastbatch.torch.explain import Explanation


def loaders(rows: Any) -> None:
    options = DataLoader(
        rows, 32, shuffle=True, num_workers=2, threads=4, rng="philox", channels_last="permute"
    ).explain()
    assert_type(options, Explanation)
    assert_type(options.native, bool)
    assert_type(DataLoader(rows).state_dict(), dict[str, Any])
    assert_type(Images(["a.jpg"], mode="L").mode, str)
    assert_type(ImageFolder("photos").classes, list[str])
    dataset(rows, threads=2, exact=False)
    as_iterable(rows)
    prepare(DataLoader(rows))

    DataLoader(rows, thread=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    DataLoader(rows, workers="process")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    DataLoader(rows, rng="numpy")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    DataLoader(rows, shard="jax")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    DataLoader(rows, channels_last="NHWC")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    Images(["a.jpg"], mode="CMYK")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    dataset(rows, batch_size=2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
