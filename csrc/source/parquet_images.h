// SPDX-License-Identifier: MIT
// Row groups of encoded images, read without pyarrow, which copies every image several times on its way. What is not
// read here, and all damage, is left to another source, whose chunks are the same and whose errors count.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "platform/file.h"
#include "source/chunk_cache.h"
#include "source/parquet_pages.h"

namespace fastbatch {

// Of each column, a chunk has two fields: the begin and the end of each image in the next field (uint64, two a row),
// and the bytes of all (uint8). Threads: any. Files are open while they are read.
class ParquetImages : public ChunkSource {
 public:
  struct File {
    std::string path;
    FileStatus status;  // when its footer was read
  };
  struct Pages {
    std::uint64_t begin = 0;     // in the file
    std::uint64_t packed = 0;    // bytes there
    std::uint64_t unpacked = 0;  // bytes, as the footer says
    ParquetColumn column;
  };
  struct Group {
    std::uint64_t file = 0;
    std::uint64_t n_rows = 0;
    std::vector<Pages> columns;
  };

  // `most_bytes`: of a group. Throws std::invalid_argument for a group whose file is not there.
  ParquetImages(std::shared_ptr<const ChunkSource> other, std::vector<File> files, std::vector<Group> groups,
                std::uint64_t most_bytes);
  ~ParquetImages() override;
  ParquetImages(const ParquetImages&) = delete;
  ParquetImages& operator=(const ParquetImages&) = delete;

  [[nodiscard]] Chunk load(std::uint64_t k) const override;

 private:
  class Memory;
  [[nodiscard]] bool read(const Group& group, Chunk& chunk) const;

  const std::shared_ptr<const ChunkSource> other_;
  const std::vector<File> files_;
  const std::vector<Group> groups_;
  const std::uint64_t most_bytes_;
  const std::shared_ptr<Memory> memory_;
};

}  // namespace fastbatch
