// SPDX-License-Identifier: MIT
// What every limit shares: options, a mapped file, a ring of batch buffers, threads that take units of work.
// Nothing here comes from the library: the limits must not inherit its mistakes.
#pragma once

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <numeric>
#include <random>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

namespace limits {

// `--key value` pairs.
class Options {
 public:
  Options(int n, char** words) {
    for (int i = 0; i + 1 < n; i += 2) {
      const std::string key = words[i];
      if (!key.starts_with("--")) throw std::invalid_argument("expected --key value, found " + key);
      values_[key.substr(2)] = words[i + 1];
    }
    if (n % 2 != 0) throw std::invalid_argument(std::string("no value after ") + words[n - 1]);
  }
  [[nodiscard]] std::string text(const std::string& key, const std::string& otherwise = {}) const {
    const auto found = values_.find(key);
    if (found != values_.end()) return found->second;
    if (otherwise.empty()) throw std::invalid_argument("--" + key + " is missing");
    return otherwise;
  }
  [[nodiscard]] std::size_t number(const std::string& key, std::size_t otherwise) const {
    return std::stoull(text(key, std::to_string(otherwise)));
  }
  [[nodiscard]] std::size_t number(const std::string& key) const { return std::stoull(text(key)); }

 private:
  std::map<std::string, std::string> values_;
};

[[noreturn]] inline void fail(const std::string& what) {
  throw std::system_error(errno, std::generic_category(), what);
}

// CPU time of this thread.
inline double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// A file mapped read-only for this object's lifetime.
class MappedFile {
 public:
  explicit MappedFile(const std::string& path) {
    const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) fail(path);
    struct stat about{};
    if (::fstat(fd, &about) != 0) fail(path);
    size_ = static_cast<std::size_t>(about.st_size);
    void* map = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd, 0);
    ::close(fd);
    if (map == MAP_FAILED) fail(path);
    data_ = static_cast<const std::uint8_t*>(map);
  }
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile() { ::munmap(const_cast<std::uint8_t*>(data_), size_); }
  [[nodiscard]] const std::uint8_t* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  const std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Batch buffers that are written over and over: touched once here, so no page fault is left for the clock.
class Ring {
 public:
  explicit Ring(std::size_t size) : size_((size + kPage - 1) / kPage * kPage) {
    void* map = ::mmap(nullptr, size_ + kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) fail("ring");
    map_ = static_cast<std::uint8_t*>(map);
    data_ = map_ + (kPage - reinterpret_cast<std::uintptr_t>(map_) % kPage) % kPage;
    ::madvise(data_, size_, MADV_HUGEPAGE);
    std::fill_n(data_, size_, std::uint8_t{1});
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring() { ::munmap(map_, size_ + kPage); }
  [[nodiscard]] std::uint8_t* data() const { return data_; }

 private:
  static constexpr std::size_t kPage = std::size_t{2} << 20;
  std::size_t size_;
  std::uint8_t* map_ = nullptr;
  std::uint8_t* data_ = nullptr;
};

// One kind of work. prepare() is not timed; epoch() is.
class Limit {
 public:
  virtual ~Limit() = default;
  virtual void prepare() {}
  virtual std::size_t epoch() = 0;  // returns how many samples were done
  [[nodiscard]] virtual std::string config() const { return "C++"; }
};

// Calls work(i, thread) once for every i in [0, n), on `threads` threads that take the next i as they get free.
template <class Work>
void share(std::size_t n, std::size_t threads, const Work& work) {
  std::atomic<std::size_t> next{0};
  const auto loop = [&](std::size_t thread) {
    for (std::size_t i = next++; i < n; i = next++) work(i, thread);
  };
  std::vector<std::jthread> others;
  for (std::size_t t = 1; t < threads; ++t) others.emplace_back(loop, t);
  loop(0);
}

// 0..n-1, shuffled anew by every call when `shuffled`; its cost is the caller's, outside the clock.
inline void renew_order(std::vector<std::size_t>& order, std::size_t n, bool shuffled, std::mt19937_64& random) {
  order.resize(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  if (shuffled) std::shuffle(order.begin(), order.end(), random);
}

}  // namespace limits
