// SPDX-License-Identifier: MIT
// Which blocks of objects in stores the batches of an epoch will use, in their order. Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "decode/decoder.h"
#include "plan/batch_plan.h"
#include "plan/order.h"
#include "source/block_space.h"

namespace fastbatch {

struct BatchUse {
  std::uint64_t batch = 0;
  BlockUse use;
  std::uint64_t last = 0;  // the last of the batches from `batch` on that use it without a break
};

// The uses of batches [first, first + count) of the plan, as far as there are that many. A block that is used again by
// the following batch is listed once.
std::vector<BatchUse> block_uses(const std::vector<std::shared_ptr<const Decoder>>& columns, const Order& order,
                                 const BatchPlan& plan, std::uint64_t first, std::uint64_t count);

}  // namespace fastbatch
