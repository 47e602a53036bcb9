// SPDX-License-Identifier: MIT
#include "loader/block_uses.h"

#include <algorithm>
#include <map>
#include <utility>

namespace fastbatch {

std::vector<BatchUse> block_uses(const std::vector<std::shared_ptr<const Decoder>>& columns, const Order& order,
                                 const BatchPlan& plan, std::uint64_t first, std::uint64_t count) {
  const std::uint64_t end = first + std::min(count, plan.n_batches() - std::min(first, plan.n_batches()));
  std::vector<BatchUse> found;
  std::vector<std::uint64_t> indices;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t>
      before;  // of the last batch: where they are in `found`
  for (std::uint64_t batch = first; batch < end; ++batch) {
    indices.resize(static_cast<std::size_t>(plan.batch_size(batch)));
    plan.indices(order, batch, 0, indices);
    UseCollector collector;
    for (const auto& column : columns) static_cast<void>(column->advise(indices));
    decltype(before) now;
    for (const BlockUse& use : collector.uses) {
      const std::pair block{use.space, use.block};
      if (now.contains(block)) continue;
      const auto earlier = before.find(block);
      if (earlier == before.end()) {
        now.emplace(block, found.size());
        found.push_back({batch, use, batch});
      } else {
        now.insert(*earlier);
        found[earlier->second].last = batch;
      }
    }
    before = std::move(now);
  }
  return found;
}

}  // namespace fastbatch
