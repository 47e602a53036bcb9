// SPDX-License-Identifier: MIT
// Reads of a mapped file that another process may truncate: a lost page becomes an error that names the file.
// How a lost page shows itself: `platform/guard.h`. Threads: any thread, also nested.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>

#include "platform/guard.h"
#include "source/array_view.h"
#include "source/block_space.h"
#include "source/mapped_file.h"

namespace fastbatch {

// Throws the error after run_guarded() returned false for `file`, of which `size` bytes are needed: FormatError with
// the sizes, or FileError(EIO) if the file did not become shorter, since then the device failed.
[[noreturn]] void throw_lost_page(const MappedFile& file, std::uint64_t size);

// Runs `call` until it reads nothing that is lost: blocks of an object in a store are waited for. Throws as above, and
// what BlockSpace::await() throws.
void run_guarded_until_there(const MappedFile& file, std::uint64_t size, void (*call)(void*), void* context);

// Runs read(), which reads at most the first `size` bytes of `file`, and throws as above when they are not all there,
// also when the cut is inside the last page, where the kernel gives zeros and no signal.
// read() may be left by a jump, and is then called again if blocks of an object were missing: everything on its stack
// must be trivially destructible, and it holds no lock. Costs about a microsecond (two without a descriptor): meant for
// some 50 microseconds of work, not for one element.
template <typename Read>
  requires std::is_nothrow_invocable_v<Read&>
void read_guarded(const MappedFile& file, std::uint64_t size, Read&& read) {
  auto call = [](void* context) { (*static_cast<std::remove_reference_t<Read>*>(context))(); };
  // The pointer is only cast back to its own type.
  void* context = const_cast<void*>(static_cast<const void*>(std::addressof(read)));
  run_guarded_until_there(file, size, call, context);
  file.require(size);
}

// Several reads by one thread that are judged together: one look at the handler, and one at each file, for all of them.
// Reads with read_on_trip() during its lifetime are only good after check().
class ReadTrip {
 public:
  ReadTrip() noexcept;
  ~ReadTrip();
  ReadTrip(const ReadTrip&) = delete;
  ReadTrip& operator=(const ReadTrip&) = delete;

  // Throws FormatError for a file that is now shorter than what was read of it, and forgets all of them.
  void check();

  // Not for use outside of guarded_read: false if there is no room, and the file must be looked at immediately.
  [[nodiscard]] bool note(const std::shared_ptr<const MappedFile>& file, std::uint64_t size) noexcept;

 private:
  struct Seen {
    std::shared_ptr<const MappedFile> file;
    std::uint64_t size = 0;
  };
  static constexpr std::size_t kMost = 8;
  std::array<Seen, kMost> seen_;
  std::size_t n_seen_ = 0;
  ReadTrip* outer_;
};

// The trip of this thread, or null.
[[nodiscard]] ReadTrip* current_trip() noexcept;

// The same for an array. Memory of the process, unlike a mapped file, is read without a guard.
template <typename Read>
  requires std::is_nothrow_invocable_v<Read&>
void read_guarded(const ArrayView& view, Read&& read) {
  if (view.file) {
    read_guarded(*view.file, view.file_end(), read);
  } else {
    read();
  }
}

// The same, but during a trip the size of the file is checked at the end of the trip.
template <typename Read>
  requires std::is_nothrow_invocable_v<Read&>
void read_on_trip(const ArrayView& view, Read&& read) {
  ReadTrip* const trip = current_trip();
  if (!view.file || trip == nullptr) return read_guarded(view, read);
  auto call = [](void* context) { (*static_cast<std::remove_reference_t<Read>*>(context))(); };
  void* context = const_cast<void*>(static_cast<const void*>(std::addressof(read)));
  run_guarded_until_there(*view.file, view.file_end(), call, context);
  if (!trip->note(view.file, view.file_end())) view.file->require(view.file_end());
}

}  // namespace fastbatch
