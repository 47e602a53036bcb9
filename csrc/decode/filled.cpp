// SPDX-License-Identifier: MIT
#include "decode/filled.h"

#include <utility>

namespace fastbatch {
namespace {

thread_local constinit std::vector<std::exception_ptr>* current = nullptr;

}  // namespace

FilledScope::FilledScope(std::vector<std::exception_ptr>& notes) noexcept : outer_(std::exchange(current, &notes)) {}

FilledScope::~FilledScope() { current = outer_; }

void note_filled(std::exception_ptr error) {
  if (current != nullptr) current->push_back(std::move(error));
}

}  // namespace fastbatch
