// SPDX-License-Identifier: MIT
// Files that are cut while they are mapped, and SIGBUS: ours, and foreign ones.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <filesystem>
#include <functional>

#include "common/joined_thread.h"
#include "mapped_pages.h"
#include "posix/child.h"
#include "source/file_list.h"
#include "temporary_folder.h"

namespace fastbatch {
namespace {

using namespace testing;

void cut(const std::string& path, std::size_t size) { std::filesystem::resize_file(path, size); }

// A page that raises SIGBUS when read, and that no guard knows.
class LostPage {
 public:
  LostPage() : descriptor_(::open(folder_.write("lost", "").c_str(), O_RDWR | O_CLOEXEC)) {
    address_ = ::mmap(nullptr, kPage, PROT_READ, MAP_SHARED, descriptor_, 0);  // of a file of 0 bytes
  }
  LostPage(const LostPage&) = delete;
  LostPage& operator=(const LostPage&) = delete;
  ~LostPage() {
    ::munmap(address_, kPage);
    ::close(descriptor_);
  }
  void read() const noexcept { read_pages({static_cast<const std::byte*>(address_), 1}); }
  void mend() const noexcept { (void)!::ftruncate(descriptor_, static_cast<off_t>(kPage)); }

 private:
  TemporaryFolder folder_;
  int descriptor_;
  void* address_;
};

struct sigaction handler_of(void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_NODEFER;
  return action;
}

sigjmp_buf foreign_landing;
const LostPage* page_to_mend = nullptr;
struct sigaction found_by_foreign;

// Whether a handler jumped to foreign_landing when the page was read.
[[gnu::noinline]] bool leaves_by_jump(const LostPage& lost) {
  if (sigsetjmp(foreign_landing, 1) != 0) return true;
  lost.read();
  return false;
}

}  // namespace

TEST_CASE("what cannot be mapped says why, and never waits") {
  const TemporaryFolder folder;
  CHECK(error_code([&] { MappedFile(folder / "missing"); }) == ENOENT);
  CHECK(error_code([&] { MappedFile(folder / ""); }) == EISDIR);
  CHECK(error_code([&] { MappedFile(std::string("/etc/hosts\0x", 12)); }) == EINVAL);
  CHECK(error_code([&] { MappedFile("/dev/null"); }) == ESPIPE);
  ReadBuffer buffer;
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK(error_code([&] { MappedFile(folder / "fifo"); }) == ESPIPE);
  CHECK(error_code([&] { read_file(folder / "fifo", buffer, 100); }) == ESPIPE);
  CHECK(error_code([&] { read_file(folder / "", buffer, 100); }) == EISDIR);
  if (::geteuid() != 0) {
    ::chmod(folder.write("closed", "x").c_str(), 0);
    CHECK(error_code([&] { MappedFile(folder / "closed"); }) == EACCES);
  }
}

TEST_CASE("names are any bytes") {
  const TemporaryFolder folder;
  const std::string path = folder.write("a b\n\xff", "hello");
  CHECK(MappedFile(path).size() == 5);
  ReadBuffer buffer;
  CHECK(read_file(path, buffer, 100).size() == 5);
  CHECK(error_code([&] { read_file(path + "\xfe", buffer, 100); }) == ENOENT);
}

TEST_CASE("a sparse file of 64 GiB is mapped and read at its end") {
  const TemporaryFolder folder;
  const auto path = folder.write("huge", "");
  REQUIRE(::truncate(path.c_str(), 64LL << 30) == 0);
  const MappedFile file(path);
  CHECK(file.size() == std::uint64_t{64} << 30);
  CHECK(file.copy(file.size() - 4, 4) == std::vector<std::byte>(4));
}

TEST_CASE("a file cut while mapped is an error that names it") {
  const TemporaryFolder folder;
  const std::string contents(16 * kPage, 'x');
  const MappedFile file(folder.write("a", contents));
  CHECK_NOTHROW(read_all(file));
  cut(file.path(), kPage);
  const std::string expected = file.path() + ": file became shorter while in use: expected " +
                               std::to_string(16 * kPage) + " bytes, found " + std::to_string(kPage);
  CHECK(complaint([&] { read_all(file); }) == expected);
  CHECK(complaint([&] { (void)file.copy(8 * kPage, 10); }).ends_with("found " + std::to_string(kPage)));
  CHECK_NOTHROW((void)file.copy(0, kPage));  // what is still there
  // Inside the last page the kernel gives zeros and no signal.
  const MappedFile other(folder.write("b", contents));
  cut(other.path(), 16 * kPage - 1);
  CHECK(complaint([&] { read_all(other); }).ends_with("found " + std::to_string(16 * kPage - 1)));
  // Written anew: as long as before, but not while it was read.
  const MappedFile third(folder.write("c", contents));
  const bool was_whole = run_guarded(
      third.bytes(), [](void* path) { REQUIRE(::truncate(static_cast<char*>(path), 0) == 0); },
      const_cast<char*>(third.path().c_str()));
  CHECK(was_whole);
  cut(third.path(), contents.size());
  CHECK(complaint([&] { throw_lost_page(third, third.size()); }).find("file was written anew while in use") !=
        std::string::npos);
}

TEST_CASE("guards nest, and the outer one's page lost inside the inner is the outer's error") {
  const TemporaryFolder folder;
  const MappedFile outer(folder.write("outer", std::string(4 * kPage, 'x')));
  const MappedFile inner(folder.write("inner", std::string(4 * kPage, 'x')));
  cut(outer.path(), 0);
  struct Both {
    const MappedFile* outer;
    const MappedFile* inner;
    bool is_past = false;
  } both{&outer, &inner};
  auto read_inner = [](void* context) {
    auto read_outer = [](void* files) { read_pages(static_cast<Both*>(files)->outer->bytes()); };
    run_guarded(static_cast<Both*>(context)->inner->bytes(), read_outer, context);
    static_cast<Both*>(context)->is_past = true;
  };
  CHECK_FALSE(run_guarded(outer.bytes(), read_inner, &both));
  CHECK_FALSE(both.is_past);
  CHECK_NOTHROW(read_all(inner));
}

TEST_CASE("threads read while the file is cut under them") {
  const TemporaryFolder folder;
  for (int round = 0; round < 20; ++round) {
    const MappedFile file(folder.write("a", std::string(256 * kPage, 'x')));
    std::atomic<int> n_reads{0};
    std::atomic<int> n_errors{0};
    auto read = [&] {
      try {
        for (;;) {
          read_all(file);
          n_reads.fetch_add(1);
          n_reads.notify_all();
        }
      } catch (const FormatError& error) {
        if (std::string(error.what()).ends_with("found " + std::to_string(3 * kPage))) n_errors.fetch_add(1);
      }
    };
    JoinedThread first(read);
    JoinedThread second(read);
    for (int n = 0; n < 3; n = n_reads.load()) n_reads.wait(n);
    cut(file.path(), 3 * kPage);
    first.join();
    second.join();
    CHECK(n_errors.load() == 2);
    ::unlink(file.path().c_str());
  }
}

TEST_CASE("a foreign SIGBUS goes to the handler that came later, and our reads stay guarded") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("a", std::string(4 * kPage, 'x')));
  const LostPage lost;
  read_all(file);  // our handler is installed
  struct sigaction before{};
  const struct sigaction theirs = handler_of([](int) { siglongjmp(foreign_landing, 1); });
  REQUIRE(::sigaction(SIGBUS, &theirs, &before) == 0);
  cut(file.path(), 0);
  // As often as it likes: the other handler leaves by a jump each time.
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(read_all(file), FormatError);
    CHECK(leaves_by_jump(lost));
  }
  // Or it mends the page and returns.
  const struct sigaction mending = handler_of([](int) { page_to_mend->mend(); });
  REQUIRE(::sigaction(SIGBUS, &mending, nullptr) == 0);
  CHECK_THROWS_AS(read_all(file), FormatError);
  page_to_mend = &lost;
  lost.read();
  REQUIRE(::sigaction(SIGBUS, &before, nullptr) == 0);
}

