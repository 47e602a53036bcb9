# SPDX-License-Identifier: MIT
"""One question a file.

A race has `job(folder, threads, smoke)`, `RIVALS`, `UNIT` and `limits(job)`, the arguments of the limit program for
each contestant that it plays; `SMOKE` are the rivals that stay in a smoke run when not all do. A measurement has `job`
and `measure(subject, job)`, which runs in a process of its own and returns named values. Both have a docstring that
asks the question, and `TARGETS`.
"""

NAMES = (
    "rows_shuffled",
    "rows_sequential",
    "images_normalise",
    "jpeg_folder",
    "jpeg_scaling",
    "jpeg_crop",
    "jpeg_crop_exact",
    "jpeg_center",
    "jpeg_large",
    "jpeg_memory",
    "resize_alone",
    "png",
    "affine_augmentation",
    "cold_rows",
    "cold_small_rows",
    "windows",
    "tokens",
    "csv",
    "restartable",
    "latency",
    "huge",
    "import_time",
    "memory",
    "words",
    "keras_images",
    "keras_windows",
    "listing",
    "patterns",
)
