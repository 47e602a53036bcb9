# SPDX-License-Identifier: MIT
"""Units: files that include several sources of one folder of csrc, so that headers are read once for all of them.

setup.py compiles units, since headers take most of the time of a source. CMake compiles the sources one by one, which
finds forgotten includes. Names in anonymous namespaces and macros must differ within a folder.
"""

import functools
import shlex
from itertools import groupby
from pathlib import Path

MOST = 8  # sources: a change of one compiles its unit again
MOST_KERNELS = 4  # of Highway, which are compiled once per instruction set
HIGHWAY = "<hwy/foreach_target.h>"
# GCC takes the sources for headers, whose types would differ between units.
QUIET = """#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wsubobject-linkage"
#endif"""


def kind_of(source):
    """Return what the sources of a unit have in common: their folder, and whether Highway repeats them."""
    return str(source.parent), HIGHWAY in source.read_text(encoding="utf-8")


def unit_text(name, sources, is_highway):
    """Return the text of the unit `name`. Highway includes the whole unit again for each instruction set."""
    lines = [f'#include "{source.relative_to("csrc").as_posix()}"' for source in sources]
    if is_highway:
        repeat = ["#undef HWY_TARGET_INCLUDE", f'#define HWY_TARGET_INCLUDE "{name}"']
        first = ['#include "kernels/targets.h"', *repeat, f"#include {HIGHWAY}"]
        lines = [*first, *lines, *repeat]  # each source has named itself instead
    return "\n".join([QUIET, *lines, ""])


def write_units(sources, folder):
    """Write the units of `sources` into `folder`, and return their paths. A unit that is as before keeps its time.

    Those of bindings come last: the linker takes an inline function from the first object that has it.
    """
    units = []
    for (parent, is_highway), group in groupby(sorted(sorted(map(Path, sources)), key=kind_of), key=kind_of):
        found = list(group)
        count = -(-len(found) // (MOST_KERNELS if is_highway else MOST))
        for i in range(count):
            kind = "_".join(Path(parent).parts[1:]) + "_highway" * is_highway
            unit = Path(folder, f"unit_{kind}_{i + 1}.cpp")
            text = unit_text(unit.name, found[i * len(found) // count : (i + 1) * len(found) // count], is_highway)
            if not unit.is_file() or unit.read_text(encoding="utf-8") != text:
                unit.parent.mkdir(parents=True, exist_ok=True)
                unit.write_text(text, encoding="utf-8")
            units.append(unit.as_posix())
    return sorted(units, key=is_of_bindings)


def is_of_bindings(unit):
    """Return whether a unit includes bindings, which only convert and call."""
    return Path(unit).name.startswith("unit_bindings")


def compile_one(compile_as_told, obj, source, ext, compiler_args, options, preprocessor_options):
    """Compile a unit; bindings with -O1, which takes two thirds of the time. The user's flags come later, and win."""
    if is_of_bindings(source):
        options = ["-O1" if option == "-O3" else option for option in options]
    return compile_as_told(obj, source, ext, compiler_args, options, preprocessor_options)


def is_stale(obj, source):
    """Return whether an object file is older than its source, a file it includes (-MD) or the files of the build."""
    rule = Path(obj).with_suffix(".d")
    if not (Path(obj).is_file() and rule.is_file()):
        return True
    included = shlex.split(rule.read_text().replace("\\\n", " ").partition(":")[2])
    made = Path(obj).stat().st_mtime
    return any(changed_at(file) > made for file in (source, "setup.py", __file__, *included))


@functools.cache  # most units include the same headers
def changed_at(file):
    """Return when a file was changed; if it is missing, a time after all others."""
    return Path(file).stat().st_mtime if Path(file).is_file() else float("inf")
