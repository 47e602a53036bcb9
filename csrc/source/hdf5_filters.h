// SPDX-License-Identifier: MIT
// The filters through which HDF5 passes each chunk, in the direction of reading. Threads: any; no state.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace fastbatch {

enum class Hdf5Filter : std::uint8_t {
  kDeflate,     // zlib
  kShuffle,     // the first bytes of all elements, then the second ones, ...
  kFletcher32,  // a checksum behind the data
  kLzf,         // liblzf, as h5py has it
};

// Undoes the filters, the last one first, and leaves `n_bytes` in `chunk`. `mask`: bit i is set where filter i was not
// applied. `scratch` is reused memory. Throws DecodeError without a place, also if anything but `n_bytes` comes out.
// At most one filter compresses: std::invalid_argument otherwise.
void undo_filters(std::span<const Hdf5Filter> filters, std::uint32_t mask, std::size_t itemsize, std::size_t n_bytes,
                  std::vector<std::byte>& chunk, std::vector<std::byte>& scratch);

// HDF5's variant of Fletcher's checksum, of big-endian words of 16 bits.
std::uint32_t fletcher32(std::span<const std::byte> bytes) noexcept;

}  // namespace fastbatch
