// SPDX-License-Identifier: MIT
// Lists a folder: files with given extensions, folders, and other links. One pass over its entries, without a system
// call per entry if the file system reports their types (most do).
#pragma once

#include <string>
#include <vector>

namespace fastbatch {

// Names in the folder, sorted by their bytes, without those that begin with a dot.
struct FolderContent {
  std::vector<std::string> files;    // with the given extensions, including links to anything
  std::vector<std::string> folders;  // without links to folders
  std::vector<std::string> links;    // links with other names
};

// `extensions`: lower case, without the dot ("jpg"); compared without regard to case.
// Throws FileError. Threads: any.
FolderContent list_folder(const std::string& path, const std::vector<std::string>& extensions);

}  // namespace fastbatch
