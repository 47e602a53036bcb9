// SPDX-License-Identifier: MIT
// Limits of moving rows: plain memcpy, and gathering rows of a mapped file into a ring of batch buffers.
#pragma once

#include <cstring>

#include "common.h"

namespace limits {

// Copies a block of memory onto another, in parts, `threads` at once; a sample is one byte.
class Memcpy : public Limit {
 public:
  explicit Memcpy(const Options& options)
      : threads_(options.number("threads")),
        size_(options.number("size", std::size_t{256} << 20)),
        src_(size_),
        dst_(size_) {}
  std::size_t epoch() override {
    constexpr std::size_t kPart = std::size_t{1} << 20;
    share(size_ / kPart, threads_,
          [&](std::size_t i, std::size_t) { std::memcpy(dst_.data() + i * kPart, src_.data() + i * kPart, kPart); });
    return size_ / kPart * kPart;
  }

 private:
  std::size_t threads_, size_;
  Ring src_, dst_;
};

// Rows of a mapped file into the ring. A thread takes `part` rows at a time (a whole batch unless told).
//   --stride N  bytes from the start of one row to the next; less than a row: they overlap
//   --ahead K   asks the CPU for a row K rows before it is copied; 0: leaves it to the hardware
//   --cold 1    maps the file anew for each epoch, and with
//   --advice N  tells the kernel which pages come, N rows ahead of the copying; 0: tells it nothing, or with
//   --sweep 1   has the whole file read from its beginning to its end meanwhile: for a file that fits into memory
class Gather : public Limit {
 public:
  explicit Gather(const Options& options)
      : threads_(options.number("threads")),
        row_(options.number("row-bytes")),
        stride_(options.number("stride", row_)),
        n_(options.number("samples")),
        offset_(options.number("offset", 0)),
        batch_(options.number("batch")),
        part_(options.number("part", batch_)),
        slots_(options.number("ring", 4) * batch_),
        ahead_(options.number("ahead", 0)),
        advice_(options.number("advice", 0)),
        sweeps_(options.number("sweep", 0) != 0),
        shuffled_(options.text("order", "sequential") == "shuffled"),
        is_cold_(options.number("cold", 0) != 0),
        path_(options.text("file")),
        ring_(slots_ * row_) {
    if (batch_ % part_ != 0) throw std::invalid_argument("--part must divide --batch");
    prepare();
    if (MappedFile(path_).size() < offset_ + (n_ - 1) * stride_ + row_)
      throw std::invalid_argument(path_ + ": shorter than its rows");
    if (!is_cold_) file_ = std::make_unique<MappedFile>(path_);
  }
  void prepare() override { renew_order(order_, n_, shuffled_, random_); }

  // A cold epoch maps the file anew: pages in use by a mapping cannot be dropped between epochs.
  std::size_t epoch() override {
    if (is_cold_) {
      file_ = std::make_unique<MappedFile>(path_);
      if (shuffled_ && !sweeps_) ::madvise(const_cast<std::uint8_t*>(file_->data()), file_->size(), MADV_RANDOM);
    }
    std::jthread adviser;
    std::atomic<std::size_t> done{0};
    if (advice_ > 0) adviser = std::jthread([&] { advise(done); });
    if (sweeps_) adviser = std::jthread([&] { sweep(); });
    share((n_ + part_ - 1) / part_, threads_, [&](std::size_t unit, std::size_t) {
      const std::size_t first = unit * part_;
      const std::size_t last = std::min(first + part_, n_);
      copy(first, last);
      done.fetch_add(last - first);
      done.notify_one();
    });
    if (adviser.joinable()) adviser.join();
    if (is_cold_) file_.reset();
    return n_;
  }

 private:
  void copy(std::size_t first, std::size_t last) const {
    const std::uint8_t* base = file_->data() + offset_;
    std::uint8_t* dst = ring_.data() + first % slots_ * row_;
    for (std::size_t i = first; i < last; ++i, dst += row_) {
      if (ahead_ > 0 && i + ahead_ < last) {
        const std::uint8_t* coming = base + order_[i + ahead_] * stride_;
        for (std::size_t at = 0; at < row_; at += 64) __builtin_prefetch(coming + at, 0, 3);
      }
      std::memcpy(dst, base + order_[i] * stride_, row_);
    }
  }

  // Stays `advice_` rows ahead of the copying threads.
  void advise(std::atomic<std::size_t>& done) const {
    const auto base = reinterpret_cast<std::uintptr_t>(file_->data()) + offset_;
    for (std::size_t i = 0; i < n_; ++i) {
      for (std::size_t now = done.load(); i > now + advice_; now = done.load()) done.wait(now);
      const std::uintptr_t from = (base + order_[i] * stride_) / kPage * kPage;
      const std::uintptr_t to = base + order_[i] * stride_ + row_;
      ::madvise(reinterpret_cast<void*>(from), to - from, MADV_WILLNEED);
    }
  }

  void sweep() const {
    constexpr std::size_t kPiece = std::size_t{2} << 20;
    for (std::size_t at = 0; at < file_->size(); at += kPiece) {
      void* piece = const_cast<std::uint8_t*>(file_->data()) + at;
      ::madvise(piece, std::min(kPiece, file_->size() - at), MADV_WILLNEED);
    }
  }

  static constexpr std::uintptr_t kPage = 4096;
  std::size_t threads_, row_, stride_, n_, offset_, batch_, part_, slots_, ahead_, advice_;
  bool sweeps_, shuffled_, is_cold_;
  std::string path_;
  Ring ring_;
  std::unique_ptr<MappedFile> file_;
  std::vector<std::size_t> order_;
  std::mt19937_64 random_{1};
};

}  // namespace limits
