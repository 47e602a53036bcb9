# SPDX-License-Identifier: MIT
from collections.abc import Callable
from typing import Any

from typing_extensions import Self, disjoint_base

@disjoint_base
class Strings:
    def __new__(cls, next_batch: Callable[[], Any], n_lanes: int, chop: bool) -> Self: ...
    def next(self) -> Any: ...
