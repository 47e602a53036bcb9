// SPDX-License-Identifier: MIT
// The element types that the core converts; other types of fixed size are copied unchanged (kOpaque). Threads: any.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fastbatch {

enum class DType : std::uint8_t {
  kBool,
  kU8,
  kI8,
  kU16,
  kI16,
  kU32,
  kI32,
  kU64,
  kI64,
  kF16,
  kF32,
  kF64,
  kOpaque,  // complex, long double, fixed-size strings, records: only copied
};

// Size of one element in bytes; 0 for kOpaque, whose size is a property of the array.
constexpr std::size_t size_of(DType dtype) {
  switch (dtype) {
    case DType::kBool:
    case DType::kU8:
    case DType::kI8: return 1;
    case DType::kU16:
    case DType::kI16:
    case DType::kF16: return 2;
    case DType::kU32:
    case DType::kI32:
    case DType::kF32: return 4;
    case DType::kU64:
    case DType::kI64:
    case DType::kF64: return 8;
    case DType::kOpaque: return 0;
  }
  return 0;
}

constexpr bool is_float(DType dtype) { return dtype == DType::kF16 || dtype == DType::kF32 || dtype == DType::kF64; }

}  // namespace fastbatch
