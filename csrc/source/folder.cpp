// SPDX-License-Identifier: MIT
#include "source/folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string_view>

#include "common/error.h"

namespace fastbatch {
namespace {

struct Close {
  void operator()(DIR* folder) const noexcept { closedir(folder); }
};

enum class Kind { kFile, kFolder, kLink };

Kind kind_of(DIR* folder, const dirent& entry) {
  switch (entry.d_type) {
    case DT_DIR: return Kind::kFolder;
    case DT_LNK: return Kind::kLink;
    case DT_UNKNOWN: {  // the file system does not report types
      struct stat status{};
      if (fstatat(dirfd(folder), entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return Kind::kFile;
      return S_ISDIR(status.st_mode) ? Kind::kFolder : S_ISLNK(status.st_mode) ? Kind::kLink : Kind::kFile;
    }
    default: return Kind::kFile;
  }
}

char lower(char letter) { return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter + ('a' - 'A')) : letter; }

bool has_extension(std::string_view name, const std::vector<std::string>& extensions) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return false;
  const std::string_view end = name.substr(dot + 1);
  return std::ranges::any_of(extensions, [end](std::string_view extension) {
    return end.size() == extension.size() &&
           std::equal(end.begin(), end.end(), extension.begin(), [](char a, char b) { return lower(a) == b; });
  });
}

}  // namespace

FolderContent list_folder(const std::string& path, const std::vector<std::string>& extensions) {
  const std::unique_ptr<DIR, Close> folder(opendir(path.c_str()));
  if (!folder) throw FileError({path}, errno);
  FolderContent content;
  for (;;) {
    errno = 0;
    const dirent* entry = readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name.starts_with('.')) continue;
    const Kind kind = kind_of(folder.get(), *entry);
    if (kind == Kind::kFolder) {
      content.folders.emplace_back(name);
    } else if (has_extension(name, extensions)) {
      content.files.emplace_back(name);
    } else if (kind == Kind::kLink) {
      content.links.emplace_back(name);
    }
  }
  if (errno != 0) throw FileError({path}, errno);
  std::ranges::sort(content.files);
  std::ranges::sort(content.folders);
  std::ranges::sort(content.links);
  return content;
}

}  // namespace fastbatch
