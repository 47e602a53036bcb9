// SPDX-License-Identifier: MIT
// Counter-based random numbers: Philox4x64-10. Equal to the numbers of NumPy's
//   np.random.Philox(key=[seed, epoch], counter=[0, index, purpose, operation]).random_raw()
// Reference: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
// Threads: a Stream is a value, one thread at a time. Construction is free; a block is computed at its first draw.
#pragma once

#include <array>
#include <cstdint>

namespace fastbatch {

// The purpose of a stream: separates the streams of the same seed, epoch and index.
enum class Purpose : std::uint64_t {
  kSample = 0,      // index = the sample's index in the source
  kEpochOrder = 1,  // index = 0 for the epoch's permutation, 1 + window for the permutations inside a block shuffle
  kSplit = 2,       // a split into training and validation data; epoch = 0
  kDraw = 3,        // weighted sampling; index = 0, draw p is for position p of the epoch
  kBatch = 4,       // draws of the user's functions for a batch; index = position (Python only)
  kBucket = 5,      // the permutation of the documents of a bucket; index = the bucket
};

// The random operations on a sample. Each has its own stream, so that a new operation, or a new draw in one, does not
// change the others.
enum class Operation : std::uint64_t {
  kFlip = 0,
  kVerticalFlip = 1,
  kCrop = 2,
  kAffine = 3,
  kBrightness = 4,
  kContrast = 5,
  kSaturation = 6,
  kHue = 7,
  kChannelShift = 8,
  kErase = 9,
  kMix = 10,      // MixUp and CutMix; index = the batch's first sample
  kReplace = 11,  // replacement of a bad sample
  kUser = 12,     // draws of a user's transform
};

// High and low half of a * b.
struct Product {
  std::uint64_t high, low;
};

constexpr Product multiply_wide(std::uint64_t a, std::uint64_t b) noexcept {
  __extension__ typedef unsigned __int128 Wide;
  const Wide product = static_cast<Wide>(a) * b;
  return {static_cast<std::uint64_t>(product >> 64), static_cast<std::uint64_t>(product)};
}

constexpr std::array<std::uint64_t, 4> philox4x64(std::array<std::uint64_t, 4> counter,
                                                  std::array<std::uint64_t, 2> key) noexcept {
  for (int round = 0; round < 10; ++round) {
    const Product even = multiply_wide(0xD2E7470EE14C6C93u, counter[0]);
    const Product odd = multiply_wide(0xCA5A826395121157u, counter[2]);
    counter = {odd.high ^ counter[1] ^ key[0], odd.low, even.high ^ counter[3] ^ key[1], even.low};
    key[0] += 0x9E3779B97F4A7C15u;
    key[1] += 0xBB67AE8584CAA73Bu;
  }
  return counter;
}

// The key of the random streams of one epoch.
struct StreamKey {
  std::uint64_t seed = 0;
  std::uint64_t epoch = 0;
};

class Stream {
 public:
  constexpr Stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t index, Purpose purpose = Purpose::kSample,
                   Operation operation = Operation::kFlip) noexcept
      : seed_(seed), epoch_(epoch), index_(index), purpose_(purpose), operation_(operation) {}

  constexpr Stream(std::uint64_t seed, std::uint64_t epoch, std::uint64_t index, Operation operation) noexcept
      : Stream(seed, epoch, index, Purpose::kSample, operation) {}

  constexpr Stream(StreamKey key, std::uint64_t index, Operation operation) noexcept
      : Stream(key.seed, key.epoch, index, operation) {}

  constexpr std::uint64_t next() noexcept {
    const std::uint64_t place = drawn_++ % 4;
    if (place == 0) {
      // NumPy increments the counter before it computes a block, so the first block is number 1.
      block_ = philox4x64(
          {drawn_ / 4 + 1, index_, static_cast<std::uint64_t>(purpose_), static_cast<std::uint64_t>(operation_)},
          {seed_, epoch_});
    }
    return block_[place];
  }

  // Number i of the stream, independent of earlier draws.
  [[nodiscard]] constexpr std::uint64_t at(std::uint64_t i) const noexcept {
    return philox4x64({i / 4 + 1, index_, static_cast<std::uint64_t>(purpose_), static_cast<std::uint64_t>(operation_)},
                      {seed_, epoch_})[i % 4];
  }

  // In [0, 1), a multiple of 2^-53, as np.random.Generator.random().
  constexpr double uniform() noexcept { return static_cast<double>(next() >> 11) * 0x1p-53; }

  // In [0, n), n > 0: the high half of next() * n. Always one draw; the bias is at most n / 2^64.
  constexpr std::uint64_t below(std::uint64_t n) noexcept { return multiply_wide(next(), n).high; }

 private:
  std::uint64_t seed_, epoch_, index_;
  Purpose purpose_;
  Operation operation_;
  std::uint64_t drawn_ = 0;
  std::array<std::uint64_t, 4> block_{};
};

}  // namespace fastbatch
