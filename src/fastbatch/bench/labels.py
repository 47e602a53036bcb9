# SPDX-License-Identifier: MIT
"""Names of contestants in words, for readers who do not know the adapters."""

from __future__ import annotations

import re

LIBRARIES = {
    "fastbatch": "fastbatch",
    "pure": "fastbatch.pure (plain Python)",
    "numpy": "NumPy generator",
    "torch": "PyTorch DataLoader",
    "torchvision": "PyTorch DataLoader, torchvision decodes",
    "tf": "tf.data",
    "grain": "Grain",
    "keras": "Keras",
    "simplejpeg": "simplejpeg in threads",
    "spdl": "SPDL",
    "webdataset": "WebDataset",
    "datasets": "Hugging Face datasets",
    "dali": "DALI on the CPU",
    "ffcv": "FFCV",
    "limit": "The machine's limit",
}
VARIANTS = {
    "tuned": "memory reused",
    "batched": "whole batches of indices",
    "crop": "crops only",
    "full": "whole images",
    "nhwc": "channels last",
    "unadvised": "no hints to the kernel",
    "rows": "without labels",
}


def label(contestant: str) -> str:
    """Return a contestant's name in words: `torch-batched-w2` is `PyTorch DataLoader, whole batches ..., 2 workers`."""
    library, *variants = contestant.split("-")
    words = [LIBRARIES.get(library, library)]
    for one in variants:
        if count := re.fullmatch(r"([wt])(\d+)", one):
            kind = "worker" if count[1] == "w" else "thread"
            words.append(f"{'no' if count[2] == '0' else count[2]} {kind}{'' if count[2] == '1' else 's'}")
        else:
            words.append(VARIANTS.get(one, one))
    return ", ".join(words)


def title(scenario: str, question: str) -> str:
    """Return the first sentence of a scenario's question."""
    return question.split("\n\n")[0].replace("\n", " ").strip() or scenario
