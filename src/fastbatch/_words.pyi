# SPDX-License-Identifier: MIT
# The Cython module of this name.

def to_list(batch: object, chop: int = 0) -> list[str]: ...
