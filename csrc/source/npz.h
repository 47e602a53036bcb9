// SPDX-License-Identifier: MIT
// NumPy's .npz files: zip archives of .npy members. Stored members are mapped in place, deflated ones inflated.
// Threads: immutable once built; any thread may open members.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "source/array_view.h"
#include "source/zip.h"

namespace fastbatch {

class NpzFile {
 public:
  explicit NpzFile(const std::string& path);  // throws FileError, FormatError
  explicit NpzFile(std::shared_ptr<const MappedFile> file);

  [[nodiscard]] const std::string& path() const noexcept { return file_->path(); }
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  // The name as in numpy.load(), without ".npy". In the order of the archive; unique.
  [[nodiscard]] const std::string& name(std::size_t i) const noexcept { return names_[i]; }
  // The index of member `name`, with or without ".npy"; empty if there is none.
  [[nodiscard]] std::optional<std::size_t> find(std::string_view name) const noexcept;
  // The array of member `i`. Each call inflates a deflated member again. Throws FormatError `member <name>: ...`.
  [[nodiscard]] ArrayView open(std::size_t i) const;

 private:
  std::shared_ptr<const MappedFile> file_;
  std::vector<ZipMember> members_;
  std::vector<std::string> names_;  // one per member
};

}  // namespace fastbatch
