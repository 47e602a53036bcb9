# SPDX-License-Identifier: MIT
"""The `fastbatch demo` command: the same training run with plain Python and with fastbatch, side by side.

The files:

        run.py       the demo from the first line of output to the last
        photos.py    real photographs -> a folder of JPEGs; handwritten digits -> .npy
        cache.py     a cached folder that is complete or absent
        job.py       the settings of one feed, its loaders, its result
        train.py     one feed in its own process: load, train, measure
        feed.py      starts that process, forwards its progress, returns its result
        table.py     terminal output
        pictures.py  batch.png and throughput.png
"""

from fastbatch.command import CommandError, require


class DemoError(CommandError):
    """The demo cannot continue; the message is one sentence for the user."""


def require_extras() -> None:
    """Raise a `CommandError` that says what to install if a library for the demo is missing."""
    require(
        "demo",
        {
            "sklearn": "scikit-learn",
            "skimage": "scikit-image",
            "PIL": "Pillow",
            "matplotlib": "Matplotlib",
            "rich": "Rich",
        },
    )
