// SPDX-License-Identifier: MIT
// Files as the system gives them: mapped, cut while mapped, read ahead, read into a buffer.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csetjmp>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>

#include "common/error.h"
#include "source/file_list.h"
#include "source/guarded_read.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using testing::TemporaryFolder;

const auto kPage = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));

void cut(const std::string& path, std::size_t size) {
  REQUIRE(::truncate(path.c_str(), static_cast<off_t>(size)) == 0);
}

int error_code(const std::function<void()>& open) {
  try {
    open();
  } catch (const FileError& error) {
    return error.code();
  }
  return 0;
}

std::string complaint(const std::function<void()>& read) {
  try {
    read();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

// Reads a byte of each page; not optimised away.
void read_pages(std::span<const std::byte> bytes) noexcept {
  for (std::size_t i = 0; i < bytes.size(); i += kPage) {
    [[maybe_unused]] const auto seen = *const_cast<const volatile std::byte*>(&bytes[i]);
  }
}

void read_all(const MappedFile& file) {
  read_guarded(file, file.size(), [bytes = file.bytes()]() noexcept { read_pages(bytes); });
}

// A page that raises SIGBUS when read, and that no guard knows.
class LostPage {
 public:
  LostPage() : descriptor_(::memfd_create("lost", MFD_CLOEXEC)) {
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
  int descriptor_;
  void* address_;
};

struct sigaction handler_of(void (*handler)(int)) {
  struct sigaction action{};
  action.sa_handler = handler;
  action.sa_flags = SA_NODEFER;
  return action;
}

// The signal that ends a child process running body(); 0 when it exits by itself.
int deadly_signal(const std::function<void()>& body) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::alarm(20);  // an endless loop of handlers ends by SIGALRM
    body();
    ::_exit(0);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
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

TEST_CASE("a whole file is mapped, an empty one too") {
  const TemporaryFolder folder;
  const MappedFile file(folder.write("a b\n\xff", "hello"));
  CHECK(file.size() == 5);
  CHECK(std::memcmp(file.bytes().data(), "hello", 5) == 0);
  const auto part = file.copy(1, 3);
  CHECK(std::memcmp(part.data(), "ell", 3) == 0);
  CHECK(complaint([&] { (void)file.copy(3, 3); }) ==
        file.path() + ": byte 3: file ends early: expected 3 bytes, found 2");
  CHECK(complaint([&] { (void)file.copy(~0ULL, 3); }).ends_with("expected 3 bytes, found 0"));
  const MappedFile empty(folder.write("empty", ""));
  CHECK(empty.bytes().empty());
  CHECK_NOTHROW(read_all(empty));
  empty.set_access(Access::kRandom);
  CHECK(empty.advise_will_need(std::vector<ByteRange>{{0, 10}}) == 0);
}

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
    std::jthread first(read);
    std::jthread second(read);
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

TEST_CASE("advice counts the bytes that are not in memory, each page once") {
  const TemporaryFolder folder;
  const std::size_t n_pages = 1024;
  const auto path = folder.write("a", std::string(n_pages * kPage, 'x'));
  const MappedFile file(path);
  file.set_access(Access::kRandom);
  const int descriptor = ::open(path.c_str(), O_RDWR);
  ::fsync(descriptor);
  auto drop = [&] { ::posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED); };
  auto missing = [&](std::size_t first, std::size_t last) {
    std::vector<unsigned char> present(last - first);
    ::mincore(const_cast<std::byte*>(file.bytes().data()) + first * kPage, (last - first) * kPage, present.data());
    std::size_t n = 0;
    for (const unsigned char page : present) n += (page & 1U) == 0 ? 1U : 0U;
    return n * kPage;
  };
  drop();
  if (missing(0, n_pages) == 0) MESSAGE("this file system keeps everything in memory");
  // Pages 0-2 (twice), 10, 11-12 touching, the last, and ranges past the end.
  const std::vector<ByteRange> ranges = {{11 * kPage, 2 * kPage}, {1, 2 * kPage}, {kPage, 5},
                                         {10 * kPage, kPage},     {50, 0},        {~0ULL, 5},
                                         {1023 * kPage, ~0ULL}};
  const std::size_t expected = missing(0, 3) + missing(10, 13) + missing(1023, 1024);
  CHECK(file.advise_will_need(ranges) == expected);
  read_all(file);
  CHECK(file.advise_will_need(ranges) == 0);
  const std::vector<ByteRange> all = {{0, file.size()}};
  CHECK(file.advise_will_need(all) == 0);
  drop();
  const std::size_t all_missing = missing(0, n_pages);
  CHECK(file.advise_will_need(all) == all_missing);

  // Of files that are not one's own the kernel does not tell; they are probed.
  if (::geteuid() == 0 && all_missing > 0) {
    REQUIRE(::chmod((folder / "").c_str(), 0755) == 0);
    auto by_stranger = [&](bool expect_missing) {
      return deadly_signal([&] {
        if (::setuid(65534) != 0) ::raise(SIGKILL);
        const MappedFile theirs(path);
        if ((theirs.advise_will_need(all) > 0) != expect_missing) ::raise(SIGKILL);
      });
    };
    read_all(file);
    CHECK(by_stranger(false) == 0);
    drop();
    CHECK(by_stranger(true) == 0);
  }
  ::close(descriptor);
}

TEST_CASE("paths lie in one arena and come back as they were") {
  FileList list;
  list.reserve(4, 20);
  const std::vector<std::string> paths = {"a b.jpg", "", "new\nline\xff.jpg", std::string("z\0z", 3)};
  for (const std::string& path : paths) list.add(path);
  REQUIRE(list.size() == 4);
  for (std::size_t i = 0; i < 4; ++i) CHECK(list[i] == paths[i]);
  CHECK(list.memory_bytes() >= 20 + 4 * 8);
}

TEST_CASE("small files are read into one buffer, which lets a giant's memory go") {
  const TemporaryFolder folder;
  ReadBuffer buffer;
  const auto small = folder.write("small", "hello");
  const auto giant = folder.write("giant", std::string(std::size_t{8} << 20, 'x'));
  const auto bytes = read_file(small, buffer, 100);
  REQUIRE(bytes.size() == 5);
  CHECK(std::memcmp(bytes.data(), "hello", 5) == 0);
  CHECK(read_file(folder.write("empty", ""), buffer, 100).empty());
  CHECK(error_code([&] { read_file(giant, buffer, 100); }) == EFBIG);
  CHECK(buffer.capacity() < (std::size_t{1} << 20));
  CHECK(read_file(giant, buffer, ~0ULL).size() == std::size_t{8} << 20);
  CHECK(buffer.capacity() >= std::size_t{8} << 20);
  for (int i = 0; i < 64; ++i) CHECK(read_file(small, buffer, 100).size() == 5);
  CHECK(buffer.capacity() < (std::size_t{1} << 20));
  CHECK(error_code([&] { read_file(folder / "missing", buffer, 100); }) == ENOENT);
  CHECK(read_file(small, buffer, 100).size() == 5);
}

}  // namespace fastbatch
