// SPDX-License-Identifier: MIT
// Samples that are ranges of mapped files, such as objects in a store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "source/mapped_file.h"
#include "source/names.h"
#include "source/source.h"

namespace fastbatch {

// Threads: immutable, any.
class MappedSamples : public SampleSource {
 public:
  struct Range {
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t file = 0;  // index into the files
  };

  // `names`: one per range, within its file; or whole ones, if files have no paths. Throws std::invalid_argument if the
  // lengths differ, or a range lies outside of its file.
  MappedSamples(std::vector<std::shared_ptr<const MappedFile>> files, std::vector<Range> ranges, Names names);

  [[nodiscard]] std::uint64_t size() const noexcept override { return ranges_.size(); }
  std::span<const std::byte> read(std::uint64_t i, ReadBuffer& buffer) const override;
  std::span<const std::byte> read_head(std::uint64_t i, std::size_t n, ReadBuffer& buffer) const override;
  [[nodiscard]] std::string name(std::uint64_t i) const override;
  [[nodiscard]] std::size_t advise(std::span<const std::uint64_t> indices) const override;

 private:
  std::span<const std::byte> read_first(std::uint64_t i, std::uint64_t size, ReadBuffer& buffer) const;

  std::vector<std::shared_ptr<const MappedFile>> files_;
  std::vector<Range> ranges_;
  Names names_;
};

}  // namespace fastbatch
