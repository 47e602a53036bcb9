# SPDX-License-Identifier: MIT
"""One question per file.

A race defines `job(folder, threads, smoke)`, `RIVALS`, `UNIT` and `limits(job)`, which returns the limit program's
arguments per contestant; optional `SMOKE` lists the rivals of a smoke run. A measurement defines `job` and
`measure(subject, job)`, which runs in its own process and returns named values. Both define `TARGETS`, and their
docstrings ask the question.
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
    "jpeg_progressive",
    "jpeg_restart",
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
    "tables",
    "tar_images",
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
    "torch_tensor",
    "torch_windows",
    "torch_epoch",
    "torch_memory",
    "torch_image_folder",
    "torch_cifar",
)
