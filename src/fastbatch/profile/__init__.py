# SPDX-License-Identifier: MIT
"""What the threads of a loader did and when: recorded, summed up, drawn."""
