# SPDX-License-Identifier: MIT
"""Shared fixtures: both implementations, some data, and hypothesis's settings."""

import importlib
import os
import signal

import pytest
from hypothesis import HealthCheck, settings
from making import make_photos

pytest_plugins = ["store_fixtures", "cloud_fixtures"]

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in jobs of the background, and then in all their children
    signal.signal(signal.SIGINT, signal.default_int_handler)
os.environ.setdefault("KERAS_BACKEND", "torch")  # the default; importing TensorFlow takes seconds

# The same examples in every run, so that failures are reproducible. FASTBATCH_EXPLORE=1 draws new ones.
settings.register_profile(
    "steady",
    derandomize=not os.environ.get("FASTBATCH_EXPLORE"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")


@pytest.fixture(params=["fastbatch", "fastbatch.pure"])
def api(request):
    """Both implementations: a test with this fixture runs on each."""
    return importlib.import_module(request.param)


@pytest.fixture
def photos(tmp_path):
    """A folder of small JPEGs of different sizes and modes in three classes; returns its path."""
    return make_photos(tmp_path / "photos")


@pytest.fixture
def pipe():
    """The two ends of a pipe as binary files."""
    reader, writer = (os.fdopen(end, mode) for end, mode in zip(os.pipe(), ("rb", "wb"), strict=True))
    with reader:
        yield reader, writer
        writer.close()


@pytest.fixture
def write(tmp_path):
    """Return a function that writes a file, data.csv if no name is given, and returns its path."""

    def one(content, name="data.csv"):
        path = tmp_path / name
        path.write_bytes(content.encode("utf-8", "surrogateescape") if isinstance(content, str) else content)
        return path

    return one
