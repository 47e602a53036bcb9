// SPDX-License-Identifier: MIT
// The user's function is told what it needs to know, and its failures are those of its sample.
#include <doctest/doctest.h>

#include <cstring>
#include <vector>

#include "common/philox.h"
#include "decode/transform_decoder.h"
#include "number_decoder.h"

using namespace fastbatch;

namespace {

constexpr std::uint64_t kRefused = 7;

int check_and_double(fastbatch_sample* sample, void* user_data) {
  std::uint64_t value = 0;
  std::memcpy(&value, sample->data, sizeof value);
  if (value != sample->index || sample->size != sizeof *sample) return -1;
  if (sample->type != 'L' || sample->itemsize != 8 || sample->ndim != 1 || sample->shape[0] != 1) return -2;
  if (value == kRefused) return 3;
  value = value * 2 + *static_cast<std::uint64_t*>(user_data);
  std::memcpy(sample->data, &value, sizeof value);
  return 0;
}

}  // namespace

TEST_CASE("each slot is filled and then transformed in place") {
  std::uint64_t offset = 100;
  const TransformDecoder decoder(std::make_shared<NumberDecoder>(20), {8, 'L', {1}}, check_and_double, &offset);
  const std::vector<std::uint64_t> indices{3, 1, 4, 1, 5};
  std::vector<std::uint64_t> values(indices.size());
  std::size_t failed_at = 0;
  decoder.decode(indices, {}, reinterpret_cast<std::byte*>(values.data()), *decoder.workspace(), failed_at);
  CHECK(values == std::vector<std::uint64_t>{106, 102, 108, 102, 110});
  CHECK(decoder.size() == 20);
  CHECK(decoder.slot_bytes() == 8);
}

TEST_CASE("a function that does not return 0 names the sample; what came before is done") {
  std::uint64_t offset = 0;
  const auto broken = std::make_shared<NumberDecoder>(20, 4, std::set<std::uint64_t>{9});
  const TransformDecoder decoder(broken, {8, 'L', {1}}, check_and_double, &offset);
  std::vector<std::uint64_t> values(3);
  auto* slots = reinterpret_cast<std::byte*>(values.data());
  std::size_t failed_at = 0;
  CHECK_THROWS_WITH_AS(
      decoder.decode(std::vector<std::uint64_t>{2, kRefused, 9}, {}, slots, *decoder.workspace(), failed_at),
      "sample 7: the transform failed: expected 0, found 3", DecodeError);
  CHECK(failed_at == 1);
  CHECK(values[0] == 4);
  CHECK_THROWS_WITH_AS(decoder.decode(std::vector<std::uint64_t>{2, 3, 9}, {}, slots, *decoder.workspace(), failed_at),
                       "numbers: sample 9: broken", DecodeError);
  CHECK(failed_at == 2);
  CHECK(values[1] == 6);
}

TEST_CASE("the header's random numbers are the core's") {
  fastbatch_sample sample{};
  sample.seed = 5;
  sample.epoch = 6;
  sample.index = 7;
  Stream stream(5, 6, 7, Operation::kUser);
  for (std::uint64_t i = 0; i < 9; ++i) CHECK(fastbatch_random(&sample, i) == stream.next());
  Stream again(5, 6, 7, Operation::kUser);
  for (std::uint64_t i = 0; i < 9; ++i) CHECK(fastbatch_uniform(&sample, i) == again.uniform());
}

TEST_CASE("what cannot be called is refused") {
  const auto inner = std::make_shared<NumberDecoder>(20);
  CHECK_THROWS_AS(TransformDecoder(inner, {8, 'L', {1}}, nullptr, nullptr), std::invalid_argument);
  CHECK_THROWS_AS(TransformDecoder(inner, {8, 'L', {2}}, check_and_double, nullptr), std::invalid_argument);
}
