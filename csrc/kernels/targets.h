// SPDX-License-Identifier: MIT
// Shared by the kernel files: the choice of the plain C++ path, and a test for Highway targets with vectors.
// The structure of a kernel file (foreach_target.h includes it once per instruction set):
//   #undef HWY_TARGET_INCLUDE
//   #define HWY_TARGET_INCLUDE "kernels/copy.cpp"   // this file, from the include root
//   #include <hwy/foreach_target.h>                 // before highway.h
//   #include <hwy/highway.h>
//   HWY_BEFORE_NAMESPACE();
//   namespace fastbatch::kernels::HWY_NAMESPACE {
//   #if FASTBATCH_VECTOR_TARGET
//   void Swap(...) { ... hwy::HWY_NAMESPACE operations ... }
//   #else
//   void Swap(...) { swap_scalar(...); }              // HWY_SCALAR and HWY_EMU128 only fill the table
//   #endif
//   }  // namespace
//   HWY_AFTER_NAMESPACE();
//   #if HWY_ONCE
//   HWY_EXPORT(Swap);
//   void swap(...) { return scalar_only() ? swap_scalar(...) : HWY_DYNAMIC_DISPATCH(Swap)(...); }
//   #endif
// Threads: any, except while narrow_targets() runs.
#pragma once

// Before Highway's headers: the kernels keep vectors in arrays and structs, which SVE's vectors cannot be: the compiler
// does not know their size. CPUs with SVE run the kernels for NEON. (On x86 there are no such targets.)
#ifndef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif

namespace fastbatch::kernels {

// True after narrow_targets("scalar"), and on a CPU without a supported instruction set.
[[nodiscard]] bool scalar_only() noexcept;

}  // namespace fastbatch::kernels

// In a kernel file, per target: true for instruction sets, false for Highway's emulations.
#define FASTBATCH_VECTOR_TARGET (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
