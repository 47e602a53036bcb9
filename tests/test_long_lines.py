# SPDX-License-Identifier: MIT
"""Lines of hundreds of megabytes: every reader of text needs bounded memory and time."""

import subprocess
import sys

import pytest

SIZE = 1 << 28

READ = """
import pathlib, resource, sys
import fastbatch as fb


def peak():
    status = pathlib.Path("/proc/self/status")  # ru_maxrss begins with the size of the parent, before exec
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024


path, way = sys.argv[1:]
ways = {
    "words": lambda: len(next(fb.text_generator(path, 1))[0]),
    "lines": lambda: len(next(iter(fb.lines(path)))[0]),
    "offsets": lambda: len(next(iter(fb.lines(path, output="offsets")))[0]),
    "vocabulary": lambda: len(fb.vocabulary(path).words[0]),
    "stream": lambda: len(next(fb.stream(path))[0]),
    "bytes": lambda: len(next(fb.stream(path, encoding=None))[0]),
    "records": lambda: 2 * len(next(fb.stream(path, 1, records=1 << 27, prefetch=1))[0]),
}
print(ways[way](), peak())
"""


@pytest.mark.slow
@pytest.mark.parametrize("way", ["words", "lines", "offsets", "vocabulary", "stream", "bytes", "records"])
def test_a_line_of_a_quarter_gigabyte(tmp_path, way):
    path = tmp_path / "a.txt"
    with path.open("wb") as file:
        file.truncate(SIZE)  # NUL bytes, which are not white space
    command = [sys.executable, "-c", READ, str(path), way]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    length, peak = map(int, done.stdout.split())
    assert length == SIZE
    assert peak < 4 * SIZE
