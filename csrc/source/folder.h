// SPDX-License-Identifier: MIT
// Lists a folder: files of some extensions, folders, and other links. One pass over its entries, without a system call
// for each where the file system tells kinds apart (most do).
#pragma once

#include <string>
#include <vector>

namespace fastbatch {

// Names inside the folder, sorted by their bytes. Those that begin with a dot are left out.
struct FolderContent {
  std::vector<std::string> files;    // of the wanted kinds, and links of such names, wherever they lead
  std::vector<std::string> folders;  // not links to them
  std::vector<std::string> links;    // of other names
};

// `extensions` are in lower case, without the dot ("jpg"); those of the files may be in any case.
// Throws FileError. Threads: any.
FolderContent list_folder(const std::string& path, const std::vector<std::string>& extensions);

}  // namespace fastbatch