TEST_CASE("a foreign SIGBUS that nobody mends ends the process, whatever handlers are stacked") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("a", std::string(4 * kPage, 'x')));
  const LostPage lost;
  const struct sigaction by_default = handler_of(SIG_DFL);
  auto under = [&](const struct sigaction& theirs, const std::function<void()>& body) {
    return deadly_signal([&] {
      ::sigaction(SIGBUS, &by_default, nullptr);
      read_all(file);
      if (theirs.sa_handler != SIG_DFL) ::sigaction(SIGBUS, &theirs, &found_by_foreign);
      read_all(file);
      body();
    });
  };
  auto fault = [&] { lost.read(); };
  auto send = [] { ::raise(SIGBUS); };
  CHECK(under(by_default, fault) == SIGBUS);
  CHECK(under(by_default, send) == SIGBUS);
  // One that was switched off and only returns, as faulthandler's does after disable().
  CHECK(under(handler_of([](int) {}), fault) == SIGBUS);
  CHECK(under(handler_of([](int) {}), send) == 0);
  // One that puts back whom it found (us) and sends the signal again, as faulthandler's does.
  const auto resending = handler_of([](int signal) {
    ::sigaction(signal, &found_by_foreign, nullptr);
    ::raise(signal);
  });
  CHECK(under(resending, fault) == SIGBUS);
  CHECK(under(resending, send) == SIGBUS);
  CHECK(under(handler_of(SIG_IGN), fault) == SIGBUS);
  CHECK(under(handler_of(SIG_IGN), send) == 0);
  // And a guarded read works after a foreign signal that was survived.
  CHECK(under(handler_of([](int) {}), [&] {
          ::raise(SIGBUS);
          cut(file.path(), 0);
          if (!complaint([&] { read_all(file); }).empty()) ::raise(SIGKILL);
        }) == SIGKILL);
}

}  // namespace fastbatch
