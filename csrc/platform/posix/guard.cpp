// SPDX-License-Identifier: MIT
// The only process-wide state of the core: a signal has one handler for the whole process.
#include "platform/guard.h"

#include <csetjmp>
#include <csignal>

#include <array>
#include <atomic>
#include <cerrno>

namespace fastbatch {
namespace {

// An active guarded read of this thread.
struct Guard {
  std::span<const std::byte> mapped;
  Guard* outer = nullptr;
  sigjmp_buf landing;
};

// The handler's state of its thread. In static thread-local storage if the C library supports it (glibc): the first
// access to dynamic thread-local storage may allocate, which a signal handler must not do. On macOS it may, in a thread
// that faults without ever having made a guarded read.
struct ThreadState {
  Guard* guard = nullptr;             // innermost
  bool passing_on = false;            // a foreign handler is being called; stays set if it leaves by a jump
  const void* returned_at = nullptr;  // fault from which a foreign handler returned
  unsigned n_sent = 0;                // signals, not faults, passed on since the last guarded read
  bool in_series = false;             // reads that share one look at the handler
  bool is_ready = false;              // the series has installed the handler and saved the signal mask
  sigset_t mask{};                    // of the series
  const std::byte* lost = nullptr;    // of the last guarded read that failed
};
#if defined(__GLIBC__)
[[gnu::tls_model("initial-exec")]]
#endif
thread_local constinit ThreadState thread_state;

// Foreign handlers that replaced ours, the newest at `latest`. A slot is written before it is published, and reused
// only after seven further handlers.
constinit std::array<struct sigaction, 8> found_handlers{};
constinit std::atomic<unsigned> n_found{0};
constinit std::atomic<const struct sigaction*> latest{nullptr};

void take_default(int signal, bool was_sent) noexcept {
  struct sigaction action{};
  action.sa_handler = SIG_DFL;
  ::sigaction(signal, &action, nullptr);
  // A fault recurs when the handler returns; a signal sent by kill() or raise() does not.
  if (was_sent) ::raise(signal);
}

// Handles a SIGBUS that is not ours. Calling the foreign handler, instead of restoring it and letting the fault recur,
// keeps control if that handler is disabled and only returns (faulthandler.disable()).
void pass_on(int signal, siginfo_t* info, void* context) noexcept {
  const bool was_sent = info->si_code <= 0;
  const struct sigaction* other = latest.load(std::memory_order_acquire);
  // faulthandler ends by raising the signal again for the previous handler, which may be ours: while it runs, or, if
  // signals are blocked meanwhile, repeatedly after it has returned.
  constexpr unsigned kMostSent = 16;
  if (was_sent) ++thread_state.n_sent;
  const bool came_back =
      was_sent ? thread_state.passing_on || thread_state.n_sent > kMostSent : thread_state.returned_at == info->si_addr;
  if (other == nullptr || came_back || other->sa_handler == SIG_DFL) return take_default(signal, was_sent);
  if (other->sa_handler == SIG_IGN) {
    if (!was_sent) take_default(signal, was_sent);  // a fault cannot be ignored
    return;
  }
  thread_state.passing_on = true;
  if ((other->sa_flags & SA_SIGINFO) != 0) {
    other->sa_sigaction(signal, info, context);
  } else {
    other->sa_handler(signal);
  }
  thread_state.passing_on = false;
  if (!was_sent) thread_state.returned_at = info->si_addr;
}

void on_sigbus(int signal, siginfo_t* info, void* context) {
  if (info->si_code > 0) {
    const auto* address = static_cast<const std::byte*>(info->si_addr);
    for (Guard* guard = thread_state.guard; guard != nullptr; guard = guard->outer) {
      const std::byte* start = guard->mapped.data();
      if (address < start || address >= start + guard->mapped.size()) continue;
      thread_state.lost = address;
      siglongjmp(guard->landing, 1);
    }
  }
  const int saved_errno = errno;
  pass_on(signal, info, context);
  errno = saved_errno;
}

// Installs our handler unless it is the current one. No lock: a fork() in another thread could leave it locked.
void install_handler() noexcept {
  struct sigaction now{};
  ::sigaction(SIGBUS, nullptr, &now);
  if ((now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == &on_sigbus) return;
  struct sigaction& slot = found_handlers[n_found.fetch_add(1, std::memory_order_relaxed) % found_handlers.size()];
  slot = now;
  latest.store(&slot, std::memory_order_release);
  struct sigaction ours{};
  ours.sa_sigaction = &on_sigbus;
  // SA_NODEFER: a second fault, in a foreign handler that we call, must be delivered too.
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  sigemptyset(&ours.sa_mask);
  ::sigaction(SIGBUS, &ours, nullptr);
}

// Before a read: the handler, and the signal mask that is restored after a jump. Both are system calls, which a series
// makes once. Returns true if the read must save the mask itself.
bool prepare() noexcept {
  const bool in_series = thread_state.in_series;
  if (!in_series || !thread_state.is_ready) {
    install_handler();
    if (in_series) ::pthread_sigmask(SIG_BLOCK, nullptr, &thread_state.mask);
    thread_state.is_ready = in_series;
  }
  thread_state.returned_at = nullptr;
  thread_state.passing_on = false;
  thread_state.n_sent = 0;
  return !in_series;
}

}  // namespace

bool run_guarded(std::span<const std::byte> mapped, void (*call)(void*), void* context) noexcept {
  const bool saves_mask = prepare();
  Guard guard;
  guard.mapped = mapped;
  guard.outer = thread_state.guard;
  // No variable that is used after the jump may change after this line. The signal mask is restored, since
  // ThreadSanitizer's interceptors may block signals while a handler runs.
  if (sigsetjmp(guard.landing, saves_mask ? 1 : 0) != 0) {
    thread_state.guard = guard.outer;
    if (thread_state.in_series) ::pthread_sigmask(SIG_SETMASK, &thread_state.mask, nullptr);
    return false;
  }
  thread_state.guard = &guard;
  std::atomic_signal_fence(std::memory_order_seq_cst);
  call(context);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  thread_state.guard = guard.outer;
  return true;
}

const std::byte* lost_address() noexcept { return thread_state.lost; }

void guard_in_series(bool begins) noexcept {
  thread_state.in_series = begins;
  thread_state.is_ready = false;
}

}  // namespace fastbatch
