// SPDX-License-Identifier: MIT
#include "source/source.h"

namespace fastbatch {

std::span<std::byte> ReadBuffer::make_room(std::size_t size) {
  constexpr std::size_t kAlwaysKept = std::size_t{1} << 20;
  constexpr std::size_t kSmallReadsBeforeShrinking = 64;
  if (size > capacity_ || capacity_ == 0) {
    // A quarter more than requested: slowly growing sizes would otherwise reallocate each time.
    replace(size + size / 4);
  } else if (capacity_ <= kAlwaysKept || size > capacity_ / 4) {
    n_small_ = largest_small_ = 0;
  } else {
    largest_small_ = std::max(largest_small_, size);
    if (++n_small_ >= kSmallReadsBeforeShrinking) replace(largest_small_ + largest_small_ / 4);
  }
  return {memory_.get(), size};
}

void ReadBuffer::replace(std::size_t wanted) {
  constexpr std::size_t kStep = std::size_t{64} << 10;
  const std::size_t room = (wanted / kStep + 1) * kStep;
  memory_.reset();
  capacity_ = 0;
  memory_ = std::make_unique_for_overwrite<std::byte[]>(room);
  capacity_ = room;
  n_small_ = largest_small_ = 0;
}

}  // namespace fastbatch
