// SPDX-License-Identifier: MIT
// Windows' header, its names of files and its error codes, for the files beside this one. Threads: any.
#pragma once

#include <windows.h>

#include <string>

namespace fastbatch {

// UTF-8 to UTF-16. Throws FileError: EINVAL with a null byte, EILSEQ for what is not UTF-8.
std::wstring wide(const std::string& path);
std::string narrow(const wchar_t* name);

// The errno of an error code of Windows, as C libraries translate it; EIO for those that they do not know.
int errno_of(DWORD error) noexcept;

}  // namespace fastbatch
