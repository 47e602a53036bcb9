// SPDX-License-Identifier: MIT
// Reads of mapped files, and what they complain about.
#pragma once

#include <functional>
#include <span>
#include <string>

#include "common/error.h"
#include "source/guarded_read.h"

namespace fastbatch::testing {

inline const auto kPage = static_cast<std::size_t>(page_bytes());

inline int error_code(const std::function<void()>& open) {
  try {
    open();
  } catch (const FileError& error) {
    return error.code();
  }
  return 0;
}

inline std::string complaint(const std::function<void()>& read) {
  try {
    read();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

// Reads a byte of each page; not optimised away.
inline void read_pages(std::span<const std::byte> bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size(); i += kPage) {
    [[maybe_unused]] const auto seen = *const_cast<const volatile std::byte*>(&bytes[i]);
  }
}

inline void read_all(const MappedFile& file) {
  read_guarded(file, file.size(), [bytes = file.bytes()]() noexcept { read_pages(bytes); });
}

}  // namespace fastbatch::testing
