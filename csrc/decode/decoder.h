// SPDX-License-Identifier: MIT
// The interface of a column of a batch (the images, the labels, ...): decodes samples into their slots. The loader
// knows no formats; a new kind of data is a new Decoder. Threads: a Decoder is immutable once built and used by all
// workers at once; a Workspace belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "common/philox.h"

namespace fastbatch {

// A decoder's state on one thread, reused from sample to sample: codec handles, scratch memory.
class Workspace {
 public:
  virtual ~Workspace() = default;
  std::size_t batch_bytes = 0;  // of the whole batch that the slots belong to; 0 if unknown
};

class Decoder {
 public:
  virtual ~Decoder() = default;

  [[nodiscard]] virtual std::uint64_t size() const noexcept = 0;      // samples in the source
  [[nodiscard]] virtual std::size_t slot_bytes() const noexcept = 0;  // bytes of one sample in the batch
  // Samples in a chunk of about 50 us of work: a worker claims as many at once. At least 1.
  [[nodiscard]] virtual std::size_t chunk_samples() const noexcept = 0;
  // True if a chunk always decodes in about 50 us. The consumer may then decode it itself instead of waiting for a
  // worker.
  [[nodiscard]] virtual bool is_brief() const noexcept { return false; }
  // Whether `key` changes a sample. Otherwise samples of different keys may be decoded together.
  [[nodiscard]] virtual bool uses_key() const noexcept { return true; }
  [[nodiscard]] virtual std::unique_ptr<Workspace> workspace() const { return std::make_unique<Workspace>(); }

  // Fills slots[0, indices.size() * slot_bytes()), in order. Throws Error with file and sample, FileError, bad_alloc.
  // The first failing sample in order is reported; `failed_at` is its index in `indices`.
  virtual void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
                      std::size_t& failed_at) const = 0;

  // As decode(), but indices[j] is the sample of slot places[j]: for samples of which none fails by itself.
  [[nodiscard]] virtual bool can_scatter() const noexcept { return false; }
  virtual void scatter(std::span<const std::uint64_t> /*indices*/, std::span<const std::uint64_t> /*places*/,
                       std::byte* /*slots*/, Workspace& /*workspace*/) const {}

  // Fills the slots of this column and of `next`, sample by sample, if both read the same bytes: contexts of tokens and
  // their targets take a fifth less time than one after the other. False, with nothing filled, otherwise. Throws as
  // decode(), without saying which sample failed, or in which column.
  [[nodiscard]] virtual bool decode_with(const Decoder& /*next*/, std::span<const std::uint64_t> /*indices*/,
                                         std::byte* /*slots*/, std::byte* /*next_slots*/, Workspace& /*workspace*/,
                                         Workspace& /*next_workspace*/) const {
    return false;
  }

  // Fetches a sample into the processor's cache, which will be decoded in about a microsecond. No sample is needed.
  virtual void prefetch(std::uint64_t /*index*/) const noexcept {}

  // Readahead advice to the kernel: these samples will be decoded soon. Returns the bytes that were not in memory; 0 if
  // all were, or if there is nothing to advise.
  [[nodiscard]] virtual std::size_t advise(std::span<const std::uint64_t> /*indices*/) const { return 0; }
};

}  // namespace fastbatch
