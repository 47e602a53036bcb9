// SPDX-License-Identifier: MIT
#include "source/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <new>

#include "common/error.h"
#include "source/guarded_read.h"

namespace fastbatch {
namespace {

constexpr std::size_t kInputPiece = std::size_t{64} << 10;
constexpr std::uint64_t kOutputPiece = std::uint64_t{1} << 30;  // zlib counts in 32 bits

class Inflater {
 public:
  Inflater(const MappedFile& file, ByteRange range, Wrapping wrapping, const std::string& prefix)
      : file_(file), at_(range.offset), end_(range.offset + range.size), wrapping_(wrapping), prefix_(prefix) {
    // 15: the largest window; + 16: gzip; negative: raw deflate.
    if (inflateInit2(&stream_, wrapping == Wrapping::kGzip ? 15 + 16 : -15) != Z_OK) throw std::bad_alloc();
    input_ = std::make_unique_for_overwrite<std::byte[]>(kInputPiece);
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }

  Inflated run(std::span<std::byte> dst) {
    Inflated result;
    std::array<std::byte, 1> spill{};  // a byte written here shows that the stream continues
    while (!is_finished_) {
      const bool is_full = result.n_bytes == dst.size();
      const std::span<std::byte> room = is_full ? std::span<std::byte>(spill) : dst.subspan(result.n_bytes);
      const std::size_t n = step(room);
      if (is_full && n > 0) {
        result.more = true;
        return result;
      }
      result.n_bytes += n;
    }
    return result;
  }

 private:
  [[noreturn]] void fail(const std::string& text) const {
    throw FormatError({file_.path(), {}, at_ - stream_.avail_in}, prefix_ + text);
  }

  void refill() {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(end_ - at_, kInputPiece));
    const std::byte* src = file_.bytes().data() + at_;
    read_guarded(file_, at_ + n, [src, dst = input_.get(), n]() noexcept { std::memcpy(dst, src, n); });
    stream_.next_in = reinterpret_cast<Bytef*>(input_.get());
    stream_.avail_in = static_cast<uInt>(n);
    at_ += n;
  }

  // Inflates into `room` until it is full or the buffered input is used up; returns the number of bytes.
  std::size_t step(std::span<std::byte> room) {
    if (stream_.avail_in == 0 && at_ < end_) refill();
    const auto n_room = static_cast<uInt>(std::min<std::uint64_t>(room.size(), kOutputPiece));
    stream_.next_out = reinterpret_cast<Bytef*>(room.data());
    stream_.avail_out = n_room;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    if (status == Z_STREAM_END) {
      end_stream();
    } else if (status == Z_BUF_ERROR && stream_.avail_in == 0 && at_ == end_) {
      fail("compressed data end early: expected more, found the end");
    } else if (status != Z_OK && status != Z_BUF_ERROR) {
      fail(std::string("damaged compressed data: ") + (stream_.msg != nullptr ? stream_.msg : "no deflate stream"));
    }
    return n_room - stream_.avail_out;
  }

  // A gzip file consists of one or more members, optionally followed by zeros.
  void end_stream() {
    const bool is_gzip = wrapping_ == Wrapping::kGzip;
    do {
      if (stream_.avail_in == 0 && at_ < end_) refill();
      while (is_gzip && stream_.avail_in > 0 && *stream_.next_in == 0) {
        ++stream_.next_in;
        --stream_.avail_in;
      }
    } while (is_gzip && stream_.avail_in == 0 && at_ < end_);
    if (stream_.avail_in == 0) {
      is_finished_ = true;
    } else if (is_gzip) {
      if (inflateReset(&stream_) != Z_OK) throw std::bad_alloc();
    } else {
      fail("bytes after the compressed data: expected none");
    }
  }

  const MappedFile& file_;
  std::uint64_t at_;  // offset of the next byte to pass to zlib
  std::uint64_t end_;
  Wrapping wrapping_;
  const std::string& prefix_;
  std::unique_ptr<std::byte[]> input_;
  z_stream stream_{};
  bool is_finished_ = false;
};

}  // namespace

Inflated inflate_range(const MappedFile& file, ByteRange range, Wrapping wrapping, std::span<std::byte> dst,
                       const std::string& prefix) {
  return Inflater(file, range, wrapping, prefix).run(dst);
}

}  // namespace fastbatch
