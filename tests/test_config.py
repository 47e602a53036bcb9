# SPDX-License-Identifier: MIT
"""`show_config`: true facts, on both implementations, printed or as a dict."""

import os
import subprocess
import sys

import numpy as np
import pytest

import fastbatch
from fastbatch import _core


@pytest.mark.parametrize("mode", ["json", "", None, 3])
def test_another_mode_is_refused(api, mode):
    with pytest.raises(ValueError, match="mode: expected one of stdout, dict, found"):
        api.show_config(mode)


def test_what_is_printed_is_what_is_returned(api, capsys):
    sections = api.show_config(mode="dict")
    assert capsys.readouterr().out == ""
    assert api.show_config() is None
    lines = [f"{title}:\n" + "".join(f"  {k}: {v}\n" for k, v in facts.items()) for title, facts in sections.items()]
    assert capsys.readouterr().out == "".join(lines)
    assert list(sections) == ["versions", "build", "libraries", "simd", "threads"]


def test_versions_are_those_of_the_process(api):
    versions = api.show_config(mode="dict")["versions"]
    assert versions["fastbatch"] == fastbatch.__version__
    assert versions["NumPy"] == np.__version__
    assert sys.version.split()[0] in versions["Python"]
    assert sys.platform in versions["Python"]


def test_the_core_names_its_libraries_and_instruction_sets():
    config = fastbatch.show_config(mode="dict")
    assert list(config["libraries"]) == ["libjpeg-turbo", "libwebp", "libdeflate", "zlib", "highway"]
    assert all(version[0].isdigit() and "." in version for version in config["libraries"].values())
    assert config["build"]["core"] == _core.__file__
    assert config["simd"]["in use"].split(" ")[0] == _core.active_target()
    assert int(config["threads"]["CPUs of this process"]) == _core.available_cpus()


def test_a_narrowed_instruction_set_is_named():
    code = "import fastbatch; print(fastbatch.show_config(mode='dict')['simd']['in use'])"
    environment = {**os.environ, "FASTBATCH_SIMD": "scalar"}
    found = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert found.stdout == "scalar (FASTBATCH_SIMD=scalar)\n"


def test_plain_python_names_pillow_or_its_absence(monkeypatch):
    import PIL

    import fastbatch.pure

    libraries = fastbatch.pure.show_config(mode="dict")["libraries"]
    assert libraries["Pillow"] == PIL.__version__
    assert libraries["libwebp"][0].isdigit()
    monkeypatch.setitem(sys.modules, "PIL", None)
    assert fastbatch.pure.show_config(mode="dict")["libraries"] == {"Pillow": "not installed"}
