// SPDX-License-Identifier: MIT
#include "platform/fork.h"

namespace fastbatch {

std::uint64_t count_forks() noexcept { return 0; }  // Windows has no fork()

}  // namespace fastbatch
