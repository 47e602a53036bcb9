# SPDX-License-Identifier: MIT
"""The user's transforms: C functions from C, Cython and Numba on worker threads, and Python functions."""

import ctypes
import importlib.util
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from making import error_of, jpeg, same_batches

import fastbatch
from fastbatch import pure
from fastbatch.decode.transform import Sample
from fastbatch.errors import DecodeError
from fastbatch.plan.streams import stream

EXAMPLES = Path(__file__).resolve().parents[1] / "examples" / "transforms"
N = 50
X = np.random.default_rng(0).random((N, 3, 5)).astype(np.float32)
USER = 12

if not EXAMPLES.is_dir():
    pytest.skip("only in a checkout", allow_module_level=True)


def example(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def c_function(tmp_path_factory):
    if not shutil.which("cc"):
        pytest.skip("needs a C compiler")
    return example("from_c").build(tmp_path_factory.mktemp("c"))


def jittered(epoch, strength=0.2, seed=7):
    """The result of the examples, in NumPy."""
    drawn = np.array([stream(seed, epoch, i, operation=USER).random() for i in range(N)])
    return X * (1.0 + strength * (2.0 * drawn - 1.0)).astype(np.float32)[:, None, None]


def check(transform, strength=0.2):
    """Assert that both implementations give NumPy's result, in two epochs, with any threads."""
    loaders = [fastbatch.arrays(X, np.arange(N), transform=transform, seed=7, threads=threads) for threads in (1, 2, 8)]
    for loader in (*loaders, pure.arrays(X, np.arange(N), transform=transform, seed=7)):
        for epoch in range(2):
            x, y = zip(*loader, strict=True)
            assert np.array_equal(np.concatenate(x), jittered(epoch, strength))
            assert np.array_equal(np.concatenate(y), np.arange(N))


def test_c_by_ctypes(c_function):
    check(c_function)
    check((c_function, np.array([0.7])), 0.7)
    check((c_function, ctypes.pointer(ctypes.c_double(0.7))), 0.7)
    c_function.argtypes = [ctypes.POINTER(Sample), ctypes.c_void_p]
    check(c_function)


def test_scipys_low_level_callable(c_function):
    scipy = pytest.importorskip("scipy")
    c_function.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    strength = ctypes.c_double(0.4)
    check(scipy.LowLevelCallable(c_function))
    check(scipy.LowLevelCallable(c_function, ctypes.cast(ctypes.pointer(strength), ctypes.c_void_p)), 0.4)
    wrong = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)(abs)
    with pytest.raises(TypeError, match=r"signature int \(fastbatch_sample \*, void \*\), found double \(double\)"):
        fastbatch.arrays(X, transform=scipy.LowLevelCallable(wrong))


@pytest.mark.slow
def test_cython(tmp_path):
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    capsule = example("from_cython").build(tmp_path)
    check(capsule)
    check((capsule, np.array([0.5])), 0.5)


@pytest.mark.slow
def test_numba(tmp_path):
    pytest.importorskip("numba")
    check(example("from_numba").jitter)
    from numba import cfunc

    wrong = cfunc("float64(float64)")(lambda x: x)
    with pytest.raises(TypeError, match="transform: expected a function of signature .*, found c_double"):
        fastbatch.arrays(X, transform=wrong)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["from_c", "from_cython", "from_numba"])
