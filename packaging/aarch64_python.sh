#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Unpacks Debian's Python for 64-bit Arm into a folder; its usr/bin/python runs it under qemu-aarch64-static.
#   bash packaging/aarch64_python.sh ROOT
# Nothing is installed into the system, and root is not needed. This Python starts itself, makes environments, and starts
# programs of this machine, as its cross compilers.
set -euo pipefail

root=$1
state=$root.apt
rm -rf "$root" "$root.partial" "$state"
mkdir -p "$state"/{lists/partial,cache/archives/partial,debs} "$root.partial"
: >"$state/status" # nothing is installed: the closure is complete
apt=(-qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "APT::Sandbox::User=$(id -un)"
  -o "Dir::State=$state" -o "Dir::State::lists=$state/lists" -o "Dir::State::status=$state/status" -o "Dir::Cache=$state/cache")
apt-get "${apt[@]}" update || true # a source of packages may have none for arm64
closure=$(apt-get "${apt[@]}" -s install --no-install-recommends python3-minimal libpython3-stdlib libstdc++6 |
  sed -n 's/^Inst \([^ ]*\).*/\1/p')
if [[ -z $closure ]]; then
  echo "the sources of packages have no Python for arm64" >&2
  exit 3
fi
# Its headers, without the C library's, which the cross compiler has.
# shellcheck disable=SC2086  # a list of words
(cd "$state/debs" && apt-get "${apt[@]}" download $closure "$(grep -o 'libpython3\.[0-9]*' <<<"$closure" | head -n 1)-dev")
for file in "$state"/debs/*.deb; do dpkg-deb -x "$file" "$root.partial"; done
# The folder of its headers is recorded with its full name.
sed -i "s|'/usr/include/python3|'$root/usr/include/python3|" "$root.partial"/usr/lib/python3*/_sysconfigdata_*.py
# Its own name is this script, so that it starts itself again without the kernel's help.
version=$(readlink "$root.partial/usr/bin/python3")
cat >"$root.partial/usr/bin/python" <<SH
#!/bin/sh
exec qemu-aarch64-static -L "$root" -0 "\$0" "$root/usr/bin/$version" "\$@"
SH
chmod +x "$root.partial/usr/bin/python"
mv "$root.partial" "$root"
rm -rf "$state"
