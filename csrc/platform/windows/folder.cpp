// SPDX-License-Identifier: MIT
#include "platform/folder.h"

#include <cerrno>
#include <memory>

#include "common/error.h"
#include "platform/windows/system.h"

namespace fastbatch {
namespace {

struct Close {
  using pointer = HANDLE;
  void operator()(HANDLE search) const noexcept { ::FindClose(search); }
};

EntryKind kind_of(const WIN32_FIND_DATAW& entry) noexcept {
  const bool is_link = (entry.dwFileAttributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 &&
                       entry.dwReserved0 == IO_REPARSE_TAG_SYMLINK;  // a junction is a folder, as to Python
  if (is_link) return EntryKind::kLink;
  return (entry.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? EntryKind::kFolder : EntryKind::kFile;
}

}  // namespace

std::vector<FolderEntry> folder_entries(const std::string& path) {
  if (path.empty()) throw FileError({path}, ENOENT);  // the pattern below would list the drive
  const bool is_closed = path.ends_with('/') || path.ends_with('\\');
  WIN32_FIND_DATAW entry{};
  const HANDLE search = ::FindFirstFileExW(wide(path + (is_closed ? "*" : "\\*")).c_str(), FindExInfoBasic, &entry,
                                           FindExSearchNameMatch, nullptr, FIND_FIRST_EX_LARGE_FETCH);
  if (search == INVALID_HANDLE_VALUE) {
    const DWORD error = ::GetLastError();
    if (error == ERROR_FILE_NOT_FOUND) return {};  // the root of a drive may be empty, even of `.`
    const DWORD attributes = ::GetFileAttributesW(wide(path).c_str());
    const bool is_file = attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) == 0;
    throw FileError({path}, is_file ? ENOTDIR : errno_of(error));
  }
  const std::unique_ptr<HANDLE, Close> closes(search);
  std::vector<FolderEntry> entries;
  do {
    if (entry.cFileName[0] != L'.') entries.push_back({narrow(entry.cFileName), kind_of(entry)});
  } while (::FindNextFileW(search, &entry) != 0);
  if (const DWORD error = ::GetLastError(); error != ERROR_NO_MORE_FILES) throw FileError({path}, errno_of(error));
  return entries;
}

}  // namespace fastbatch
