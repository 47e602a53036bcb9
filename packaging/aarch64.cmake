# SPDX-License-Identifier: MIT
# Cross-compiles for 64-bit Arm with Debian's g++-aarch64-linux-gnu; programs run under qemu-aarch64-static.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu "$ENV{FASTBATCH_PREFIX}")
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# GCC 12 warns of a copy past the end of short strings where there is none (GCC bug 105329); warnings are errors here.
set(gcc_strings "-Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread")
set(CMAKE_CXX_FLAGS_INIT "${gcc_strings}")
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
