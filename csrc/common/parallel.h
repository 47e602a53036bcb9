// SPDX-License-Identifier: MIT
// A parallel loop. Its threads live as long as the loop.
#pragma once

#include <cstddef>
#include <functional>

namespace fastbatch {

// Calls body(i) for every i < n, in any order, in the caller's thread and up to threads - 1 others. After an exception
// no new i is started; the first one is rethrown once all threads have stopped.
void parallel_for(std::size_t n, std::size_t threads, const std::function<void(std::size_t)>& body);

}  // namespace fastbatch
