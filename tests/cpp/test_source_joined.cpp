// SPDX-License-Identifier: MIT
// The samples of several sources, in turn and in any order.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "source/encoded_samples.h"
#include "source/joined_samples.h"

namespace fastbatch {
namespace {

using Sources = std::vector<std::shared_ptr<const SampleSource>>;

std::shared_ptr<const SampleSource> in_memory(const std::string& letters, const std::string& name = "") {
  const auto bytes = std::make_shared<std::vector<std::byte>>();
  for (const char letter : letters) bytes->push_back(static_cast<std::byte>(letter));
  std::vector<std::uint64_t> offsets{0};
  Names names;
  for (std::size_t i = 0; i < letters.size(); ++i) {
    offsets.push_back(i + 1);
    if (!name.empty()) names.add(name + std::to_string(i));
  }
  return std::make_shared<EncodedSamples>(*bytes, std::move(offsets), std::move(names), bytes);
}

std::string all(const JoinedSamples& source) {
  std::string letters;
  ReadBuffer buffer;
  for (std::uint64_t i = 0; i < source.size(); ++i) letters += static_cast<char>(source.read(i, buffer)[0]);
  return letters;
}

TEST_CASE("samples of several sources") {
  const Sources parts{in_memory("ab"), in_memory(""), in_memory("cde", "name")};
  const JoinedSamples source(parts);
  CHECK(all(source) == "abcde");
  CHECK(source.name(3) == "name1");
  CHECK(source.where(3).sample == 3);
  CHECK(source.where(3).path == "name1");
  CHECK(source.where(1).path.empty());
  ReadBuffer buffer;
  CHECK(source.read_head(4, 9, buffer).size() == 1);

  const JoinedSamples chosen(parts, {4, 0, 4});
  CHECK(all(chosen) == "eae");
  CHECK(chosen.where(2).sample == 2);
}

TEST_CASE("orders and parts that do not fit are refused") {
  CHECK_THROWS_AS(JoinedSamples(Sources{}), std::invalid_argument);
  CHECK_THROWS_AS(JoinedSamples({in_memory("ab")}, {2}), std::invalid_argument);
}

}  // namespace
}  // namespace fastbatch
