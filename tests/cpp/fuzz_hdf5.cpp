// SPDX-License-Identifier: MIT
// Any bytes as a chunk of HDF5: DecodeError, or exactly as many bytes as the chunk has. The first three bytes choose
// the filters, the mask and the size.
#include <cstdlib>

#include "common/error.h"
#include "source/hdf5_filters.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace fastbatch;
  if (size < 3) return 0;
  std::vector<Hdf5Filter> filters;
  if ((data[0] & 1U) != 0) filters.push_back(Hdf5Filter::kShuffle);
  if ((data[0] & 2U) != 0) filters.push_back(Hdf5Filter::kFletcher32);
  if ((data[0] & 4U) != 0) filters.push_back((data[0] & 8U) != 0 ? Hdf5Filter::kLzf : Hdf5Filter::kDeflate);
  if ((data[0] & 16U) != 0) filters.push_back(Hdf5Filter::kFletcher32);
  const std::size_t itemsize = 1 + (data[0] >> 5U);
  const std::size_t n_bytes = data[2] * itemsize;
  const auto* const bytes = reinterpret_cast<const std::byte*>(data);
  std::vector<std::byte> chunk(bytes + 3, bytes + size);
  std::vector<std::byte> scratch;
  try {
    undo_filters(filters, data[1], itemsize, n_bytes, chunk, scratch);
    if (chunk.size() != n_bytes) std::abort();
  } catch (const DecodeError& error) {
    if (error.message().empty()) std::abort();
  }
  return 0;
}
