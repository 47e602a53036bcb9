// SPDX-License-Identifier: MIT
#include "platform/posix/differences.h"

#include <fcntl.h>

#include "platform/file.h"

namespace fastbatch {

timespec modification_time(const struct stat& status) noexcept { return status.st_mtimespec; }

void use_huge_pages(void*, std::size_t) noexcept {}  // macOS chooses the size of pages itself

void advise_sequential(FileHandle file) noexcept { static_cast<void>(::fcntl(static_cast<int>(file), F_RDAHEAD, 1)); }

}  // namespace fastbatch
