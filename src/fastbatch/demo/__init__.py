# SPDX-License-Identifier: MIT
"""The `fastbatch demo` command: the same training run, fed by plain Python and by fastbatch, side by side.

Its files:

    run.py       the story from the first line printed to the last
    photos.py    real photographs -> a folder of JPEGs; handwritten digits -> .npy
    cache.py     a folder that is complete or does not exist
    job.py       what one feed is asked to do, its loaders, its result
    train.py     one feed: load, train, measure (a process of its own)
    feed.py      starts that process, passes its progress on, takes its result
    table.py     what the terminal shows
    pictures.py  batch.png and throughput.png
"""

import importlib.util


class DemoError(Exception):
    """The demo cannot go on; the message is one sentence for the user."""


def require_extras() -> None:
    """Raise a `DemoError` that says what to install if a library of the demo is missing."""
    extras = {
        "sklearn": "scikit-learn",
        "skimage": "scikit-image",
        "PIL": "Pillow",
        "matplotlib": "Matplotlib",
        "rich": "Rich",
    }
    missing = [title for module, title in extras.items() if importlib.util.find_spec(module) is None]
    if missing:
        raise DemoError(f'{", ".join(missing)} missing here: pip install "fastbatch[demo]" brings what the demo needs')
