// SPDX-License-Identifier: MIT
// The entries of a folder as the operating system lists them. Threads: any.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace fastbatch {

enum class EntryKind : std::uint8_t { kFile, kFolder, kLink };  // kFile: whatever is neither of the others

struct FolderEntry {
  std::string name;  // bytes; on Windows, UTF-8
  EntryKind kind = EntryKind::kFile;
};

// All entries but those whose name begins with a dot, in any order. One pass, without a system call per entry if the
// file system reports their types (most do). Throws FileError.
std::vector<FolderEntry> folder_entries(const std::string& path);

}  // namespace fastbatch
