// SPDX-License-Identifier: MIT
#include "source/copy_elements.h"

#include <array>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>

#include "source/guarded_read.h"

namespace fastbatch {
namespace {

constexpr std::size_t kMaxDimensions = 64;  // as NumPy

// The innermost dimensions that lie in memory without gaps, in the order of the copy.
struct Run {
  std::size_t n_outer;  // dimensions before them
  std::size_t bytes;
};

Run longest_run(const ArrayView& view) {
  Run run{view.shape.size(), view.itemsize};
  while (run.n_outer > 0) {
    const std::size_t d = run.n_outer - 1;
    if (view.shape[d] > 1 && view.strides[d] != static_cast<std::ptrdiff_t>(run.bytes)) break;
    run.bytes *= static_cast<std::size_t>(view.shape[d]);
    --run.n_outer;
  }
  return run;
}

// No local with a destructor: the guard may leave this function by a jump.
void copy_runs(const ArrayView& view, Run run, std::byte* dst) noexcept {
  std::array<std::uint64_t, kMaxDimensions> place{};  // an odometer over the outer dimensions
  const std::byte* src = view.data;
  for (;;) {
    std::memcpy(dst, src, run.bytes);
    dst += run.bytes;
    std::size_t d = run.n_outer;
    for (; d > 0; --d) {
      src += view.strides[d - 1];
      if (++place[d - 1] < view.shape[d - 1]) break;
      src -= static_cast<std::ptrdiff_t>(view.shape[d - 1]) * view.strides[d - 1];
      place[d - 1] = 0;
    }
    if (d == 0) return;
  }
}

}  // namespace

void copy_elements(const ArrayView& view, std::byte* dst) {
  if (view.shape.size() > kMaxDimensions)
    throw std::invalid_argument("expected at most 64 dimensions, found " + std::to_string(view.shape.size()));
  if (view.n_elements() == 0) return;
  const Run run = longest_run(view);
  read_guarded(view, [&]() noexcept { copy_runs(view, run, dst); });
}

}  // namespace fastbatch
