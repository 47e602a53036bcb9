// SPDX-License-Identifier: MIT
// Reads of a mapped file of which a page may get lost: another process truncated the file (POSIX: SIGBUS), or the
// device failed (Windows: STATUS_IN_PAGE_ERROR). `source/guarded_read.h` makes an error of it. A lost page elsewhere
// goes to the handler that was installed before, or later (faulthandler.enable()). Threads: any thread, also nested.
// The handler is installed by the first guarded read, and again if it was replaced.
#pragma once

#include <cstddef>
#include <span>

namespace fastbatch {

// Runs call(context). Returns false if a page of `mapped` was lost: the call was then left by a jump, so everything on
// its stack must be trivially destructible, and it holds no lock.
bool run_guarded(std::span<const std::byte> mapped, void (*call)(void*), void* context) noexcept;

// The address that this thread could not read, after run_guarded() has returned false.
const std::byte* lost_address() noexcept;

// Between guard_in_series(true) and the next call, the guarded reads of this thread share one look at the handler.
void guard_in_series(bool begins) noexcept;

}  // namespace fastbatch
