// SPDX-License-Identifier: MIT
#include "codecs/png_text.h"

#include <zlib.h>

#include <array>
#include <memory>
#include <new>

#include "common/error.h"

namespace fastbatch {
namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

int value_of(char digit) {
  if (digit >= '0' && digit <= '9') return digit - '0';
  if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
  if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<std::string> inflate_png_text(std::string_view compressed, const char* type) {
  z_stream stream{};
  if (inflateInit(&stream) != Z_OK) throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(compressed.data()));  // zlib does not write to its input
  stream.avail_in = static_cast<uInt>(compressed.size());
  std::string text;
  std::array<char, 16384> block;
  int status = Z_OK;
  while (status == Z_OK && text.size() < kMostBytes) {
    stream.next_out = reinterpret_cast<Bytef*>(block.data());
    stream.avail_out = block.size();
    status = inflate(&stream, Z_SYNC_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) return std::nullopt;
    const std::size_t n = block.size() - stream.avail_out;
    text.append(block.data(), n);
    if (n < block.size()) break;  // no more input
  }
  if (status == Z_OK && text.size() >= kMostBytes && stream.avail_in > 0) {
    throw DecodeError({}, "broken PNG: expected at most " + std::to_string(kMostBytes) + " bytes in a chunk " + type +
                              ", found more");
  }
  return text;
}

std::string exif_of_png_text(std::string_view text) {
  for (int line = 0; line < 3; ++line) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
  }
  std::string bytes;
  int high = -1;
  for (const char letter : text) {
    if (letter == '\n') continue;
    const int value = value_of(letter);
    if (value < 0) break;
    if (high >= 0) bytes += static_cast<char>(high * 16 + value);
    high = high >= 0 ? -1 : value;
  }
  return bytes;
}

}  // namespace fastbatch
