// SPDX-License-Identifier: MIT
#include "platform/posix/differences.h"

#include <fcntl.h>
#include <sys/mman.h>

#include "platform/file.h"

namespace fastbatch {

timespec modification_time(const struct stat& status) noexcept { return status.st_mtim; }

void use_huge_pages(void* memory, std::size_t bytes) noexcept { ::madvise(memory, bytes, MADV_HUGEPAGE); }

void advise_sequential(FileHandle file) noexcept {
  static_cast<void>(::posix_fadvise(static_cast<int>(file), 0, 0, POSIX_FADV_SEQUENTIAL));
}

}  // namespace fastbatch
