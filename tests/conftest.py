# SPDX-License-Identifier: MIT
"""What all tests share: how hypothesis searches."""

import os

from hypothesis import HealthCheck, settings

# The same examples in every run: a failure that comes and goes helps nobody. FASTBATCH_EXPLORE=1 searches anew.
settings.register_profile(
    "steady",
    derandomize=not os.environ.get("FASTBATCH_EXPLORE"),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("steady")
