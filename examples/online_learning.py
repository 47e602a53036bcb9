# SPDX-License-Identifier: MIT
"""Online learning from another process: scikit-learn's `partial_fit` on batches of a pipe.

    python examples/online_learning.py

The writer sends one measurement per line, `0.31,-1.20,...;1`, in bursts, and stops at some time. The learner takes
batches of 64, or of fewer if 0.1 seconds have passed.
"""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
from sklearn.linear_model import SGDClassifier

import fastbatch as fb

WRITER = """
import random, sys, time
draw = random.Random(0)
for i in range(3000):
    x = [draw.gauss(0, 1) for _ in range(8)]
    label = int(sum(x[:4]) > sum(x[4:]))
    sys.stdout.write(",".join(f"{value:.3f}" for value in x) + f";{label}\\n")
    if i % 500 == 499:
        sys.stdout.flush()
        time.sleep(0.15)
"""


def decode(line: str) -> tuple[Any, int]:
    """Return the measurement and the label in a line."""
    x, label = line.split(";")
    return np.array(x.split(","), dtype=np.float32), int(label)


def main() -> None:
    """Learn until the writer has ended; each batch is used for a test, then for learning."""
    model = SGDClassifier(loss="log_loss", random_state=0)
    right = seen = 0
    with (
        subprocess.Popen([sys.executable, "-c", WRITER], stdout=subprocess.PIPE) as writer,
        fb.stream(writer.stdout, batch_size=64, decode=decode, max_wait_s=0.1) as batches,
    ):
        for number, (x, y) in enumerate(batches):
            if number:
                right += int((model.predict(x) == y).sum())
                seen += len(y)
            model.partial_fit(x, y, classes=[0, 1])
    print(f"{number + 1} batches, {seen + 64} measurements")
    print(f"accuracy on measurements not yet learnt from: {right / seen:.3f}")


if __name__ == "__main__":
    main()
