# SPDX-License-Identifier: MIT
"""The wheel's list of components (SBOM): CycloneDX, in `.dist-info/sboms` as PEP 770 has it. setup.py writes it.

Lists what is compiled into the modules: the libraries of a prefix made by build_libraries.sh, with the source that was
fetched and its SHA-256, and the generators of code. Shared libraries that auditwheel bundles are in a list of its own.
"""

import json
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = "sboms"
FILE = "fastbatch.cdx.json"
GENERATORS = {"pybind11": "BSD-3-Clause", "Cython": "Apache-2.0"}


def read_sources(table: Path) -> list[dict[str, str]]:
    """Return the rows of libraries.tsv, or of a prefix's sources.tsv."""
    names = ["name", "version", "licence", "sha256", "address"]
    lines = [line for line in table.read_text().splitlines() if line and not line.startswith("#")]
    return [dict(zip(names, line.split("\t"), strict=True)) for line in lines]


def sbom(fastbatch: str, prefix: Path | None) -> dict[str, Any]:
    """Return the list for a version of fastbatch that was linked with the libraries of a prefix."""
    sources = read_sources(prefix / "sources.tsv") if prefix else []
    components = [
        {
            "type": "library",
            "bom-ref": f"pkg:generic/{one['name']}@{one['version']}",
            "name": one["name"],
            "version": one["version"],
            "purl": f"pkg:generic/{one['name']}@{one['version']}",
            "licenses": [{"expression": one["licence"]}],
            "hashes": [{"alg": "SHA-256", "content": one["sha256"]}],
            "externalReferences": [{"type": "source-distribution", "url": one["address"]}],
        }
        for one in sources
    ]
    for name, licence in GENERATORS.items():
        purl = f"pkg:pypi/{name.lower()}@{version(name)}"
        found = {"type": "library", "bom-ref": purl, "name": name, "version": version(name), "purl": purl}
        components.append({**found, "licenses": [{"expression": licence}]})
    purl = f"pkg:pypi/fastbatch@{fastbatch}"
    own = {"type": "library", "bom-ref": purl, "name": "fastbatch", "version": fastbatch, "purl": purl}
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": {**own, "licenses": [{"expression": "MIT"}]}},
        "components": components,
        "dependencies": [{"ref": purl, "dependsOn": [one["bom-ref"] for one in components]}],
    }


def write_sbom(dist_info: Path, fastbatch: str) -> None:
    """Write the list into a wheel's .dist-info folder."""
    libraries = os.environ.get("FASTBATCH_LIBRARIES")
    (dist_info / FOLDER).mkdir(exist_ok=True)
    text = json.dumps(sbom(fastbatch, Path(libraries) if libraries else None), indent=1)
    (dist_info / FOLDER / FILE).write_text(text + "\n")
