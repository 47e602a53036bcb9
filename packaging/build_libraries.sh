#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the libraries inside the wheels into one prefix: static, position-independent, from the sources in libraries.tsv.
#   bash packaging/build_libraries.sh PREFIX [CMAKE_OPTIONS...]
# Sources are kept in FASTBATCH_SOURCES (default: PREFIX/src). CMAKE_OPTIONS, as a toolchain file, are for all libraries.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
prefix=${1:?where to install}
shift
options=("$@")
sources=${FASTBATCH_SOURCES:-$prefix/src}
jobs=${FASTBATCH_BUILD_JOBS:-$(nproc 2>/dev/null || sysctl -n hw.ncpu)}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$prefix" "$sources"
prefix=$(cd "$prefix" && { pwd -W 2>/dev/null || pwd; }) # -W, of Git's bash on Windows: with its drive, as CMake wants it
: >"$prefix/sources.tsv"

has_hash() { [[ -f $1 && $(openssl dgst -sha256 -r "$1" | cut -d' ' -f1) == "$2" ]]; }

# fetch NAME: unpacks the library into $work/NAME. A file with another hash than the pinned one is never unpacked.
fetch() {
  local name version licence sha256 address file
  while IFS=$'\t' read -r name version licence sha256 address; do
    [[ $name == "$1" ]] || continue
    file=$sources/$name-$version-${sha256:0:8}.tar.gz
    has_hash "$file" "$sha256" || curl -fsSL --retry 2 --retry-delay 2 --connect-timeout 20 -o "$file" "$address" || continue
    if ! has_hash "$file" "$sha256"; then
      echo "$address: expected SHA-256 $sha256, found $(openssl dgst -sha256 -r "$file" | cut -d' ' -f1)" >&2
      rm -f "$file"
      exit 1
    fi
    mkdir "$work/$name"
    tar -xzf "$file" -C "$work/$name" --strip-components=1
    printf '%s\t' "$name" "$version" "$licence" "$sha256" >>"$prefix/sources.tsv" # for the SBOM
    echo "$address" >>"$prefix/sources.tsv"
    return
  done <"$here/libraries.tsv"
  echo "$1: no address in packaging/libraries.tsv answers" >&2
  exit 3 # unlike a wrong hash, no reason for alarm
}

# configure NAME CMAKE_OPTIONS...
configure() {
  local name=$1
  shift
  cmake -S "$work/$name" -B "$work/$name/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DBUILD_SHARED_LIBS=OFF -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib "${options[@]+"${options[@]}"}" "$@"
}

# build NAME CMAKE_OPTIONS...
build() {
  fetch "$1"
  configure "$@"
  cmake --build "$work/$1/build" --config Release --parallel "$jobs"
  cmake --install "$work/$1/build" --config Release
}

# Of libjpeg-turbo the library alone: its programs take as long again.
fetch libjpeg-turbo
configure libjpeg-turbo -DENABLE_SHARED=OFF -DREQUIRE_SIMD=ON -DWITH_TURBOJPEG=OFF
cmake --build "$work/libjpeg-turbo/build" --config Release --target jpeg-static --parallel "$jobs"
for component in lib include; do cmake --install "$work/libjpeg-turbo/build" --config Release --component "$component"; done

build highway -DHWY_ENABLE_TESTS=OFF -DHWY_ENABLE_EXAMPLES=OFF -DHWY_ENABLE_CONTRIB=OFF
build libdeflate -DLIBDEFLATE_BUILD_SHARED_LIB=OFF -DLIBDEFLATE_BUILD_GZIP=OFF
build libwebp -DWEBP_BUILD_{ANIM_UTILS,CWEBP,DWEBP,EXTRAS,GIF2WEBP,IMG2WEBP,VWEBP,WEBPINFO,WEBPMUX}=OFF

# zlib's CMake files build the shared library and examples too: only the static library's target is built.
fetch zlib
mkdir -p "$work/zlib/win32"
touch "$work/zlib/win32/zlib1.rc" # of the shared library; Debian's tarball lacks it
configure zlib
cmake --build "$work/zlib/build" --config Release --target zlibstatic --parallel "$jobs"
library=$(find "$work/zlib/build" -name 'libz*.a' -o -name 'zlibstatic*.lib' | head -n 1)
suffix=${library##*.}
cp "$library" "$prefix/lib/$([[ $suffix == a ]] && echo libz.a || echo z.lib)"
cp "$work/zlib/zlib.h" "$work/zlib/build/zconf.h" "$prefix/include/"
cat >"$prefix/lib/pkgconfig/zlib.pc" <<PC
Name: zlib
Description: zlib compression library
Version: 1.3.1
Libs: -L$prefix/lib -lz
Cflags: -I$prefix/include
PC
