// SPDX-License-Identifier: MIT
// A parallel loop, with threads that live as long as the loop.
#pragma once

#include <cstddef>
#include <functional>

namespace fastbatch {

// body(i) once for every i < n, in any order, on the caller's thread and up to threads - 1 others. After an exception
// no new i is begun; the first one is rethrown once all threads have stopped.
void parallel_for(std::size_t n, std::size_t threads, const std::function<void(std::size_t)>& body);

}  // namespace fastbatch
