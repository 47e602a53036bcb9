// SPDX-License-Identifier: MIT
// The libraries that the core is linked with. Threads: any.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace fastbatch {

// Name and version of each: of zlib and libwebp as loaded, of the others as in their headers.
std::vector<std::pair<std::string, std::string>> library_versions();

}  // namespace fastbatch
