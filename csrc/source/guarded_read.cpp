// SPDX-License-Identifier: MIT
#include "source/guarded_read.h"

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>

#include "common/error.h"

namespace fastbatch {
namespace {

thread_local constinit ReadTrip* innermost = nullptr;

}  // namespace

ReadTrip* current_trip() noexcept { return innermost; }

ReadTrip::ReadTrip() noexcept : outer_(std::exchange(innermost, this)) { guard_in_series(true); }

ReadTrip::~ReadTrip() {
  innermost = outer_;
  guard_in_series(outer_ != nullptr);
}

bool ReadTrip::note(const std::shared_ptr<const MappedFile>& file, std::uint64_t size) noexcept {
  for (std::size_t i = 0; i < n_seen_; ++i) {
    if (seen_[i].file != file) continue;
    seen_[i].size = std::max(seen_[i].size, size);
    return true;
  }
  if (n_seen_ == kMost) return false;
  seen_[n_seen_++] = {file, size};
  return true;
}

void ReadTrip::check() {
  const std::size_t n = std::exchange(n_seen_, 0);
  for (std::size_t i = 0; i < n; ++i) {
    const Seen seen = std::exchange(seen_[i], Seen{});
    seen.file->require(seen.size);
  }
}

void run_guarded_until_there(const MappedFile& file, std::uint64_t size, void (*call)(void*), void* context) {
  if (run_guarded(file.bytes(), call, context)) return;
  if (!file.space()) throw_lost_page(file, size);
  BlockSpace::Need need(*file.space());
  do {
    need.await(lost_address());
  } while (!run_guarded(file.bytes(), call, context));
}

void throw_lost_page(const MappedFile& file, std::uint64_t size) {
  file.require(size);
  const std::optional<FileStatus> now = file.status_now();
  if (!now || now->modified != file.status().modified) {
    throw FormatError({file.path()}, "file was written anew while in use: expected the " + std::to_string(file.size()) +
                                         " bytes that were mapped, found " +
                                         (now ? std::to_string(now->size) : "another file in its place"));
  }
  throw FileError({file.path()}, EIO);
}

}  // namespace fastbatch
