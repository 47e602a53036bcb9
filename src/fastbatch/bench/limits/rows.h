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
//   --labels F  a file of 8-byte labels behind the same offset, copied with the rows; with
//   --labels-first N and --labels-stride N, row i's is label N + i * stride (0 and 1 unless told)
//   --way W     how rows are copied, one of kWays; unless told, the one that is fastest here, by a trial of each
//   --cold 1    maps the file anew for each epoch, and with
//   --advice N  tells the kernel which pages come, N rows ahead of the copying; 0: tells it nothing, or with
//   --sweep 1   has the whole file read from its beginning to its end meanwhile: for a file that fits into memory
class Gather : public Limit {
  // A way to copy the rows [first, last) of the order.
  struct Way {
    const char* name;
    void (Gather::*copy)(std::size_t first, std::size_t last, std::uint8_t* dst) const;
    bool is_for_ranges;  // copies contiguous rows only
  };

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
        advice_(options.number("advice", 0)),
        sweeps_(options.number("sweep", 0) != 0),
        shuffled_(options.text("order", "sequential") == "shuffled"),
        is_cold_(options.number("cold", 0) != 0),
        path_(options.text("file")),
        labels_first_(options.number("labels-first", 0)),
        labels_stride_(options.number("labels-stride", 1)),
        ring_(slots_ * row_),
        labels_ring_(slots_ * kLabel) {
    if (batch_ % part_ != 0) throw std::invalid_argument("--part must divide --batch");
    prepare();
    if (MappedFile(path_).size() < offset_ + (n_ - 1) * stride_ + row_)
      throw std::invalid_argument(path_ + ": shorter than its rows");
    if (!is_cold_) file_ = std::make_unique<MappedFile>(path_);
    if (const std::string labels = options.text("labels", "none"); labels != "none") {
      labels_ = std::make_unique<MappedFile>(labels);
      if (labels_->size() < offset_ + (labels_first_ + (n_ - 1) * labels_stride_ + 1) * kLabel)
        throw std::invalid_argument(labels + ": shorter than the labels of all rows");
    }
    const std::string way = options.text("way", is_cold_ ? "plain" : "fastest");
    way_ = way == "fastest" ? fastest() : named(way);
  }
  [[nodiscard]] std::string config() const override { return std::string("C++, ") + way_->name; }
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
  // Asks the CPU for a row `kAhead` rows before it is copied, into L2 or also into L1; 0: leaves it to the hardware.
  template <std::size_t kAhead, int kLocality>
  void copy_rows(std::size_t first, std::size_t last, std::uint8_t* dst) const {
    const std::uint8_t* base = file_->data() + offset_;
    for (std::size_t i = first; i < last; ++i, dst += row_) {
      if (kAhead > 0 && i + kAhead < last) {
        const std::uint8_t* coming = base + order_[i + kAhead] * stride_;
        for (std::size_t at = 0; at < row_; at += 64) __builtin_prefetch(coming + at, 0, kLocality);
      }
      std::memcpy(dst, base + order_[i] * stride_, row_);
    }
  }
  void copy_whole(std::size_t first, std::size_t last, std::uint8_t* dst) const {
    std::memcpy(dst, file_->data() + offset_ + first * stride_, (last - first) * row_);
  }
  void copy_lines(std::size_t first, std::size_t last, std::uint8_t* dst) const {
    const std::uint8_t* from = file_->data() + offset_ + first * stride_;
    const std::size_t n = (last - first) * row_;
    std::size_t at = 0;
    for (; at + 64 <= n; at += 64) {
      __builtin_prefetch(from + at + 4096, 0, 2);
      std::memcpy(dst + at, from + at, 64);
    }
    std::memcpy(dst + at, from + at, n - at);
  }

  void copy(std::size_t first, std::size_t last) const {
    (this->*way_->copy)(first, last, ring_.data() + first % slots_ * row_);
    if (labels_) copy_labels(first, last, labels_ring_.data() + first % slots_ * kLabel);
  }
  void copy_labels(std::size_t first, std::size_t last, std::uint8_t* dst) const {
    constexpr std::size_t kAhead = 32;
    const auto label = [&](std::size_t i) {
      return labels_->data() + offset_ + (labels_first_ + order_[i] * labels_stride_) * kLabel;
    };
    for (std::size_t i = first; i < last; ++i, dst += kLabel) {
      if (i + kAhead < last) __builtin_prefetch(label(i + kAhead), 0, 2);
      std::memcpy(dst, label(i), kLabel);
    }
  }

  // The ways copy in turns, each the next rows of the order; the least CPU time counts.
  const Way* fastest() {
    constexpr std::size_t kTurns = 5, kTrial = std::size_t{16} << 20;
    const std::size_t units = std::max<std::size_t>(1, std::min(n_, kTrial / row_) / part_);
    std::size_t unit = 0;
    std::vector<double> least(std::size(kWays), 1e9);
    for (std::size_t turn = 0; turn <= kTurns; ++turn) {
      for (std::size_t w = 0; w < std::size(kWays); ++w) {
        if (kWays[w].is_for_ranges && (shuffled_ || stride_ != row_)) continue;
        way_ = &kWays[w];
        const double start = thread_seconds();
        for (std::size_t i = 0; i < units; ++i, unit = (unit + 1) * part_ < n_ ? unit + 1 : 0)
          copy(unit * part_, std::min((unit + 1) * part_, n_));
        if (turn > 0) least[w] = std::min(least[w], thread_seconds() - start);  // at first the pages are mapped
      }
    }
    return kWays + (std::min_element(least.begin(), least.end()) - least.begin());
  }
  static const Way* named(const std::string& name) {
    for (const Way& way : kWays) {
      if (way.name == name) return &way;
    }
    throw std::invalid_argument("--way: no " + name);
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
  static constexpr std::size_t kLabel = 8;
  static const Way kWays[8];
  const Way* way_ = kWays;
  std::size_t threads_, row_, stride_, n_, offset_, batch_, part_, slots_, advice_;
  bool sweeps_, shuffled_, is_cold_;
  std::string path_;
  std::size_t labels_first_, labels_stride_;
  Ring ring_, labels_ring_;
  std::unique_ptr<MappedFile> file_, labels_;
  std::vector<std::size_t> order_;
  std::mt19937_64 random_{1};
};

inline const Gather::Way Gather::kWays[8] = {{"plain", &Gather::copy_rows<0, 3>, false},
                                             {"one-ahead-L1", &Gather::copy_rows<1, 3>, false},
                                             {"two-ahead-L1", &Gather::copy_rows<2, 3>, false},
                                             {"one-ahead-L2", &Gather::copy_rows<1, 2>, false},
                                             {"two-ahead-L2", &Gather::copy_rows<2, 2>, false},
                                             {"four-ahead-L2", &Gather::copy_rows<4, 2>, false},
                                             {"whole", &Gather::copy_whole, true},
                                             {"lines", &Gather::copy_lines, true}};

}  // namespace limits
