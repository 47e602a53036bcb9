# SPDX-License-Identifier: MIT
"""The part of the doctor that runs inside the user's processes, under the name `_fastbatch_agent`.

It imports the standard library only, so that a script under the doctor imports what it imports without it, and also
works in an environment without fastbatch.
"""
