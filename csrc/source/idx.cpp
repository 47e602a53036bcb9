// SPDX-License-Identifier: MIT
#include "source/idx.h"

#include <algorithm>
#include <array>
#include <utility>

#include "source/inflate.h"
#include "source/load.h"

namespace fastbatch {
namespace {

constexpr std::size_t kMostIdxDimensions = 64;  // NumPy's limit
constexpr std::size_t kHeaderLimit = 4 + 4 * kMostIdxDimensions;

struct Header {
  ElementType element;
  std::vector<std::uint64_t> shape;
  std::uint64_t data_offset = 0;
  std::uint64_t data_bytes = 0;
};

std::string_view descr_of(std::byte type) {
  switch (std::to_integer<unsigned>(type)) {
    case 0x08: return "|u1";
    case 0x09: return "|i1";
    case 0x0b: return ">i2";
    case 0x0c: return ">i4";
    case 0x0d: return ">f4";
    case 0x0e: return ">f8";
    default: return "";
  }
}

std::string count(std::uint64_t expected, std::uint64_t found) {
  return "expected " + std::to_string(expected) + " bytes, found " + std::to_string(found);
}

// `head`: the first kHeaderLimit bytes of the file, or all of a shorter file.
Header parse_header(std::span<const std::byte> head, const std::string& path) {
  if (head.size() < 4) throw FormatError({path}, "IDX header ends early: " + count(4, head.size()));
  if (!is_idx_magic(head)) {
    throw FormatError({path, {}, 0},
                      "not an IDX file: expected 0, 0, a type (8 to 14) and at least 1 dimension, found " +
                          std::to_string(load_big<std::uint32_t>(head, 0)) + " as the magic number");
  }
  const auto n_dimensions = std::to_integer<std::size_t>(head[3]);
  if (n_dimensions > kMostIdxDimensions) {
    throw FormatError({path, {}, 3}, "IDX: expected at most 64 dimensions, found " + std::to_string(n_dimensions));
  }
  Header header;
  header.element = parse_descr(descr_of(head[2]), {path});
  header.data_offset = 4 + 4 * n_dimensions;
  if (head.size() < header.data_offset) {
    throw FormatError({path}, "IDX header ends early: " + count(header.data_offset, head.size()));
  }
  for (std::size_t i = 0; i < n_dimensions; ++i) header.shape.push_back(load_big<std::uint32_t>(head, 4 + 4 * i));
  const auto n_bytes = array_bytes(header.shape, header.element.itemsize);
  if (!n_bytes || *n_bytes > static_cast<std::uint64_t>(PTRDIFF_MAX) - header.data_offset) {
    throw FormatError({path, {}, 4}, "IDX: expected less than 2^63 bytes, found a shape that makes more");
  }
  header.data_bytes = *n_bytes;
  return header;
}

ArrayView inflate_idx(const MappedFile& file) {
  const ByteRange all{0, file.size()};
  std::array<std::byte, kHeaderLimit> head{};
  const Inflated start = inflate_range(file, all, Wrapping::kGzip, head, "");
  const Header header = parse_header(std::span(head).first(static_cast<std::size_t>(start.n_bytes)), file.path());
  const std::uint64_t n_bytes = header.data_offset + header.data_bytes;
  // Checked before memory is allocated for the size in the header.
  if (n_bytes > inflate_bound(file.size())) {
    throw FormatError({file.path()}, "inflated IDX ends early: expected " + std::to_string(n_bytes) +
                                         " bytes, found a file of " + std::to_string(file.size()) +
                                         " bytes that cannot hold them");
  }
  const auto memory = std::make_shared_for_overwrite<std::byte[]>(static_cast<std::size_t>(n_bytes));
  const std::span<std::byte> bytes(memory.get(), static_cast<std::size_t>(n_bytes));
  const Inflated inflated = inflate_range(file, all, Wrapping::kGzip, bytes, "");
  if (inflated.more)
    throw FormatError({file.path()},
                      "inflated IDX too long: expected " + std::to_string(n_bytes) + " bytes, found more");
  if (inflated.n_bytes < n_bytes)
    throw FormatError({file.path()}, "inflated IDX ends early: " + count(n_bytes, inflated.n_bytes));
  ArrayView view = dense_view(header.element, header.shape);
  view.path = file.path();
  view.data = memory.get() + header.data_offset;
  view.owner = memory;
  return view;
}

}  // namespace

bool is_idx_magic(std::span<const std::byte> head) {
  return head.size() >= 4 && head[0] == std::byte{0} && head[1] == std::byte{0} && !descr_of(head[2]).empty() &&
         head[3] != std::byte{0};
}

ArrayView open_idx(const std::string& path) { return open_idx(std::make_shared<const MappedFile>(path)); }

ArrayView open_idx(std::shared_ptr<const MappedFile> file) {
  const auto head = file->copy(0, static_cast<std::size_t>(std::min<std::uint64_t>(file->size(), kHeaderLimit)));
  if (head.size() >= 2 && head[0] == std::byte{0x1f} && head[1] == std::byte{0x8b}) return inflate_idx(*file);
  const Header header = parse_header(head, file->path());
  const std::uint64_t n_bytes = header.data_offset + header.data_bytes;
  if (n_bytes != file->size()) {
    throw FormatError({file->path()},
                      std::string(n_bytes > file->size() ? "IDX file ends early: " : "IDX file too long: ") +
                          count(n_bytes, file->size()));
  }
  ArrayView view = dense_view(header.element, header.shape);
  view.path = file->path();
  view.data = file->bytes().data() + header.data_offset;
  view.file = std::move(file);
  return view;
}

}  // namespace fastbatch
