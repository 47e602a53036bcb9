# SPDX-License-Identifier: MIT
"""What is built for whom, from which sources: the matrix of wheels, the pinned libraries, the SBOM, the checks."""

import json
import re
import runpy
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGING = ROOT / "packaging"
if not (ROOT / "setup.py").is_file():
    pytest.skip("only in a checkout", allow_module_level=True)
sys.path.insert(0, str(PACKAGING))
import check_wheel  # noqa: E402
import sbom  # noqa: E402

PYTHONS = ["cp310", "cp311", "cp312", "cp313", "cp313t", "cp314", "cp314t"]
SYSTEMS = {
    "linux": ["manylinux_x86_64", "manylinux_aarch64", "musllinux_x86_64", "musllinux_aarch64"],
    "macos": ["macosx_x86_64", "macosx_arm64"],
    "windows": ["win_amd64"],
}
SOURCES = sbom.read_sources(PACKAGING / "libraries.tsv")


@pytest.mark.parametrize("system", SYSTEMS)
def test_cibuildwheel_lists_the_matrix(system):
    program = shutil.which("cibuildwheel") or str(Path(sys.executable).with_name("cibuildwheel"))
    if not Path(program).is_file():
        pytest.skip("cibuildwheel is not installed")
    archs = ",".join(dict.fromkeys(one.partition("_")[2] for one in SYSTEMS[system])).replace("amd64", "AMD64")
    command = [program, "--platform", system, "--archs", archs, "--print-build-identifiers", str(ROOT)]
    found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    assert sorted(found) == sorted(f"{python}-{tag}" for tag in SYSTEMS[system] for python in PYTHONS)


@pytest.mark.skipif(sys.platform == "win32", reason="clang-cl has other flags")
@pytest.mark.parametrize("variable", ["CFLAGS", "CXXFLAGS"])
def test_the_flags_of_the_user_reach_the_cpp_compiler(variable, monkeypatch):
    """Newer versions of setuptools give CFLAGS to C alone: a core "with sanitizers" then had none."""
    setuptools = pytest.importorskip("setuptools")
    pytest.importorskip("pybind11")
    found = {}
    monkeypatch.setattr(setuptools, "setup", lambda **options: found.update(options))
    for name in ("CFLAGS", "CXXFLAGS", "CXX"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "-O1 -g1 -fsanitize=thread '-DTARGETS=(A|B)'")
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sys, "path", [*sys.path])
    runpy.run_path("setup.py")
    flags = found["ext_modules"][0].extra_compile_args
    assert [flag for flag in flags if flag[:2] in ("-O", "-g")][-2:] == ["-O1", "-g1"]  # the last of each counts
    assert {"-fsanitize=thread", "-DTARGETS=(A|B)"} < set(flags)


def test_classifiers_and_workflow_name_what_is_built():
    text = (ROOT / "pyproject.toml").read_text()
    versions = {f"cp{major}{minor}" for major, minor in re.findall(r"Python :: (\d)\.(\d+)\"", text)}
    assert versions == {name.rstrip("t") for name in PYTHONS}
    for system in ("POSIX :: Linux", "MacOS", "Microsoft :: Windows"):
        assert f'"Operating System :: {system}"' in text
    assert '"Programming Language :: Python :: Free Threading :: 2 - Beta"' in text
    assert set(re.search(r'^build = "(.*)"$', text, re.M)[1].split()) == {f"{name}-*" for name in PYTHONS}
    workflow = (ROOT / ".github/workflows/wheels.yml").read_text()
    windows = (ROOT / "pyproject.toml").read_text().partition("[tool.cibuildwheel.windows]")[2].partition("\n[")[0]
    assert "before-all" in windows
    assert not re.search(r"\$|\*\.", windows), "cmd.exe expands neither variables of sh nor patterns"
    for runner in ("ubuntu-24.04", "ubuntu-24.04-arm", "macos-15", "macos-15-intel", "windows-2025"):
        assert re.search(rf"\b{runner}\b", workflow), runner