def test_the_examples_run(name):
    if name != "from_c":
        pytest.importorskip(name.removeprefix("from_").capitalize() if name == "from_cython" else "numba")
    done = subprocess.run([sys.executable, EXAMPLES / f"{name}.py"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 4


def test_images_are_transformed_as_they_stand_in_the_batch(c_function, tmp_path):
    for i in range(6):
        (tmp_path / f"{i}.jpg").write_bytes(jpeg((40 + i, 40)))
    options = {"size": 16, "batch_size": 4, "seed": 7, "flip": True, "exact": True}
    plain = [np.concatenate(list(pure.images(tmp_path, None, **options)))]
    gain = [1.0 + 0.2 * (2.0 * stream(7, 0, i, operation=USER).random() - 1.0) for i in range(6)]
    expected = plain[0] * np.array(gain, np.float32)[:, None, None, None]
    for api in (fastbatch, pure):
        loader = api.images(tmp_path, None, transform=c_function, **options)
        assert np.array_equal(np.concatenate(list(loader)), expected)


def test_the_sample_says_what_it_is(api):
    seen = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(Sample), ctypes.c_void_p)
    def look(pointer, user_data):
        sample = pointer.contents
        values = np.ctypeslib.as_array(ctypes.cast(sample.data, ctypes.POINTER(ctypes.c_int16)), (2, 3))
        seen.append((sample.index, values.tolist(), chr(sample.type), sample.itemsize, sample.shape[: sample.ndim]))
        assert (sample.size, sample.seed, sample.epoch, user_data) == (ctypes.sizeof(Sample), 9, 1, None)
        assert sample.random == stream(9, 1, sample.index, operation=USER).bit_generator.random_raw()
        return 0

    data = np.arange(24, dtype=np.int16).reshape(4, 2, 3)
    loader = api.arrays(data, transform=look, shuffle=True, seed=9)
    loader.set_epoch(1)
    list(loader)
    assert sorted(seen) == [(i, data[i].tolist(), "h", 2, [2, 3]) for i in range(4)]


def test_each_part_may_have_its_own(api, c_function):
    data = {"x": X, "y": fastbatch.field(X, transform=c_function)}
    batches = list(api.arrays(data, seed=7))
    assert np.array_equal(np.concatenate([batch["x"] for batch in batches]), X)
    assert np.array_equal(np.concatenate([batch["y"] for batch in batches]), jittered(0))
    with pytest.raises(TypeError, match="transform: expected a C function"):
        fastbatch.field(X, transform=abs)


def test_a_failing_transform_names_the_sample(api, c_function):
    halves = X.astype(np.float16)  # the example accepts float32 only
    error = error_of(list, api.arrays(halves, transform=c_function))
    assert (type(error), error.sample) == (DecodeError, 0)
    assert str(error) == "sample 0: the transform failed: expected 0, found 1"
    loader = api.arrays(halves, np.arange(N), transform=c_function, on_error="skip")
    assert list(loader) == []
    assert [bad.sample for bad in loader.report()] == list(range(N))


def test_python_functions(api):
    expected = [(2 * x, y) for x, y in api.arrays(X, np.arange(N))]
    same_batches(api.arrays(X, np.arange(N), transform=lambda x: 2 * x), expected)
    same_batches(api.arrays(X, transform=lambda x: 2 * x), [x for x, _ in expected])
    drawn = list(api.arrays(X, seed=3, transform=lambda x, info: x + info.generator().random(dtype=np.float32)))
    assert not np.array_equal(np.concatenate(drawn), X)

    def fail(x):
        raise LookupError("here")

    error = error_of(list, api.arrays(X, transform=fail))
    assert type(error) is LookupError
    assert "fail" in getattr(error, "__notes__", ["fail"])[0]


def test_functions_that_do_not_fit(api):
    def prototype(result, *arguments):
        return ctypes.CFUNCTYPE(result, *arguments)(abs)

    fits = prototype(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)
    bad = [
        (prototype(ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p), "found c_double"),
        (prototype(ctypes.c_int, ctypes.c_void_p), r"found c_int \(c_void_p\)"),
        (prototype(ctypes.c_int, ctypes.c_double, ctypes.c_void_p), r"found c_int \(c_double, c_void_p\)"),
        (5, "expected a Python function or a C function, found int"),
        ((abs, X), "user data is for C functions"),
        ((1, 2, 3), "found 3 items"),
        (
            (prototype(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p), 5),
            "expected user data as an array, .* found int",
        ),
        ((fits, X[:, 0]), "dense array"),
    ]
    for transform, message in bad:
        with pytest.raises(TypeError, match=f"transform: .*{message}"):
            api.arrays(X, transform=transform)
    null = ctypes.cast(None, ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p))
    with pytest.raises(ValueError, match="transform: expected a function, found a null pointer"):
        api.arrays(X, transform=null)


def test_transforms_stay_in_their_process(c_function):
    field = fastbatch.field(X, transform=c_function)
    with pytest.raises(TypeError, match="a transform is an address in this process"):
        pickle.dumps(field)


def test_headers_come_with_the_package():
    include = Path(fastbatch.get_include())
    assert (include / "fastbatch/transform.h").is_file()
    assert (include.parent / "transform.pxd").is_file()
