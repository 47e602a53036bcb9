#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the libraries inside the wheels into one prefix: static, position-independent, from pinned tarballs.
#   bash packaging/build_libraries.sh PREFIX [FOLDER_WITH_TARBALLS]
set -euo pipefail

prefix=${1:?where to install}
tarballs=$(realpath -m "${2:-$prefix/src}")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$prefix" "$tarballs"

# fetch NAME SHA256 URL: downloads the file if it is missing; a file with another hash is rejected.
fetch() {
  local file=$tarballs/$1
  [[ -f $file ]] || curl -fsSL --retry 5 --retry-delay 2 -o "$file" "$3"
  if ! echo "$2  $file" | sha256sum --check --status; then
    echo "$1: expected SHA-256 $2, found $(sha256sum "$file" | cut -d' ' -f1)" >&2
    rm -f "$file"
    exit 1
  fi
  mkdir "$work/${1%.tar.gz}"
  tar -xzf "$file" -C "$work/${1%.tar.gz}" --strip-components=1
}

# build NAME CMAKE_OPTIONS...
build() {
  local name=$1
  shift
  cmake -S "$work/$name" -B "$work/$name/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    -DBUILD_SHARED_LIBS=OFF -DCMAKE_INSTALL_PREFIX="$prefix" -DCMAKE_INSTALL_LIBDIR=lib "$@"
  cmake --build "$work/$name/build" --parallel "$(nproc)"
  cmake --install "$work/$name/build"
}

fetch libjpeg-turbo-3.1.2.tar.gz 8f0012234b464ce50890c490f18194f913a7b1f4e6a03d6644179fa0f867d0cf \
  https://github.com/libjpeg-turbo/libjpeg-turbo/releases/download/3.1.2/libjpeg-turbo-3.1.2.tar.gz
fetch zlib-1.3.1.tar.gz 9a93b2b7dfdac77ceba5a558a580e74667dd6fede4585b91eefb60f03b72df23 \
  https://github.com/madler/zlib/releases/download/v1.3.1/zlib-1.3.1.tar.gz
fetch highway-1.3.0.tar.gz 07b3c1ba2c1096878a85a31a5b9b3757427af963b1141ca904db2f9f4afe0bc2 \
  https://github.com/google/highway/archive/refs/tags/1.3.0.tar.gz
fetch libdeflate-1.23.tar.gz 1ab18349b9fb0ce8a0ca4116bded725be7dcbfa709e19f6f983d99df1fb8b25f \
  https://github.com/ebiggers/libdeflate/archive/refs/tags/v1.23.tar.gz
fetch libwebp-1.5.0.tar.gz 7d6fab70cf844bf6769077bd5d7a74893f8ffd4dfb42861745750c63c2a5c92c \
  https://storage.googleapis.com/downloads.webmproject.org/releases/webp/libwebp-1.5.0.tar.gz

build libjpeg-turbo-3.1.2 -DENABLE_SHARED=OFF -DREQUIRE_SIMD=ON -DWITH_TURBOJPEG=OFF
build highway-1.3.0 -DHWY_ENABLE_TESTS=OFF -DHWY_ENABLE_EXAMPLES=OFF -DHWY_ENABLE_CONTRIB=OFF
build libdeflate-1.23 -DLIBDEFLATE_BUILD_SHARED_LIB=OFF -DLIBDEFLATE_BUILD_GZIP=OFF
build libwebp-1.5.0 -DWEBP_BUILD_{ANIM_UTILS,CWEBP,DWEBP,EXTRAS,GIF2WEBP,IMG2WEBP,VWEBP,WEBPINFO,WEBPMUX}=OFF

# zlib's own configure: its CMake files build the shared library too, which the linker would prefer.
(
  cd "$work/zlib-1.3.1"
  CFLAGS="-O3 -fPIC" ./configure --static --prefix="$prefix"
  make -j "$(nproc)" libz.a
  make install
)