def test_each_source_is_pinned_and_has_its_licence():
    assert {one["name"] for one in SOURCES} == check_wheel.STATIC
    for name in check_wheel.STATIC:
        rows = [one for one in SOURCES if one["name"] == name]
        assert len({(one["version"], one["licence"]) for one in rows}) == 1
        assert [("debian.org" in one["address"]) for one in rows] == [False, True], "upstream first, then Debian"
        assert (PACKAGING / "licenses" / f"{name}.txt").is_file()
    assert all(re.fullmatch(r"[0-9a-f]{64}", one["sha256"]) for one in SOURCES)
    readme = (PACKAGING / "README.md").read_text()
    assert all(re.search(rf"^\| {one['name']} \| {one['version']} \|", readme, re.M | re.I) for one in SOURCES)


def test_a_source_with_another_hash_is_never_built(tmp_path):
    if not (shutil.which("bash") and shutil.which("openssl") and shutil.which("curl")):
        pytest.skip("needs bash, openssl and curl")
    copy = tmp_path / "packaging"
    copy.mkdir()
    shutil.copy(PACKAGING / "build_libraries.sh", copy)
    wrong = tmp_path / "source.tar.gz"
    wrong.write_bytes(b"not what was pinned")
    row = ["libjpeg-turbo", "1.0", "MIT", "0" * 64, wrong.as_uri()]
    (copy / "libraries.tsv").write_text("\t".join(row) + "\n")
    command = ["bash", str(copy / "build_libraries.sh"), str(tmp_path / "prefix")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"source.tar.gz: expected SHA-256 {'0' * 64}, found " in done.stderr
    assert not list((tmp_path / "prefix/src").iterdir())
    (copy / "libraries.tsv").write_text("\t".join([*row[:-1], (tmp_path / "missing").as_uri()]) + "\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "libjpeg-turbo: no address in packaging/libraries.tsv answers" in done.stderr


def test_the_sbom_names_the_sources_that_were_built(tmp_path, monkeypatch):
    (tmp_path / "sources.tsv").write_text("zlib\t1.3.1\tZlib\t" + "a" * 64 + "\thttps://example.org/zlib.tar.gz\n")
    monkeypatch.setenv("FASTBATCH_LIBRARIES", str(tmp_path))
    sbom.write_sbom(tmp_path, "1.2.3")
    found = json.loads((tmp_path / "sboms/fastbatch.cdx.json").read_text())
    assert (found["bomFormat"], found["metadata"]["component"]["version"]) == ("CycloneDX", "1.2.3")
    components = {one["name"]: one for one in found["components"]}
    assert components["zlib"]["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert components["zlib"]["externalReferences"][0]["url"] == "https://example.org/zlib.tar.gz"
    assert components["Cython"]["version"] == version("Cython")
    assert found["dependencies"][0]["dependsOn"] == [one["bom-ref"] for one in found["components"]]
    monkeypatch.delenv("FASTBATCH_LIBRARIES")
    sbom.write_sbom(tmp_path, "1.2.3")
    assert len(json.loads((tmp_path / "sboms/fastbatch.cdx.json").read_text())["components"]) == 2


def contents(folder, patterns=("**/*",)):
    found = {path for pattern in patterns for path in folder.glob(pattern) if path.is_file()}
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found if "egg-info" not in str(path)}


@pytest.fixture(scope="module")
def trees(tmp_path_factory):
    """A clean copy of the tree, and its source distribution, unpacked."""
    pytest.importorskip("pybind11")
    pytest.importorskip("setuptools")
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip("not a git checkout")
    clean, unpacked = tmp_path_factory.mktemp("clean"), tmp_path_factory.mktemp("unpacked")
    for name in filter(None, done.stdout.split("\0")):
        if (ROOT / name).is_file():
            (clean / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clean / name)
    kept = clean.parent / "dist"
    subprocess.run([sys.executable, "setup.py", "-q", "sdist", "--dist-dir", str(kept)], cwd=clean, check=True)
    (archive,) = kept.glob("*.tar.gz")
    shutil.unpack_archive(archive, unpacked, filter="data")
    (inner,) = unpacked.iterdir()
    return clean, inner


def test_the_sdist_builds_the_same_python_part(trees, tmp_path):
    built = []
    for tree in trees:
        out = tmp_path / tree.name
        subprocess.run([sys.executable, "setup.py", "-q", "build_py", "--build-lib", str(out)], cwd=tree, check=True)
        built.append(contents(out))
    clean, unpacked = built
    assert set(unpacked) == set(clean)
    assert [name for name in clean if unpacked[name] != clean[name]] == []
    assert set(check_wheel.NEEDED) <= set(clean)


def test_the_sdist_compiles_the_same_sources(trees):
    inputs = ["setup.py", "pyproject.toml", "LICENSE", "csrc/**/*.cpp", "csrc/**/*.h", "src/**/*.py[xd]", "src/**/*.h"]
    inputs += ["packaging/*.py", "packaging/*.tsv", "packaging/*.sh", "packaging/licenses/*"]
    clean, unpacked = (contents(tree, inputs) for tree in trees)
    assert set(unpacked) == set(clean)
    assert [name for name in clean if unpacked[name] != clean[name]] == []
    assert len([name for name in clean if name.startswith("csrc/")]) > 100


def wheel(folder, name="fastbatch-0.1.0-cp311-cp311-manylinux_2_28_x86_64", without=(), extra=()):
    info = "fastbatch-0.1.0.dist-info"
    content = dict.fromkeys([*check_wheel.NEEDED, "fastbatch/_core.cpython-311.so", *extra], "")
    content |= {f"{info}/licenses/{one}": "" for one in check_wheel.LICENSES}
    components = [{"name": one} for one in check_wheel.STATIC]
    content[f"{info}/sboms/fastbatch.cdx.json"] = json.dumps({"components": components})
    with zipfile.ZipFile(folder / f"{name}.whl", "w") as archive:
        for path, text in content.items():
            if not any(one in path for one in without):
                archive.writestr(path, text)
    return folder / f"{name}.whl"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"name": "fastbatch-0.1.0-cp311-cp311-linux_x86_64"}, "platform tag: .* found linux_x86_64"),
        ({"without": ["_core.cpython"]}, "extension: expected one fastbatch/_core.*, found \\[\\]"),
        ({"without": ["sboms"]}, "missing: .dist-info/sboms"),
        ({"without": ["zlib.txt"]}, "missing licence text: zlib.txt"),
        ({"without": ["py.typed"]}, "missing: fastbatch/py.typed"),
        ({"extra": ["fastbatch/_words.c"]}, "does not belong in a wheel: fastbatch/_words.c"),
        ({"extra": ["fastbatch.libs/libjpeg-1.so"]}, "bundled libraries: expected none, found \\['libjpeg'\\]"),
    ],
)
def test_a_wheel_that_lacks_something_is_refused(arguments, problem, tmp_path):
    found = check_wheel.problems(wheel(tmp_path, **arguments), is_static=True)
    assert any(re.fullmatch(problem, one) for one in found), found


def test_a_wheel_that_is_too_large_is_refused(tmp_path, monkeypatch):
    path = wheel(tmp_path)
    assert check_wheel.problems(path, is_static=True) == []
    monkeypatch.setattr(check_wheel, "MOST_BYTES", path.stat().st_size)
    assert check_wheel.problems(path, is_static=True)[0].startswith("size: expected less than")


def test_the_only_wheel_of_a_folder_is_checked(tmp_path):
    command = [sys.executable, str(PACKAGING / "check_wheel.py"), "--static", str(tmp_path)]
    path = wheel(tmp_path)
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{path.name}: ")
    path.unlink()
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_wheels_of_all_systems_pass(tmp_path):
    for tag in (
        "musllinux_1_2_aarch64",
        "macosx_11_0_arm64",
        "win_amd64",
        "manylinux_2_27_x86_64.manylinux_2_28_x86_64",
    ):
        assert check_wheel.problems(wheel(tmp_path, f"fastbatch-0.1.0-cp313-cp313t-{tag}"), is_static=True) == [], tag
