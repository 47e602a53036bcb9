# SPDX-License-Identifier: MIT
"""`fastbatch.pure` in a copy of the package without the compiled core."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from making import make_photos

import fastbatch

pytest.importorskip("PIL")

PURE = """
import sys
import numpy as np
from fastbatch import pure as fb

x = np.arange(60, dtype=np.float32).reshape(20, 3)
np.save("x.npy", x)
rows = [batch for batch in fb.arrays("x.npy", batch_size=8, shuffle=True, seed=1)]
assert sorted(np.concatenate(rows)[:, 0]) == sorted(x[:, 0])
images, labels = next(iter(fb.images("photos", size=16, batch_size=4, flip=True)))
assert images.shape == (4, 3, 16, 16) and labels.dtype == np.int64
encoded = fb.encoded([open(path, "rb").read() for path in sys.argv[1:]])
assert next(iter(fb.images(encoded, None, size=16, batch_size=2))).shape == (2, 3, 16, 16)
with open("a.txt", "w") as file:
    file.write("one two three\\nfour\\n")
assert list(fb.words("a.txt", 3)) == [["one", "two", "three"], ["four"]]
assert fb.vocabulary("a.txt").words[0] == "four"
a, b = next(iter(fb.windows(x, x, length=4, horizon=1, batch_size=5)))
assert a.shape == (5, 4, 3) and np.array_equal(b, x[4:9])
assert [list(batch) for batch in fb.stream([1, 2, 3], 2)] == [[1, 2], [3]]
assert len(list(fb.restartable(range, 3))) == 3
loader = fb.arrays(x, batch_size=8)
next(iter(loader))
other = fb.arrays(x, batch_size=8)
other.load_state_dict(loader.state_dict())
assert np.array_equal(next(iter(other)), x[8:16])
assert not {"fastbatch._core", "fastbatch._words", "fastbatch.native"} & set(sys.modules)
print("worked")
"""

NATIVE = """
import warnings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    import fastbatch
assert len(caught) == 1 and "./dev setup" in str(caught[0].message), caught
for use in (lambda: fastbatch.images, lambda: fastbatch.Loader):
    try:
        use()
    except ImportError as error:
        print(error)
    else:
        raise SystemExit("no error")
"""

INTERRUPTED = """
import sys

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            sys.meta_path.remove(self)
            if name == "fastbatch._core":  # as pybind11 says it
                raise ImportError("initialization failed") from KeyboardInterrupt()
            raise KeyboardInterrupt

sys.meta_path.insert(0, Finder())
try:
    import fastbatch
except KeyboardInterrupt:
    print("interrupted")
import fastbatch
print(*next(iter(fastbatch.arrays([1, 2, 3]))), "api" in vars(fastbatch))
"""


@pytest.fixture
def without_core(tmp_path):
    """Return a function that runs a script with a copy of the package without compiled modules."""
    source = Path(fastbatch.__file__).parent
    copied = tmp_path / "package" / "fastbatch"
    shutil.copytree(source, copied, ignore=shutil.ignore_patterns("*.so", "*.pyd", "__pycache__"))
    work = tmp_path / "work"
    photos = make_photos(work / "photos", 2)
    paths = [str(path) for path in sorted(photos.rglob("*.jpg"))[:2]]

    def run(script):
        environment = {**os.environ, "PYTHONPATH": str(copied.parent)}
        command = [sys.executable, "-c", script, *paths]
        return subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)

    return run


def test_pure_works_without_the_core(without_core):
    done = without_core(PURE)
    assert done.stdout == "worked\n", done.stderr
    assert done.stderr.count("RuntimeWarning: fastbatch's compiled core cannot be loaded") == 1


def test_the_package_says_how_to_build_the_core(without_core):
    done = without_core(NATIVE)
    lines = done.stdout.splitlines()
    assert len(lines) == 2, done.stderr
    for line in lines:
        assert line.startswith("fastbatch's compiled core cannot be loaded (")
        assert "In a checkout, `./dev setup` builds it" in line
        assert line.endswith("Without it, `fastbatch.pure` has the same functions.")


@pytest.mark.parametrize("module", ["fastbatch._core", "fastbatch.api", "fastbatch.api.names"])
def test_an_import_that_ctrl_c_ended_can_be_repeated(module):
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, module], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("interrupted\n1 2 3 False\n", "")


def test_numpy_is_imported_when_it_is_needed():
    """`import fastbatch` takes a few milliseconds: NumPy and the functions are imported later."""
    script = "import sys, fastbatch; print('numpy' in sys.modules, len([m for m in sys.modules if 'fastbatch' in m]))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    numpy, modules = done.stdout.split()
    assert numpy == "False" and int(modules) <= 5


@pytest.mark.parametrize(
    "hidden, code, message",
    [
        ("PIL", "next(iter(pure.images(['a.png'], size=8)))", "images need Pillow"),
        ("PIL", "pure.decode('a.png')", "images need Pillow"),
        ("PIL", "pure.resize(np.zeros((4, 4), 'u1'), 2)", "images need Pillow"),
        ("numba", "import fastbatch.numba", "fastbatch.numba needs Numba: pip install numba"),
    ],
)
def test_a_missing_package_is_named_in_one_sentence(tmp_path, hidden, code, message):
    lines = f"import sys; sys.modules[{hidden!r}] = None\nimport numpy as np\nfrom fastbatch import pure\n{code}"
    (tmp_path / "a.png").write_bytes(b"")
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, cwd=tmp_path, env=os.environ)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith(f"ModuleNotFoundError: {message}"), done.stderr
