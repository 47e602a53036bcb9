// SPDX-License-Identifier: MIT
#include "platform/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>
#include <memory>

#include "common/error.h"

namespace fastbatch {
namespace {

struct Close {
  void operator()(DIR* folder) const noexcept { closedir(folder); }
};

EntryKind kind_of(DIR* folder, const dirent& entry) {
  switch (entry.d_type) {
    case DT_DIR: return EntryKind::kFolder;
    case DT_LNK: return EntryKind::kLink;
    case DT_UNKNOWN: {  // the file system does not report types
      struct stat status{};
      if (fstatat(dirfd(folder), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return EntryKind::kFile;
      if (S_ISDIR(status.st_mode)) return EntryKind::kFolder;
      return S_ISLNK(status.st_mode) ? EntryKind::kLink : EntryKind::kFile;
    }
    default: return EntryKind::kFile;
  }
}

}  // namespace

std::vector<FolderEntry> folder_entries(const std::string& path) {
  const std::unique_ptr<DIR, Close> folder(opendir(path.c_str()));
  if (!folder) throw FileError({path}, errno);
  std::vector<FolderEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] != '.') entries.push_back({entry->d_name, kind_of(folder.get(), *entry)});
  }
  if (errno != 0) throw FileError({path}, errno);
  return entries;
}

}  // namespace fastbatch
