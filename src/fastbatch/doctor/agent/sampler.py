# SPDX-License-Identifier: MIT
"""What the time in `next` goes into: a thread looks now and then where the Python code of the loading threads is."""

from __future__ import annotations

import itertools
import os
import sys
import threading
from types import CodeType, FrameType

from .output import write
from .record import HERE, INSIDE, NATIVE, is_users_own

INTERVAL_S = 0.05
_FIRST_INTERVAL_S = 0.02  # of the first second: short scripts have few looks
_FIRST_LOOKS = 50
_LOOKS_A_WRITE = 40  # what is known is written every two seconds, and more often at first: processes may be killed
# The first pattern in a file's path decides; further in, function names of that file.
_PIL_WORK = {"resize", "rotate", "transform", "crop", "transpose", "filter", "paste", "thumbnail", "reduce", "convert"}
_LIBRARIES = (
    (
        "decode",
        ("/PIL/", "/cv2/", "/imageio", "/tifffile", "/torchvision/io/", "/torchvision/datasets/folder", "/h5py/"),
    ),
    ("decode", ("/soundfile", "/librosa/", "/torchaudio/", "/pandas/", "/pyarrow/", "/csv.py", "/json/", "/pickle.py")),
    ("decode", ("/gzip.py", "/zipfile", "/tarfile.py", "/lzma.py", "/bz2.py", "/numpy/lib/", "/simplejpeg")),
    ("transform", ("/torchvision/transforms/", "/albumentations/", "/scipy/", "/skimage/", "/kornia/", "/imgaug/")),
    ("transform", ("/keras/src/legacy/preprocessing/", "/keras/src/layers/preprocessing/")),
    ("collate", ("/torch/utils/data/_utils/collate.py", "/torch/utils/data/_utils/pin_memory.py")),
    ("hand-over", ("/multiprocessing/", "/queue.py", "/torch/utils/data/dataloader.py")),
)


class Sampler:
    """The thread that looks. Threads: any may start it."""

    def __init__(self) -> None:
        self._runs = False

    def forget(self) -> None:
        """Note that this process has no such thread: in a forked child."""
        self._runs = False

    def start(self) -> None:
        """Start the thread of this process, if it has none."""
        if self._runs:
            return
        self._runs = True
        threading.Thread(target=_look_again_and_again, name="fastbatch-doctor", daemon=True).start()


def _look_again_and_again() -> None:
    pause = threading.Event()
    next_write = 4
    for n in itertools.count():
        pause.wait(_FIRST_INTERVAL_S if n < _FIRST_LOOKS else INTERVAL_S)
        if n >= next_write and write():
            next_write = n + min(n + 1, _LOOKS_A_WRITE)
        if INSIDE:
            look()


def look() -> None:
    """Add what each loading thread is at to the samples of its source."""
    frames = sys._current_frames()
    looks = [(*inside, classify(frames[inside[0]])) for inside in list(INSIDE.items()) if inside[0] in frames]
    del frames  # before other threads go on: a frame keeps the arrays of a function that has returned
    for thread, source, (kind, line) in looks:
        source.samples.add("disk" if _waits_for_disk(thread) else kind, line)


def _waits_for_disk(thread: int) -> bool:
    """Return whether a thread is in the kernel's uninterruptible sleep."""
    try:
        with open(f"/proc/self/task/{NATIVE[thread]}/stat", "rb") as file:
            return file.read(200).rpartition(b")")[2][1:2] == b"D"
    except (OSError, KeyError):
        return False


SAMPLER = Sampler()


_OF_CODE: dict[CodeType, str] = {}  # what a function does; "" for those that say nothing


def classify(frame: FrameType | None) -> tuple[str, str]:
    """Return the kind of work of a thread, and "file:line function" of the frame that decided it."""
    top: FrameType | None = None
    while frame is not None:
        code = frame.f_code
        kind = _OF_CODE.get(code)
        if kind is None:
            kind = _OF_CODE[code] = _kind_of(code.co_filename, code.co_name)
        if kind and kind != "doctor":
            return kind, _line(frame)
        if kind != "doctor" and top is None:
            top = frame
        frame = frame.f_back
    return "library", "" if top is None else _line(top)


def _line(frame: FrameType) -> str:
    return f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"


def _kind_of(path: str, name: str) -> str:
    if path.startswith(HERE):
        return "doctor"
    if path[:1] != "<" and is_users_own(os.path.abspath(path)):
        return "python"
    if "/PIL/Image.py" in path and name in _PIL_WORK:
        return "transform"
    if "/PIL/ImageEnhance" in path or "/PIL/ImageOps" in path:
        return "transform"
    return next((kind for kind, patterns in _LIBRARIES if any(pattern in path for pattern in patterns)), "")
