// SPDX-License-Identifier: MIT
// Many threads start, read, abandon and close loaders at once: for ThreadSanitizer and AddressSanitizer.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "common/philox.h"
#include "loader/loader.h"
#include "number_decoder.h"

using namespace fastbatch;

namespace {

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "stress_loader: %s\n", what);
  std::exit(1);
}

const std::set<std::uint64_t> kBroken{0, 1, 2, 17, 500, 501, 777, 1200, 1999};

// Reads a random part of a run, checks it, and leaves it. Only a loader that does not raise has broken samples.
void consume(Loader& loader, std::uint64_t n, std::uint64_t seed, OnError on_error) {
  Stream random(seed, 0, 0);
  for (int round = 0; round < 40; ++round) {
    const std::uint64_t epoch = random.below(1000);
    const std::uint64_t position = random.below(n);
    const Order order(n, {}, {.kind = Shuffle::kFull}, seed, epoch);
    const auto run = loader.start(order, BatchPlan(n, position, {}, 16, false), {seed, epoch});
    std::uint64_t wanted = random.below(n / 16);
    std::vector<Batch> kept;
    for (std::uint64_t at = position; wanted > 0;) {
      Batch batch;
      const Loader::Status status = loader.next(*run, std::chrono::milliseconds(1), batch);
      if (status == Loader::Status::kEnd) break;
      if (status == Loader::Status::kTimeout) continue;
      std::size_t j = 0;
      for (std::size_t left = batch.samples + (on_error == OnError::kSkip ? batch.bad.size() : 0); left > 0; --left) {
        const std::uint64_t expected = order.at(at++);
        const bool broken = on_error != OnError::kRaise && kBroken.contains(expected);
        if (broken && on_error == OnError::kSkip) continue;
        std::uint64_t value = 0;
        std::memcpy(&value, batch.columns[0].data() + j++ * sizeof value, sizeof value);
        require(broken ? !kBroken.contains(value) : value == expected, "a sample is not in its place");
      }
      require(j == batch.samples, "samples are missing");
      if (random.below(4) == 0) kept.push_back(std::move(batch));
      --wanted;
    }
    loader.cancel(*run);
  }
}

}  // namespace

int main() {
  constexpr std::uint64_t kSamples = 2000;
  constexpr OnError kPolicies[] = {OnError::kRaise, OnError::kSkip, OnError::kReplace};
  for (unsigned threads = 1; threads <= 6; ++threads) {
    const OnError on_error = kPolicies[threads % 3];
    const auto broken = on_error == OnError::kRaise ? std::set<std::uint64_t>{} : kBroken;
    Loader loader({std::make_shared<NumberDecoder>(kSamples, threads, broken)},
                  {.threads = threads, .batch_size = 16, .on_error = on_error});
    std::vector<std::thread> consumers;
    for (std::uint64_t c = 0; c < 3; ++c)
      consumers.emplace_back([&loader, c, on_error] { consume(loader, kSamples, c, on_error); });
    for (std::thread& consumer : consumers) consumer.join();
    const auto unread = loader.start(Order(kSamples, {}, {}, 0, 0), BatchPlan(kSamples, 0, {}, 16, false), {});
    require(loader.stats().threads == threads, "stats are wrong");
  }
  std::puts("stress_loader: ok");
}
