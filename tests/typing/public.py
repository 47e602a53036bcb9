# SPDX-License-Identifier: MIT
"""The types of the public functions: checked by mypy and pyright in `./dev lint`, never imported.

Each expected error has an ignore comment; both checkers report an unused ignore comment.
"""

from typing_extensions import assert_type

import fastbatch as fb
from fastbatch import pure

rows = fb.arrays([1, 2], [3, 4], batch_size=32, shuffle="block", on_error="skip", threads=2)
assert_type(rows, fb.SampleLoader)
assert_type(pure.arrays([1, 2], batch_size=32), fb.SampleLoader)
assert_type(fb.images("photos", size=64, crop="random_resized", batch_size=2), fb.SampleLoader)
assert_type(fb.windows("x.npy", length=3, stride=2, batch_size=2), fb.SampleLoader)
assert_type(fb.tokens("t.bin", "uint16", 128, shuffle=True), fb.SampleLoader)
assert_type(fb.words("a.txt", 8, output="ids", vocabulary=["a"], shuffle="line"), fb.TextLoader)
assert_type(fb.lines("a.txt", keepends=False), fb.TextLoader)
assert_type(fb.vocabulary("a.txt", 10), fb.Vocabulary)
assert_type(fb.tokens(["a.bin", "b.bin"], "uint16", with_index=True), fb.SampleLoader)
assert_type(fb.class_weight([0, 1]), dict[int, float])
assert_type(rows.paths, list[str] | None)

fb.arrays([1], batchsize=3)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fb.arrays([1], shuffle="rows")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.images("photos", crop="centre")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fb.windows("x.npy")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fb.words("a.txt", output="lists")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
pure.images("photos", size="large")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
