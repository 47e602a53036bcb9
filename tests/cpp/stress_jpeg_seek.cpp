// SPDX-License-Identifier: MIT
// Many threads decode parts of the same JPEGs with one seek index, too small for all: for ThreadSanitizer and
// AddressSanitizer.
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <vector>

#include "codecs/jpeg/reader.h"
#include "codecs/jpeg/seek_index.h"
#include "codecs/jpeg/turbo_reader.h"
#include "common/digest.h"
#include "common/philox.h"
#include "jpeg_outcome.h"
#include "jpeg_writer.h"

using namespace fastbatch;

namespace {

constexpr unsigned kWidth = 120, kHeight = 96;
constexpr std::size_t kFiles = 8, kParts = 6, kThreads = 6;
constexpr int kRounds = 150;
constexpr std::size_t kSomeBytes = 6000;  // of the index: of five files

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "stress_jpeg_seek: %s\n", what);
  std::exit(1);
}

ImagePart part_of(std::size_t i) { return {{10 * i, 80 - 15 * i, 20 + 8 * i, 16}, 1}; }

}  // namespace

int main() {
  std::vector<std::vector<std::byte>> files;
  std::vector<test::Outcome> expected;
  TurboReader turbo;
  for (unsigned i = 0; i < kFiles; ++i) {
    files.push_back(test::write_jpeg(test::test_pixels(kWidth, kHeight, 3, i), kWidth, kHeight));
    for (std::size_t part = 0; part < kParts; ++part) {
      expected.push_back(test::outcome_of(turbo, files[i], ColorMode::kRgb, part_of(part)));
    }
  }
  const auto index = std::make_shared<JpegSeekIndex>(kSomeBytes);
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      JpegReader reader;
      reader.use_index(index);
      Stream random(t, 0, 0);
      for (int round = 0; round < kRounds; ++round) {
        const std::size_t i = random.below(kFiles);
        const std::size_t part = random.below(kParts);
        require(test::outcome_of(reader, files[i], ColorMode::kRgb, part_of(part)) == expected[i * kParts + part],
                "other pixels");
        require(index->memory_bytes() <= kSomeBytes, "too much memory");
        if (random.below(20) == 0) index->remove(digest_of(files[random.below(kFiles)]));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  require(index->n_uses() > 0, "no point was used");
  std::puts("stress_jpeg_seek: ok");
}
