// SPDX-License-Identifier: MIT
// A lost page is the exception STATUS_IN_PAGE_ERROR. A vectored handler sees it before any frame's handler, and lets
// the thread continue in leave(), which jumps back into run_guarded(): jumping out of the handler itself would leave
// locks of the system behind. Exceptions elsewhere continue their search.
#include "platform/guard.h"

#include <csetjmp>

#include <atomic>

#include "platform/windows/system.h"

namespace fastbatch {
namespace {

// An active guarded read of this thread.
struct Guard {
  std::span<const std::byte> mapped;
  Guard* outer = nullptr;
  jmp_buf landing;
};

thread_local constinit Guard* innermost = nullptr;
thread_local constinit const std::byte* lost = nullptr;

[[noreturn]] void leave(Guard* guard) noexcept { std::longjmp(guard->landing, 1); }

LONG CALLBACK on_exception(EXCEPTION_POINTERS* exception) {
  const EXCEPTION_RECORD& record = *exception->ExceptionRecord;
  if (record.ExceptionCode != EXCEPTION_IN_PAGE_ERROR || record.NumberParameters < 2) return EXCEPTION_CONTINUE_SEARCH;
  const auto* address = reinterpret_cast<const std::byte*>(record.ExceptionInformation[1]);
  for (Guard* guard = innermost; guard != nullptr; guard = guard->outer) {
    const std::byte* start = guard->mapped.data();
    if (address < start || address >= start + guard->mapped.size()) continue;
    lost = address;
    CONTEXT& thread = *exception->ContextRecord;
    thread.Rip = reinterpret_cast<DWORD64>(&leave);
    thread.Rcx = reinterpret_cast<DWORD64>(guard);
    // As after a call: 32 bytes for the callee's arguments and a return address, below an aligned stack.
    thread.Rsp = (thread.Rsp & ~DWORD64{15}) - 128 - 40;
    return EXCEPTION_CONTINUE_EXECUTION;
  }
  return EXCEPTION_CONTINUE_SEARCH;
}

// Once for the process: unlike a handler of signals, it is not replaced by others.
void install_handler() noexcept {
  static const auto handler = ::AddVectoredExceptionHandler(1, &on_exception);
  static_cast<void>(handler);
}

}  // namespace

bool run_guarded(std::span<const std::byte> mapped, void (*call)(void*), void* context) noexcept {
  install_handler();
  Guard guard;
  guard.mapped = mapped;
  guard.outer = innermost;
  // No variable that is used after the jump may change after this line.
  if (setjmp(guard.landing) != 0) {
    innermost = guard.outer;
    return false;
  }
  // Without a frame longjmp() restores the registers; with one it would unwind, from a stack that it cannot walk.
  reinterpret_cast<_JUMP_BUFFER*>(&guard.landing)->Frame = 0;
  innermost = &guard;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  call(context);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  innermost = guard.outer;
  return true;
}

const std::byte* lost_address() noexcept { return lost; }

void guard_in_series(bool) noexcept {}  // there is nothing to prepare

}  // namespace fastbatch
