# SPDX-License-Identifier: MIT
"""What all tests share: both implementations, some data, and how hypothesis searches."""

import importlib
import os

import pytest
from hypothesis import HealthCheck, settings
from making import make_photos

os.environ.setdefault("KERAS_BACKEND", "torch")  # where a test does not choose; TensorFlow takes seconds to import

# The same examples in every run: a failure that comes and goes helps nobody. FASTBATCH_EXPLORE=1 searches anew.
settings.register_profile(
    "steady",
    derandomize=not os.environ.get("FASTBATCH_EXPLORE"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")


@pytest.fixture(params=["fastbatch", "fastbatch.pure"])
def api(request):
    """Both implementations: a test that takes this runs on each."""
    return importlib.import_module(request.param)


@pytest.fixture
def photos(tmp_path):
    """A folder of small JPEGs in three classes, of different sizes and kinds; returns its path."""
    return make_photos(tmp_path / "photos")


@pytest.fixture
def pipe():
    """Return the two ends of a pipe as binary files."""
    reader, writer = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with reader:
        yield reader, writer
        writer.close()
