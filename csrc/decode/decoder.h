// SPDX-License-Identifier: MIT
// One column of a batch (the images, the labels, ...): how the bytes of a sample get into its slot.
// The loader knows nothing else of formats; a new kind of data is a new Decoder.
// Threads: a Decoder is immutable once built and used by all workers at once; a Workspace belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "common/philox.h"

namespace fastbatch {

// What a decoder keeps from one sample to the next on one thread: codec handles, scratch memory.
class Workspace {
 public:
  virtual ~Workspace() = default;
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;      // samples in the source
  [[nodiscard]] virtual std::size_t slot_bytes() const noexcept = 0;  // bytes of one sample in the batch
  // About how many samples are worth one trip to the scheduler (some 50 microseconds of work); at least 1.
  [[nodiscard]] virtual std::size_t chunk_samples() const noexcept = 0;
  // Whether so many never take much longer than that: then whoever waits for them may as well make them.
  [[nodiscard]] virtual bool is_brief() const noexcept { return false; }
  [[nodiscard]] virtual std::unique_ptr<Workspace> workspace() const { return std::make_unique<Workspace>(); }

  // Fills slots[0, indices.size() * slot_bytes()), in order. Throws Error naming file and sample, FileError, bad_alloc;
  // the first failing sample in order is the one reported, and `failed_at` is its place in `indices`.
  virtual void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                      std::size_t& failed_at) const = 0;

  // Tells the kernel that these samples come soon. Returns how many bytes were not yet in memory; 0 means advice is
  // idle here.
  [[nodiscard]] virtual std::size_t advise(std::span<const std::uint64_t> /*indices*/) const { return 0; }
};

}  // namespace fastbatch
