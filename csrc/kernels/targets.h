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

#include <hwy/detect_compiler_arch.h>

#ifdef HWY_TARGETS
#error "kernels/targets.h comes before Highway's headers, which would choose all instruction sets"
#endif

// On x86, each instruction set costs a tenth of the time in which kernels are compiled. Left out are those
// that few CPUs need (SSE2, SSSE3: before 2011, Celerons before 2015) or that add nothing that kernels use (AVX3_ZEN4,
// AVX3_SPR and AVX10_2, which newer versions of Highway know). Elsewhere SVE: the kernels keep vectors in arrays and
// structs, which SVE's vectors cannot be, since the compiler does not know their size; such CPUs run those for NEON.
#ifndef HWY_DISABLED_TARGETS
#if HWY_ARCH_X86
#define HWY_DISABLED_TARGETS (~(HWY_AVX3 | HWY_AVX2 | HWY_SSE4 | HWY_EMU128 | HWY_SCALAR))
#else
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128)
#endif
#endif

namespace fastbatch::kernels {

// True after narrow_targets("scalar"), and on a CPU without a supported instruction set.
[[nodiscard]] bool scalar_only() noexcept;

}  // namespace fastbatch::kernels

// In a kernel file, per target: true for instruction sets, false for Highway's emulations.
#define FASTBATCH_VECTOR_TARGET (HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128)
