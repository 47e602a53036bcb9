// SPDX-License-Identifier: MIT
// Read-only mappings of files, advice about their pages, and which pages are in memory. Threads: any.
// `source/mapped_file.h` owns a mapping; nothing else should.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "platform/file.h"

namespace fastbatch {

enum class Access : std::uint8_t { kNormal, kSequential, kRandom };

// Pages of a mapping, counted from its start.
struct PageRange {
  std::uint64_t first = 0;
  std::uint64_t last = 0;  // one past
};

std::uint64_t page_bytes() noexcept;

// Maps the first `size` bytes, of which there is at least one. Throws FileError.
std::span<const std::byte> map_file(FileHandle file, std::uint64_t size, const std::string& path);
void unmap_file(std::span<const std::byte> mapping) noexcept;

// Address space of `size` bytes, at least 1, in which every read is a lost page (`platform/guard.h`) until files are
// mapped there. `empty` is a file of 0 bytes that the caller keeps open. Not on Windows: throws FileError(ENOTSUP).
std::span<const std::byte> reserve_space(std::uint64_t size, FileHandle empty, const std::string& name);
// Maps the first bytes of `file` over a part of the space that begins at a page, or the empty file again: other threads
// may read meanwhile, and find one or the other. Throws FileError.
void map_over(std::span<const std::byte> part, FileHandle file, const std::string& name);

// Hints about a whole mapping, and about some of its pages, which are then loaded in the background.
void advise_access(std::span<const std::byte> mapping, Access access) noexcept;
void advise_will_need(std::span<const std::byte> mapping, PageRange pages) noexcept;

// How missing_pages() learns what is in memory.
enum class Residency : std::uint8_t {
  kOfMapping,  // the system tells, from the mapping alone
  kOfFile,     // the file must be asked, by a handle
};
Residency residency_of(FileHandle file, const std::string& path) noexcept;

// The runs of `pages` that are not in memory; all of them where the system does not tell. `file` is only used, and
// needed, for kOfFile.
std::vector<PageRange> missing_pages(std::span<const std::byte> mapping, PageRange pages, Residency residency,
                                     FileHandle file);

}  // namespace fastbatch
