// SPDX-License-Identifier: MIT
#include "decode/transform_decoder.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include "common/error.h"

namespace fastbatch {

namespace {
constexpr std::size_t kMostCalls = 64;  // the duration of the function is unknown
}

TransformDecoder::TransformDecoder(std::shared_ptr<const Decoder> inner, Slot slot, fastbatch_transform function,
                                   void* user_data)
    : inner_(std::move(inner)), slot_(std::move(slot)), function_(function), user_data_(user_data) {
  if (function_ == nullptr) throw std::invalid_argument("transform: expected a function, found a null pointer");
  std::uint64_t bytes = slot_.itemsize;
  for (const std::int64_t side : slot_.shape) bytes *= static_cast<std::uint64_t>(side);
  if (bytes != inner_->slot_bytes()) {
    throw std::invalid_argument("transform: expected a slot of " + std::to_string(inner_->slot_bytes()) +
                                " bytes, found a shape of " + std::to_string(bytes));
  }
}

std::size_t TransformDecoder::chunk_samples() const noexcept { return std::min(inner_->chunk_samples(), kMostCalls); }

void TransformDecoder::decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots,
                              Workspace& workspace, std::size_t& failed_at) const {
  for (failed_at = 0; failed_at < indices.size(); ++failed_at) {
    std::byte* const slot = slots + failed_at * slot_bytes();
    std::size_t inner_failed_at = 0;
    inner_->decode(indices.subspan(failed_at, 1), key, slot, workspace, inner_failed_at);
    fastbatch_sample sample{.size = sizeof(fastbatch_sample),
                            .data = slot,
                            .itemsize = slot_.itemsize,
                            .type = slot_.type,
                            .ndim = static_cast<std::int64_t>(slot_.shape.size()),
                            .shape = slot_.shape.data(),
                            .index = indices[failed_at],
                            .seed = key.seed,
                            .epoch = key.epoch,
                            .random = 0};
    sample.random = fastbatch_random(&sample, 0);
    if (const int status = function_(&sample, user_data_); status != 0) {
      throw DecodeError({.path = {}, .sample = indices[failed_at]},
                        "the transform failed: expected 0, found " + std::to_string(status));
    }
  }
}

}  // namespace fastbatch
