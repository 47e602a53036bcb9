// SPDX-License-Identifier: MIT
// Threads read ahead while others share a run, leave it and close it: for ThreadSanitizer and AddressSanitizer.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "temporary_folder.h"
#include "text/run.h"

using namespace fastbatch;

namespace {

constexpr std::uint64_t kWords = 20000;

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "stress_text: %s\n", what);
  std::exit(1);
}

// Adds up the numbers in batches until the end, or until `most` batches are there.
void consume(TextRun& run, std::uint64_t most, std::uint64_t& sum) {
  TextBatch batch;
  while (most > 0) {
    TextRun::Status status{};
    try {
      status = run.next(std::chrono::milliseconds(1), batch);
    } catch (const ClosedError&) {
      return;
    }
    if (status == TextRun::Status::kEnd) return;
    if (status == TextRun::Status::kTimeout) continue;
    for (const TextBatch::Part& part : batch.parts) {
      for (std::size_t i = part.first; i < part.first + part.n; ++i) {
        const std::uint32_t* span = part.block->spans.get() + 2 * i;
        const char* text = reinterpret_cast<const char*>(part.block->text.data());
        sum += std::stoull(std::string(text + span[0], text + span[1]));
      }
    }
    --most;
  }
}

}  // namespace

int main() {
  std::string words;
  for (std::uint64_t i = 0; i < kWords; ++i) words += std::to_string(i) + (i % 9 == 0 ? "\n" : " ");
  const testing::TemporaryFolder folder;
  const auto paths = std::make_shared<const std::vector<std::string>>(1, folder.write("words", words));
  const TextFormat format{TextItem::kWord, TextEncoding::kUtf8, TextErrors::kStrict, 256};
  for (unsigned threads = 1; threads <= 4; ++threads) {
    for (int round = 0; round < 10; ++round) {
      TextRun run(std::make_unique<TextFiles>(paths, format),
                  {.format = format, .batch_size = 10, .threads = threads, .blocks_ahead = 3});
      std::uint64_t sums[3] = {};
      std::vector<std::thread> consumers;
      const bool is_whole = round % 2 == 0;
      for (std::uint64_t& sum : sums) {
        consumers.emplace_back([&] { consume(run, is_whole ? kWords : 50, sum); });
      }
      if (round % 4 == 1) run.close();
      for (std::thread& consumer : consumers) consumer.join();
      if (is_whole) require(sums[0] + sums[1] + sums[2] == kWords * (kWords - 1) / 2, "words are missing");
    }
  }
  std::puts("stress_text: ok");
}
