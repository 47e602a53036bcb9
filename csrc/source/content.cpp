// SPDX-License-Identifier: MIT
#include "source/content.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "source/idx.h"
#include "source/open_file.h"

namespace fastbatch {
namespace {

// The first bytes of a gzip stream's content: up to 4, fewer if `head` is too short.
std::string peek_into_gzip(std::span<const std::byte> head) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK) return {};
  std::array<Bytef, 4> first{};
  // zlib takes a non-const pointer but does not write to it.
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(head.data()));
  stream.avail_in = static_cast<uInt>(head.size());
  stream.next_out = first.data();
  stream.avail_out = static_cast<uInt>(first.size());
  const int status = inflate(&stream, Z_SYNC_FLUSH);
  const std::size_t n = status == Z_OK || status == Z_STREAM_END ? first.size() - stream.avail_out : 0;
  inflateEnd(&stream);
  return {reinterpret_cast<const char*>(first.data()), n};
}

}  // namespace

Content recognise(std::span<const std::byte> head) {
  using namespace std::string_view_literals;
  head = head.first(std::min(head.size(), kContentBytes));
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (text.empty()) return Content::kEmpty;
  if (text.starts_with("\x93NUMPY"sv)) return Content::kNpy;
  if (text.starts_with("PK\3\4"sv) || text.starts_with("PK\5\6"sv)) return Content::kZip;
  if (is_idx_magic(head)) return Content::kIdx;
  if (text.starts_with("\x1f\x8b\x08"sv)) {
    const std::string inside = peek_into_gzip(head);
    return is_idx_magic(std::as_bytes(std::span(inside))) ? Content::kGzipIdx : Content::kGzip;
  }
  return Content::kUnknown;
}

Content recognise_file(const std::string& path) {
  std::array<std::byte, kContentBytes> head{};
  const OpenFile file(path);
  return recognise(std::span(head).first(file.read_at(0, head)));
}

}  // namespace fastbatch
