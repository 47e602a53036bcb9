// SPDX-License-Identifier: MIT
// Reads that are judged together: what is cut meanwhile is an error of the trip, at the latest at its end.
#include <doctest/doctest.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/error.h"
#include "source/guarded_read.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using testing::TemporaryFolder;

const auto kPage = static_cast<std::size_t>(page_bytes());

ArrayView bytes_of(const std::string& path) {
  ArrayView view;
  view.file = std::make_shared<const MappedFile>(path);
  view.data = view.file->bytes().data();
  view.itemsize = 1;
  view.shape = {view.file->size()};
  view.strides = {1};
  view.path = path;
  return view;
}

void read_all(const ArrayView& view) {
  read_on_trip(view, [&view]() noexcept {
    for (std::size_t i = 0; i < view.shape[0]; i += kPage) [[maybe_unused]]
      const auto seen = *const_cast<const volatile std::byte*>(view.data + i);
  });
}

std::string complaint(const std::function<void()>& read) {
  try {
    read();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

void cut(const ArrayView& view, std::size_t size) { std::filesystem::resize_file(view.path, size); }

bool is_sigbus_blocked() {
  sigset_t mask;
  ::pthread_sigmask(SIG_BLOCK, nullptr, &mask);
  return sigismember(&mask, SIGBUS) == 1;
}

}  // namespace

TEST_CASE("a cut inside the last page is found at the end of the trip, and once") {
  const TemporaryFolder folder;
  const ArrayView view = bytes_of(folder.write("a", std::string(2 * kPage, 'x')));
  {
    ReadTrip trip;
    CHECK_NOTHROW(read_all(view));
    CHECK_NOTHROW(trip.check());
    cut(view, 2 * kPage - 1);
    CHECK_NOTHROW(read_all(view));
    CHECK(complaint([&] { trip.check(); }) == view.path + ": file became shorter while in use: expected " +
                                                  std::to_string(2 * kPage) + " bytes, found " +
                                                  std::to_string(2 * kPage - 1));
    CHECK_NOTHROW(trip.check());
  }
  CHECK(complaint([&] { read_all(view); }).find("became shorter") != std::string::npos);  // no trip: at once
}

TEST_CASE("of several arrays in one file, the furthest counts, whichever is read first") {
  for (const bool furthest_first : {true, false}) {
    const TemporaryFolder folder;
    const ArrayView all = bytes_of(folder.write("a", std::string(2 * kPage, 'x')));
    ArrayView first = all;
    first.shape = {kPage};
    ReadTrip trip;
    read_all(furthest_first ? all : first);
    read_all(furthest_first ? first : all);
    cut(all, 2 * kPage - 1);
    CHECK(complaint([&] { trip.check(); }).find("became shorter") != std::string::npos);
  }
}

TEST_CASE("a lost page is the error of its read, time after time, and leaves the signal mask as it was") {
  const TemporaryFolder folder;
  const ArrayView lost = bytes_of(folder.write("lost", std::string(4 * kPage, 'x')));
  const ArrayView whole = bytes_of(folder.write("whole", std::string(4 * kPage, 'x')));
  cut(lost, kPage);
  ReadTrip trip;
  for (int i = 0; i < 3; ++i) {
    CHECK(complaint([&] { read_all(lost); }).find("lost: file became shorter") != std::string::npos);
    CHECK_FALSE(is_sigbus_blocked());
    CHECK_NOTHROW(read_all(whole));
  }
  CHECK_NOTHROW(trip.check());  // the reads of the lost file have failed already
}

TEST_CASE("a trip inside a trip is judged by itself") {
  const TemporaryFolder folder;
  const ArrayView outer = bytes_of(folder.write("outer", std::string(kPage, 'x')));
  const ArrayView inner = bytes_of(folder.write("inner", std::string(kPage, 'x')));
  ReadTrip trip;
  read_all(outer);
  {
    ReadTrip other;
    CHECK(current_trip() == &other);
    read_all(inner);
    cut(outer, 0);
    CHECK_NOTHROW(other.check());
  }
  CHECK(current_trip() == &trip);
  CHECK(complaint([&] { trip.check(); }).find("outer: file became shorter") != std::string::npos);
}

TEST_CASE("more files than a trip has room for are looked at immediately") {
  const TemporaryFolder folder;
  std::vector<ArrayView> views;
  for (int i = 0; i < 12; ++i) views.push_back(bytes_of(folder.write(std::to_string(i), std::string(kPage, 'x'))));
  for (const std::size_t which : {0U, 7U, 8U, 11U}) {
    CAPTURE(which);
    cut(views[which], kPage - 1);
    const std::string found = complaint([&] {
      ReadTrip trip;
      for (const ArrayView& view : views) read_all(view);
      trip.check();
    });
    CHECK(found.find(views[which].path + ": file became shorter") == 0);
    cut(views[which], kPage);
  }
}

TEST_CASE("a file that is gone before the end of the trip is still asked") {
  const TemporaryFolder folder;
  std::optional<ArrayView> view = bytes_of(folder.write("a", std::string(kPage, 'x')));
  ReadTrip trip;
  read_all(*view);
  cut(*view, 10);
  view.reset();  // the trip keeps the mapping
  CHECK(complaint([&] { trip.check(); }).find("found 10") != std::string::npos);
}

}  // namespace fastbatch
