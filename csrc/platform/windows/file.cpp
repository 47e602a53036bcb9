// SPDX-License-Identifier: MIT
#include "platform/file.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "common/error.h"
#include "platform/windows/system.h"

namespace fastbatch {
namespace {

HANDLE native(FileHandle file) noexcept { return reinterpret_cast<HANDLE>(file); }

// Others may write, rename and delete the file meanwhile, as on POSIX.
HANDLE open_any(const std::wstring& path, DWORD access, DWORD flags) noexcept {
  return ::CreateFileW(path.c_str(), access, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                       OPEN_EXISTING, flags, nullptr);
}

// 0 or an error code. Volume and file index are those of os.stat(), of which Python hands over the lowest 32 and 64
// bits.
DWORD ask(HANDLE file, FileStatus& status) noexcept {
  BY_HANDLE_FILE_INFORMATION about{};
  if (::GetFileInformationByHandle(file, &about) == 0) return ::GetLastError();
  constexpr std::int64_t kFrom1601To1970 = 116'444'736'000'000'000;  // in units of 100 ns
  constexpr std::int64_t kPerSecond = 10'000'000;
  const auto written = static_cast<std::int64_t>(std::uint64_t{about.ftLastWriteTime.dwHighDateTime} << 32U |
                                                 about.ftLastWriteTime.dwLowDateTime) -
                       kFrom1601To1970;
  const std::int64_t seconds = (written - (written < 0 ? kPerSecond - 1 : 0)) / kPerSecond;
  status.size = std::uint64_t{about.nFileSizeHigh} << 32U | about.nFileSizeLow;
  status.modified = {seconds, (written - seconds * kPerSecond) * 100};
  status.device = about.dwVolumeSerialNumber;
  status.inode = std::uint64_t{about.nFileIndexHigh} << 32U | about.nFileIndexLow;
  FILE_ID_INFO id{};
  if (::GetFileInformationByHandleEx(file, FileIdInfo, &id, sizeof id) != 0) {
    std::memcpy(&status.inode, &id.FileId, sizeof status.inode);  // differs from the index above on ReFS
  }
  return 0;
}

bool is_folder(const std::wstring& path) noexcept {
  const DWORD attributes = ::GetFileAttributesW(path.c_str());
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
}

}  // namespace

FileHandle open_file(const std::string& path, FileStatus& status) {
  const std::wstring name = wide(path);
  const HANDLE file = open_any(name, GENERIC_READ, FILE_ATTRIBUTE_NORMAL);
  if (file == INVALID_HANDLE_VALUE) {
    const DWORD error = ::GetLastError();
    throw FileError({path}, is_folder(name) ? EISDIR : errno_of(error));
  }
  if (::GetFileType(file) != FILE_TYPE_DISK) {
    ::CloseHandle(file);
    throw FileError({path}, ESPIPE, "Not a regular file");
  }
  if (const DWORD error = ask(file, status); error != 0) {
    ::CloseHandle(file);
    throw FileError({path}, errno_of(error));
  }
  return reinterpret_cast<FileHandle>(file);
}

void close_file(FileHandle file) noexcept { ::CloseHandle(native(file)); }

FileStatus status_of(FileHandle file, const std::string& path) {
  FileStatus status;
  if (const DWORD error = ask(native(file), status); error != 0) throw FileError({path}, errno_of(error));
  return status;
}

std::optional<FileStatus> status_of(const std::string& path) noexcept {
  try {
    const HANDLE file = open_any(wide(path), FILE_READ_ATTRIBUTES, FILE_FLAG_BACKUP_SEMANTICS);
    if (file == INVALID_HANDLE_VALUE) return std::nullopt;
    FileStatus status;
    const DWORD error = ask(file, status);
    ::CloseHandle(file);
    return error == 0 ? std::optional(status) : std::nullopt;
  } catch (const std::exception&) {  // not a name, or no memory for it
    return std::nullopt;
  }
}

std::size_t read_once(FileHandle file, std::uint64_t offset, std::span<std::byte> dst, const std::string& path) {
  constexpr std::size_t kLargestRead = std::size_t{1} << 30;
  OVERLAPPED where{};
  where.Offset = static_cast<DWORD>(offset);
  where.OffsetHigh = static_cast<DWORD>(offset >> 32U);
  DWORD got = 0;
  if (::ReadFile(native(file), dst.data(), static_cast<DWORD>(std::min(dst.size(), kLargestRead)), &got, &where) == 0) {
    const DWORD error = ::GetLastError();
    if (error != ERROR_HANDLE_EOF) throw FileError({path}, errno_of(error));
  }
  return got;
}

std::string absolute_path(const std::string& path) {
  const std::wstring name = wide(path);
  const DWORD room = ::GetFullPathNameW(name.c_str(), 0, nullptr, nullptr);
  std::wstring absolute(room, L'\0');
  const DWORD n = ::GetFullPathNameW(name.c_str(), room, absolute.data(), nullptr);
  return n == 0 || n >= room ? path : narrow(absolute.c_str());
}

void ring(FileHandle) noexcept {}  // there are no objects in stores (`mapping.h`: reserve_space)

void advise_sequential(FileHandle) noexcept {}  // Windows takes this advice only when a file is opened

}  // namespace fastbatch
