// SPDX-License-Identifier: MIT
// The errors of the core. A message has the location, the expected and the found value:
//   `cats/0412.jpg: sample 1821: JPEG ends early: expected 375 rows, found 212`
// Threads: immutable once built. Only `bindings/errors.cpp` converts these to Python exceptions.
#pragma once

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace fastbatch {

// The location of an error; every part may be unknown.
struct Where {
  std::string path;                       // as the user wrote it; bytes, not necessarily UTF-8
  std::optional<std::uint64_t> sample{};  // index in the source, before shuffling
  std::optional<std::uint64_t> offset{};  // byte offset in the file
};

class Error : public std::runtime_error {
 public:
  Error(Where where, const std::string& message)
      : std::runtime_error(describe(where, message)), where_(std::move(where)), message_(message) {}
  [[nodiscard]] const Where& where() const noexcept { return where_; }
  [[nodiscard]] const std::string& message() const noexcept { return message_; }  // without the location

 private:
  static std::string describe(const Where& where, const std::string& message) {
    std::string text;
    if (!where.path.empty()) text += where.path + ": ";
    if (where.sample) text += "sample " + std::to_string(*where.sample) + ": ";
    if (where.offset) text += "byte " + std::to_string(*where.offset) + ": ";
    return text + message;
  }
  Where where_;
  std::string message_;
};

// The header or structure of a file violates its format.
class FormatError : public Error {
  using Error::Error;
};

// The bytes of one sample cannot be decoded.
class DecodeError : public Error {
  using Error::Error;
};

// An error of the operating system for one file.
class FileError : public Error {
 public:
  FileError(Where where, int code) : FileError(std::move(where), code, std::generic_category().message(code)) {}
  FileError(Where where, int code, const std::string& message) : Error(std::move(where), message), code_(code) {}
  [[nodiscard]] int code() const noexcept { return code_; }  // errno

 private:
  int code_;
};

// The loader was closed before or during the call.
class ClosedError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace fastbatch
