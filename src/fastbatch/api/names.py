# SPDX-License-Identifier: MIT
"""The public names of `fastbatch` and `fastbatch.pure`, and the modules that define them, imported at first use."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .backend import Backend

# Functions whose first parameter is the backend, and classes with a backend.
BOUND = {
    "DataGenerator": "generators.data_generator",
    "ImageDataLoader": "api.image_data_loader",
    "TimeSeriesDataset": "api.time_series_dataset",
    "arrays": "api.arrays",
    "concat": "api.mixtures",
    "csv": "api.csv",
    "documents": "api.documents",
    "idx": "api.array_file",
    "npy": "api.array_file",
    "npz": "api.array_file",
    "raw": "api.array_file",
    "decode": "api.single_image",
    "image_generator": "api.image_generator",
    "images": "api.images",
    "lines": "api.words",
    "mix": "api.mixtures",
    "pack": "api.pack",
    "probe": "api.single_image",
    "resize": "api.single_image",
    "series": "api.series",
    "show_config": "api.config",
    "statistics": "api.statistics",
    "stream": "api.stream",
    "table": "api.table",
    "tar": "api.tar",
    "text_generator": "api.words",
    "tokens": "api.tokens",
    "verify": "api.verify",
    "vocabulary": "api.words",
    "windows": "api.windows",
    "words": "api.words",
    "zip": "api.mixtures",
}
# Names without a backend, the same in both packages.
SHARED = {
    "Augment": "decode.augment",
    "BatchInfo": "loader.map",
    "ClosedError": "errors",
    "DecodeError": "errors",
    "EncodingError": "errors",
    "FastbatchError": "errors",
    "FormatError": "errors",
    "Loader": "loader.loader",
    "Preview": "preview.preview",
    "Profile": "profile.profile",
    "RestartableGeneratorWrapper": "generators.restartable",
    "SampleLoader": "loader.samples",
    "StateError": "errors",
    "TextLoader": "text.loader",
    "Verification": "decode.verification",
    "Vocabulary": "text.vocabulary",
    "check_ranks": "loader.agreement",
    "class_weight": "api.class_weight",
    "cutmix": "api.mixup",
    "encoded": "api.images",
    "field": "decode.conversion",
    "get_include": "decode.transform",
    "image_table": "api.image_table",
    "merge_states": "loader.merge",
    "mixup": "api.mixup",
    "rank_digest": "loader.agreement",
    "restartable": "generators.restartable",
    "subset": "api.subset",
}
NAMES = tuple(sorted([*BOUND, *SHARED]))


def public(name: str, backend: Backend) -> Any:
    """Return the object with a public name."""
    from .bind import bind, bind_class, explain

    if name in SHARED:
        found = getattr(import_module(f"fastbatch.{SHARED[name]}"), name)
        return found if isinstance(found, type) else explain(found, backend.name)
    found = getattr(import_module(f"fastbatch.{BOUND[name]}"), name)
    return bind_class(backend, found) if isinstance(found, type) else bind(backend, found)
