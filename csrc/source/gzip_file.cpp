// SPDX-License-Identifier: MIT
#include "source/gzip_file.h"

#include <algorithm>
#include <new>
#include <string>
#include <vector>

#include "common/error.h"
#include "common/stop.h"

namespace fastbatch {
namespace {

constexpr std::size_t kReadPiece = std::size_t{64} << 10U;
constexpr std::size_t kSkipPiece = std::size_t{1} << 20U;
constexpr std::size_t kMostOutput = std::size_t{1} << 30U;  // zlib counts in 32 bits
constexpr int kGzip = 15 + 16;                              // the largest window, with gzip's header

}  // namespace

GzipFile::GzipFile(const OpenFile& file)
    : file_(file), input_(std::make_unique_for_overwrite<std::byte[]>(kReadPiece)) {
  if (inflateInit2(&stream_, kGzip) != Z_OK) throw std::bad_alloc();
}

GzipFile::~GzipFile() { inflateEnd(&stream_); }

std::size_t GzipFile::read_at(std::uint64_t offset, std::span<std::byte> dst) {
  if (offset < content_at_) restart();
  std::vector<std::byte> skipped(static_cast<std::size_t>(std::min<std::uint64_t>(offset - content_at_, kSkipPiece)));
  while (content_at_ < offset) {
    throw_if_stopped();
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(offset - content_at_, skipped.size()));
    if (read(std::span(skipped).first(wanted)) < wanted) return 0;
  }
  return read(dst);
}

std::size_t GzipFile::read(std::span<std::byte> dst) {
  std::size_t n_read = 0;
  while (n_read < dst.size() && !is_finished_) {
    if (stream_.avail_in == 0) refill();
    const auto room = static_cast<uInt>(std::min(dst.size() - n_read, kMostOutput));
    stream_.next_out = reinterpret_cast<Bytef*>(dst.data() + n_read);
    stream_.avail_out = room;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR) {
      throw FormatError({file_.path()}, std::string("damaged gzip data: ") +
                                            (stream_.msg != nullptr ? stream_.msg : "no deflate stream"));
    }
    n_read += room - stream_.avail_out;
    content_at_ += room - stream_.avail_out;
    if (status == Z_STREAM_END) next_member();
  }
  return n_read;
}

// Buffers the next bytes of the file, which must have some: a member has not ended.
void GzipFile::refill() {
  const std::size_t n = file_.read_at(input_at_, {input_.get(), kReadPiece});
  if (n == 0) {
    throw FormatError({file_.path()}, "gzip file ends early: expected more, found the end after " +
                                          std::to_string(input_at_) + " bytes");
  }
  input_at_ += n;
  stream_.next_in = reinterpret_cast<Bytef*>(input_.get());
  stream_.avail_in = static_cast<uInt>(n);
}

// A file is one or more members, which zeros may follow.
void GzipFile::next_member() {
  for (;;) {
    for (; stream_.avail_in > 0 && *stream_.next_in == 0; --stream_.avail_in) ++stream_.next_in;
    if (stream_.avail_in > 0) break;
    const std::size_t n = file_.read_at(input_at_, {input_.get(), kReadPiece});
    if (n == 0) {
      is_finished_ = true;
      return;
    }
    input_at_ += n;
    stream_.next_in = reinterpret_cast<Bytef*>(input_.get());
    stream_.avail_in = static_cast<uInt>(n);
  }
  if (inflateReset(&stream_) != Z_OK) throw std::bad_alloc();
}

void GzipFile::restart() {
  if (inflateReset(&stream_) != Z_OK) throw std::bad_alloc();
  stream_.avail_in = 0;
  input_at_ = content_at_ = 0;
  is_finished_ = false;
}

}  // namespace fastbatch
