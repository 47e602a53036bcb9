# SPDX-License-Identifier: MIT
"""Files of cached indices in the user's cache folder: written atomically, and deleted when unused for long."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

from .identity import Identity

COARSEST_NS = 2_000_000_000  # times of change may be as coarse
UNUSED_S = 90 * 24 * 3600  # an index unused for longer is deleted
DIGEST_BYTES = 16


def is_enabled() -> bool:
    """Return whether indices are cached. FASTBATCH_INDEX_CACHE=0 in the environment disables them."""
    return os.environ.get("FASTBATCH_INDEX_CACHE") != "0"


def is_settled(identity: Identity, latest: int) -> bool:
    """Return whether a file or a folder last changed before `latest`, in ns, as far as its times tell."""
    return identity.has_change_time and max(identity.mtime, identity.ctime) < latest


def digest(data: bytes | memoryview) -> bytes:
    """Return a digest of `DIGEST_BYTES`."""
    try:
        from _blake2 import blake2b  # the same as hashlib's, without its OpenSSL, which needs 3.6 MiB
    except ImportError:
        from hashlib import blake2b
    return blake2b(data, digest_size=DIGEST_BYTES).digest()


def write_index(file: Path, data: bytes) -> None:
    """Write a file atomically and delete indices that have not been used for `UNUSED_S`."""
    import tempfile

    file.parent.mkdir(parents=True, exist_ok=True)
    descriptor, unfinished = tempfile.mkstemp(prefix=".unfinished-", dir=file.parent)
    try:
        with open(descriptor, "wb") as out:
            out.write(data)
        os.replace(unfinished, file)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise
    for other in file.parent.iterdir():
        with contextlib.suppress(OSError):
            if time.time() - other.stat().st_mtime > UNUSED_S:
                other.unlink()
