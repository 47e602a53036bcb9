# SPDX-License-Identifier: MIT
from collections.abc import Callable
from typing import Any

class Strings:
    def __init__(self, next_batch: Callable[[], Any], n_lanes: int, chop: bool) -> None: ...
    def next(self) -> Any: ...
