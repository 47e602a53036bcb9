// SPDX-License-Identifier: MIT
// Files for the tests of the source stage: small .npy, .zip, .gz and IDX files made by hand.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "temporary_folder.h"

namespace fastbatch::testing {

// One file that is rewritten again and again; in memory where there is such a folder, since thousands of small files on
// a disk take seconds.
class MemoryFile {
 public:
  MemoryFile()
      : folder_(std::filesystem::is_directory("/dev/shm") ? "/dev/shm" : std::filesystem::temp_directory_path()),
        path_(folder_ / "file") {}
  [[nodiscard]] const std::string& path() const { return path_; }
  const std::string& write(std::string_view bytes) const {
    folder_.write("file", bytes);
    return path_;
  }

 private:
  TemporaryFolder folder_;
  std::string path_;
};

// `value` in `n` bytes, the lowest first.
inline std::string little(std::uint64_t value, std::size_t n) {
  std::string bytes;
  for (std::size_t i = 0; i < n; ++i) bytes += static_cast<char>(i < 8 ? value >> (8 * i) : 0);
  return bytes;
}

inline std::string npy(const std::string& dict, const std::string& data, int major = 1) {
  std::string header = dict;
  const std::size_t start = major == 1 ? 10 : 12;
  header.append(63 - (start + header.size()) % 64, ' ');
  header += '\n';
  return std::string("\x93NUMPY") + static_cast<char>(major) + '\0' + little(header.size(), start - 8) + header + data;
}

inline std::string npy(const std::string& descr, const std::string& shape, const std::string& data) {
  return npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }", data);
}

// zlib's own output; `window_bits` -15 for a bare stream, 31 for gzip.
inline std::string deflated(const std::string& bytes, int window_bits) {
  z_stream stream{};
  if (deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 9, Z_DEFAULT_STRATEGY) != Z_OK) throw std::bad_alloc();
  std::string out(deflateBound(&stream, static_cast<uLong>(bytes.size())) + 32, '\0');
  std::string in = bytes;
  stream.next_in = reinterpret_cast<Bytef*>(in.data());
  stream.avail_in = static_cast<uInt>(in.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string gzip(const std::string& bytes) { return deflated(bytes, 31); }

struct Entry {
  std::string name;
  std::string bytes;
  int method = 0;
  int flags = 0;
  bool in_zip64 = false;  // sizes and offset in zip64 fields
};

// A zip archive; the members of `bytes` lie behind `front`, which the archive's own offsets do not count.
inline std::string zip(const std::vector<Entry>& entries, const std::string& comment = "", bool end64 = false,
                       const std::string& front = "") {
  std::string archive;
  std::string directory;
  for (const Entry& entry : entries) {
    const std::string data = entry.method == 8 ? deflated(entry.bytes, -15) : entry.bytes;
    const auto crc =
        crc32(0, reinterpret_cast<const Bytef*>(entry.bytes.data()), static_cast<uInt>(entry.bytes.size()));
    const std::uint64_t offset = archive.size();
    const std::string sizes64 = little(entry.bytes.size(), 8) + little(data.size(), 8);
    const std::string local_extra = entry.in_zip64 ? little(1, 2) + little(16, 2) + sizes64 : "";
    const std::string central_extra = entry.in_zip64 ? little(0x9999, 2) + little(1, 2) + "?" + little(1, 2) +
                                                           little(24, 2) + sizes64 + little(offset, 8)
                                                     : "";
    const std::string common =
        little(static_cast<std::uint64_t>(entry.flags), 2) + little(static_cast<std::uint64_t>(entry.method), 2) +
        little(0, 4) + little(crc, 4) +
        (entry.in_zip64 ? std::string(8, '\xff') : little(data.size(), 4) + little(entry.bytes.size(), 4)) +
        little(entry.name.size(), 2);
    archive += "PK\3\4" + little(45, 2) + common + little(local_extra.size(), 2) + entry.name + local_extra + data;
    directory += "PK\1\2" + little(45, 2) + little(45, 2) + common + little(central_extra.size(), 2) + little(0, 10) +
                 little(entry.in_zip64 ? 0xffffffff : offset, 4) + entry.name + central_extra;
  }
  const std::uint64_t start = archive.size();
  archive += directory;
  const std::uint64_t n = entries.size();
  if (end64) {
    const std::uint64_t at = archive.size();
    archive += "PK\6\6" + little(44, 8) + little(45, 2) + little(45, 2) + little(0, 8) + little(n, 8) + little(n, 8) +
               little(directory.size(), 8) + little(start, 8);
    archive += "PK\6\7" + little(0, 4) + little(at, 8) + little(1, 4);
  }
  archive += "PK\5\6" + little(0, 4) + little(end64 ? 0xffff : n, 2) + little(end64 ? 0xffff : n, 2) +
             little(end64 ? 0xffffffff : directory.size(), 4) + little(end64 ? 0xffffffff : start, 4) +
             little(comment.size(), 2) + comment;
  return front + archive;
}

}  // namespace fastbatch::testing
