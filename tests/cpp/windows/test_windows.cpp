// SPDX-License-Identifier: MIT
// What only Windows does: its names and errors, pages lost to a device, mapped files that cannot be cut.
#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <string>
#include <system_error>

#include "mapped_pages.h"
#include "platform/windows/system.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using namespace testing;

// What a device that fails makes of a read of `address`.
void lose(const std::byte* address) {
  const ULONG_PTR about[] = {0, reinterpret_cast<ULONG_PTR>(address), 0xC000009C};  // STATUS_DEVICE_DATA_ERROR
  ::RaiseException(static_cast<DWORD>(EXCEPTION_IN_PAGE_ERROR), 0, 3, about);
}

bool is_foreign_called = false;

LONG CALLBACK foreign(EXCEPTION_POINTERS* exception) {
  if (exception->ExceptionRecord->ExceptionCode != static_cast<DWORD>(EXCEPTION_IN_PAGE_ERROR)) {
    return EXCEPTION_CONTINUE_SEARCH;
  }
  is_foreign_called = true;
  return EXCEPTION_CONTINUE_EXECUTION;  // after RaiseException()
}

}  // namespace

TEST_CASE("names are UTF-8, and what is not is refused") {
  CHECK(narrow(wide("gr\u00fc\u00dfe \U0001F600").c_str()) == "gr\u00fc\u00dfe \U0001F600");
  CHECK(wide("").empty());
  CHECK(error_code([] { wide("\xFF.jpg"); }) == EILSEQ);
  CHECK(error_code([] { wide(std::string("a\0b", 3)); }) == EINVAL);
}

TEST_CASE("errors of Windows are those of C") {
  CHECK(errno_of(ERROR_FILE_NOT_FOUND) == ENOENT);
  CHECK(errno_of(ERROR_SHARING_VIOLATION) == EACCES);
  CHECK(errno_of(ERROR_NOT_ENOUGH_MEMORY) == ENOMEM);
  CHECK(errno_of(ERROR_DIRECTORY) == ENOTDIR);
  CHECK(errno_of(ERROR_CRC) == EIO);
}

TEST_CASE("a page that the device lost is an error of its read, time after time") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("a", std::string(4 * kPage, 'x')));
  const MappedFile other(folder.write("b", std::string(4 * kPage, 'x')));
  auto read_lost = [&file](std::size_t page) {
    read_guarded(file, file.size(), [bytes = file.bytes(), page]() noexcept {
      read_pages(bytes);
      lose(bytes.data() + page * kPage);
    });
  };
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(error_code([&] { read_lost(i); }) == EIO);
    CHECK_NOTHROW(read_all(other));
  }
  {
    ReadTrip trip;
    CHECK(error_code([&] { read_lost(3); }) == EIO);
    CHECK_NOTHROW(read_all(other));
  }
}

TEST_CASE("a page lost elsewhere goes to the others' handlers, also inside a guarded read") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("a", std::string(kPage, 'x')));
  static const std::byte elsewhere{};
  read_all(file);  // our handler is installed
  void* const handler = ::AddVectoredExceptionHandler(0, &foreign);
  is_foreign_called = false;
  CHECK(run_guarded(file.bytes(), [](void*) { lose(&elsewhere); }, nullptr));
  CHECK(is_foreign_called);
  ::RemoveVectoredExceptionHandler(handler);
}

TEST_CASE("guards nest, and the outer one's page lost inside the inner is the outer's error") {
  const TemporaryFolder folder;
  const MappedFile outer(folder.write("outer", std::string(kPage, 'x')));
  const MappedFile inner(folder.write("inner", std::string(kPage, 'x')));
  struct Both {
    const MappedFile* outer;
    const MappedFile* inner;
    bool is_past = false;
  } both{&outer, &inner};
  auto read_inner = [](void* context) {
    auto* const files = static_cast<Both*>(context);
    auto lose_outer = [](void* given) { lose(static_cast<Both*>(given)->outer->bytes().data()); };
    run_guarded(files->inner->bytes(), lose_outer, context);
    files->is_past = true;
  };
  CHECK_FALSE(run_guarded(outer.bytes(), read_inner, &both));
  CHECK_FALSE(both.is_past);
  CHECK_NOTHROW(read_all(inner));
}

TEST_CASE("a mapped file cannot be cut, but renamed") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a", std::string(4 * kPage, 'x'));
  {
    const MappedFile file(path);
    std::error_code error;
    std::filesystem::resize_file(path, kPage, error);
    CHECK(error);
    std::filesystem::rename(path, folder / "b", error);
    CHECK_FALSE(error);
    CHECK(file.copy(0, 4 * kPage).size() == 4 * kPage);
  }
}

}  // namespace fastbatch
