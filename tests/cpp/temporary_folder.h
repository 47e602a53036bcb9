// SPDX-License-Identifier: MIT
// A folder for a test that goes away with it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <fstream>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace fastbatch::testing {

class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    std::random_device random;
    do {
      path_ = parent / ("fastbatch-" + std::to_string(random()) + "-" + std::to_string(random()));
    } while (!std::filesystem::create_directory(path_));
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }

  // Names are bytes, on Windows UTF-8, as the core has them; std::filesystem would read them in the machine's code
  // page.
  [[nodiscard]] std::string operator/(std::string_view name) const {
    const std::u8string path = (path_ / to_path(name)).u8string();
    return {path.begin(), path.end()};
  }
  std::string write(std::string_view name, std::string_view bytes) const {
    std::ofstream(path_ / to_path(name), std::ios::binary)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return *this / name;
  }
  std::string write(std::string_view name, const std::vector<std::byte>& bytes) const {
    return write(name, std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }

 private:
  static std::filesystem::path to_path(std::string_view name) { return std::u8string(name.begin(), name.end()); }

  std::filesystem::path path_;
};

}  // namespace fastbatch::testing
