# SPDX-License-Identifier: MIT
"""The types of the public functions: checked by mypy and pyright in `./dev lint`, never imported.

Each expected error has an ignore comment; both checkers report an unused ignore comment.
"""

from collections.abc import Iterator
from typing import Any

from typing_extensions import assert_type

import fastbatch as fb
from fastbatch import pure

rows = fb.arrays([1, 2], [3, 4], batch_size=32, shuffle="block", on_error="skip", threads=2)
assert_type(rows, fb.SampleLoader)
assert_type(pure.arrays([1, 2], batch_size=32), fb.SampleLoader)
assert_type(fb.images("photos", size=64, crop="random_resized", batch_size=2), fb.SampleLoader)
assert_type(fb.images("shards/*.tar", ".json:label", column="jpg", masks=".seg.png"), fb.SampleLoader)
assert_type(fb.images("photos", crop="random", seek_index_bytes=1 << 20), fb.SampleLoader)
assert_type(fb.images("scans", channels=13, depth=16, dtype="uint16"), fb.SampleLoader)
assert_type(fb.tar("a.tar", ["jpg", "cls"], decode={"jpg": len}, shuffle=True), fb.SampleLoader)
assert_type(fb.table("a.parquet", ["x"], targets="y", dtype="float32", missing=0, batch_size=8), fb.SampleLoader)
assert_type(fb.table("a.parquet", memory_bytes=10**9, shuffle="block", with_index=True), fb.SampleLoader)
assert_type(fb.windows("x.npy", length=3, stride=2, batch_size=2), fb.SampleLoader)
assert_type(fb.tokens("t.bin", "uint16", 128, shuffle=True), fb.SampleLoader)
assert_type(fb.words("a.txt", 8, output="ids", vocabulary=["a"], shuffle="line"), fb.TextLoader)
assert_type(fb.lines("a.txt", keepends=False), fb.TextLoader)
assert_type(fb.vocabulary("a.txt", 10), fb.Vocabulary)
assert_type(fb.tokens(["a.bin", "b.bin"], "uint16", with_index=True), fb.SampleLoader)
assert_type(fb.mix({rows: 0.5, fb.arrays([1]): 0.5}, stop="last", batch_size=8), fb.SampleLoader)
assert_type(fb.concat(rows, rows, shuffle=True, seed=1), fb.SampleLoader)
assert_type(pure.zip(rows, rows, drop_last=True), fb.SampleLoader)
assert_type(fb.pack("t.bin", "uint16", 2048, boundaries="b.npy", long="cut", targets="next", seed=1), fb.SampleLoader)
assert_type(fb.class_weight([0, 1]), dict[int, float])
assert_type(rows.paths, list[str] | None)
assert_type(fb.show_config("dict"), dict[str, dict[str, str]] | None)
assert_type(rows.progress("epoch 0", warn_after=None, metrics=print), Iterator[Any])
assert_type(rows.preview(8), fb.Preview)
with rows.profile(events=1000) as profile:
    assert_type(profile, fb.Profile)

rows.progress(metric=print)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fb.arrays([1], batchsize=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fb.arrays([1], shuffle="rows")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.images("photos", crop="centre")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.images("scans", depth=12)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.csv("a.csv", dates={"day": "h"})  # type: ignore[dict-item]  # pyright: ignore[reportArgumentType]
fb.windows("x.npy")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fb.words("a.txt", output="lists")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
rows.preview("8")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.table("a.parquet", column="x")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
pure.images("photos", size="large")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.images("photos", seek_index_bytes="64 MB")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
