// SPDX-License-Identifier: MIT
// Reading a mapping that another process may cut short: what would be a SIGBUS becomes an error that names the file.
// A SIGBUS that is not ours goes to the handler that was there before (or came later: faulthandler.enable()).
// Threads: any thread, also nested; the handler is installed by the first guarded read and stays on top.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>

#include "source/array_view.h"
#include "source/mapped_file.h"

namespace fastbatch {

// Runs call(context). Returns false when a page of `mapped` was gone: then the call was left half done, by a jump.
bool run_guarded(std::span<const std::byte> mapped, void (*call)(void*), void* context) noexcept;

// Throws what run_guarded() == false means for `file`, of which `size` bytes are needed: FormatError with the sizes, or
// FileError(EIO) when the file is as long as ever and the device failed.
[[noreturn]] void throw_lost_page(const MappedFile& file, std::uint64_t size);

// Runs read(), which reads at most the first `size` bytes of `file`, and throws as above when they are not all there,
// also when the cut is inside the last page, where the kernel gives zeros and no signal.
// read() may be left by a jump: everything on its stack must be trivially destructible, and it holds no lock.
// Costs about a microsecond (two without a descriptor): meant for some 50 microseconds of work, not for one element.
template <typename Read>
  requires std::is_nothrow_invocable_v<Read&>
void read_guarded(const MappedFile& file, std::uint64_t size, Read&& read) {
  auto call = [](void* context) { (*static_cast<std::remove_reference_t<Read>*>(context))(); };
  // The address is only passed through and read back as what it is.
  void* context = const_cast<void*>(static_cast<const void*>(std::addressof(read)));
  if (!run_guarded(file.bytes(), call, context)) throw_lost_page(file, size);
  file.require(size);
}

// The same for an array, wherever it lives: memory that belongs to the process is read without a guard.
template <typename Read>
  requires std::is_nothrow_invocable_v<Read&>
void read_guarded(const ArrayView& view, Read&& read) {
  if (view.file) {
    read_guarded(*view.file, view.file_end(), read);
  } else {
    read();
  }
}

}  // namespace fastbatch
