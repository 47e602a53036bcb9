// SPDX-License-Identifier: MIT
// Damaged data under many threads: broken images in each policy, images that are dropped or closed while they are
// decoded, and mapped rows that are cut while they are read. For ThreadSanitizer and AddressSanitizer.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/error.h"
#include "common/philox.h"
#include "decode/array_decoder.h"
#include "decode/drawn_decoder.h"
#include "decode/image_decoder.h"
#include "decode/mask_decoder.h"
#include "jpeg_writer.h"
#include "loader/loader.h"
#include "source/encoded_samples.h"
#include "source/raw.h"
#include "source_files.h"

using namespace fastbatch;

namespace {

constexpr std::uint64_t kImages = 120;
constexpr std::uint64_t kEvery = 7;  // each image of this number is damaged

void require(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "stress_faults: %s\n", what);
  std::exit(1);
}

std::vector<std::byte> image(unsigned seed) {
  return test::write_jpeg(test::test_pixels(40, 30, 3, seed), 40, 30, {.progressive = seed % 2 == 0});
}

struct Blob {
  std::vector<std::byte> bytes;
  std::vector<std::uint64_t> offsets{0};
  Blob() {
    for (unsigned i = 0; i < kImages; ++i) {
      std::vector<std::byte> file = image(i);
      if (i % kEvery == 0) file.resize(i % 2 == 0 ? file.size() / 2 : 2);  // ends early, or no image
      bytes.insert(bytes.end(), file.begin(), file.end());
      offsets.push_back(bytes.size());
    }
  }
};

std::shared_ptr<Run> start(Loader& loader, std::uint64_t n, std::uint64_t epoch) {
  return loader.start(Order(n, {}, {.kind = Shuffle::kFull}, 1, epoch), BatchPlan(n, 0, {}, 8, false), {1, epoch});
}

struct Counted {
  std::uint64_t samples = 0;
  std::uint64_t bad = 0;
  bool has_failed = false;
  bool was_closed = false;
};

// Reads a run to its end, or `most` batches of it.
Counted read(Loader& loader, Run& run, std::uint64_t most = kImages) {
  Counted counted;
  try {
    while (most > 0) {
      Batch batch;
      const Loader::Status status = loader.next(run, std::chrono::milliseconds(1), batch);
      if (status == Loader::Status::kEnd) break;
      if (status == Loader::Status::kTimeout) continue;
      counted.samples += batch.samples;
      counted.bad += batch.bad.size();
      --most;
    }
  } catch (const ClosedError&) {
    counted.was_closed = true;
  } catch (const Error&) {
    counted.has_failed = true;
  }
  return counted;
}

// Images and masks, both damaged in the same samples.
void broken_images(unsigned threads, OnError on_error) {
  const Blob blob;
  const auto source = std::make_shared<EncodedSamples>(blob.bytes, blob.offsets, Names{});
  ImageOptions options;
  options.height = options.width = 16;
  const auto images = std::make_shared<ImageDecoder>(source, options);
  const std::uint64_t n_bad = (kImages + kEvery - 1) / kEvery;
  Loader loader({images, images}, {.threads = threads, .batch_size = 8, .on_error = on_error});
  std::vector<std::thread> consumers;
  for (std::uint64_t epoch = 0; epoch < 4; ++epoch) {
    consumers.emplace_back([&, epoch] {
      const auto run = start(loader, kImages, epoch);
      const Counted counted = read(loader, *run, epoch == 3 ? 2 : kImages);  // one leaves early
      loader.cancel(*run);
      if (epoch == 3) return;
      require(counted.has_failed == (on_error == OnError::kRaise), "a broken image is no error, or one too many");
      if (counted.has_failed) return;
      require(counted.bad == n_bad, "broken images are not counted once each");
      require(counted.samples == (on_error == OnError::kSkip ? kImages - n_bad : kImages), "images are missing");
    });
  }
  for (std::thread& consumer : consumers) consumer.join();
  const auto run = start(loader, kImages, 9);
  std::thread closing([&] { loader.close(); });  // while images are decoded
  const Counted counted = read(loader, *run);
  closing.join();
  require(counted.was_closed || counted.has_failed || counted.samples > 0, "closing was not noticed");
}

DrawnImage whole(ImageSize size) {
  DrawnImage drawn;
  drawn.size = size;
  drawn.crop.source = drawn.crop.wanted = {0, 0, size.width, size.height};
  drawn.crop.scaled = size;
  return drawn;
}

// Batches of files, of which every other one is dropped at once, and one of whose files is damaged.
void dropped_batches(unsigned threads) {
  const testing::TemporaryFolder folder;
  std::vector<std::string> paths;
  for (unsigned i = 0; i < 6; ++i) {
    std::vector<std::byte> file = image(i);
    if (i == 5) file.resize(file.size() / 2);
    paths.push_back(
        folder.write(std::to_string(i), {reinterpret_cast<const char*>(file.data()), file.size()}));  // NOLINT
  }
  DrawnOptions options;
  options.image.height = 30;
  options.image.width = 40;
  const auto decoder = std::make_shared<DrawnDecoder>(options, std::vector<ImageArray>{});
  Loader loader({decoder}, {.threads = threads, .batch_size = 3, .in_turns = false});
  std::vector<std::thread> consumers;
  for (unsigned c = 0; c < 3; ++c) {
    consumers.emplace_back([&, c] {
      for (unsigned round = 0; round < 20; ++round) {
        auto batch = std::make_shared<DrawnBatch>();
        for (unsigned j = 0; j < 3; ++j) {
          batch->images.push_back(whole({40, 30}));
          batch->samples.push_back(j);
          batch->paths.push_back(paths[(c + round + j) % 6]);
        }
        const bool is_damaged = (c + round) % 6 >= 3;
        const auto run = loader.start(Order(3, {}, {}, 0, 0), BatchPlan(3, 0, {}, 3, false), {decoder->add(batch), 0});
        if (round % 2 == 0) {
          batch.reset();
          loader.cancel(*run);
          continue;
        }
        const Counted counted = read(loader, *run, 1);
        require(counted.has_failed == is_damaged && counted.samples == (is_damaged ? 0 : 3), "a drawn batch is wrong");
        loader.cancel(*run);
      }
    });
  }
  for (std::thread& consumer : consumers) consumer.join();
}

// A mapped file that is cut while its rows are gathered: the error of the runs, or bad samples, and never a signal.
void cut_rows(unsigned threads, OnError on_error) {
  constexpr std::uint64_t kRows = 4096;
  constexpr std::size_t kRowBytes = 512;
  const testing::TemporaryFolder folder;
  const std::string path = folder.write("rows", std::string(kRows * kRowBytes, 'x'));
  const auto rows = std::make_shared<ArrayDecoder>(open_raw(path, "|u1", {-1, kRowBytes}), std::nullopt);
  Loader loader({rows}, {.threads = threads, .batch_size = 8, .on_error = on_error});
  std::atomic<int> n_begun{0};
  std::atomic<bool> is_cut{false};
  std::vector<std::thread> consumers;
  for (std::uint64_t c = 0; c < 2; ++c) {
    consumers.emplace_back([&, c] {
      const auto run = start(loader, kRows, c);
      Counted counted = read(loader, *run, 4);
      n_begun.fetch_add(1);
      n_begun.notify_all();
      is_cut.wait(false);
      const Counted rest = read(loader, *run, kRows);
      loader.cancel(*run);
      require(!counted.has_failed, "an error before the file was cut");
      require(rest.has_failed == (on_error == OnError::kRaise), "a cut file is no error, or one too many");
      if (on_error == OnError::kSkip) require(rest.bad > kRows / 2, "rows beyond the end are not bad");
      if (on_error == OnError::kSkip) require(counted.samples + rest.samples + rest.bad == kRows, "rows are missing");
    });
  }
  for (int n = 0; n < 2; n = n_begun.load()) n_begun.wait(n);
  std::filesystem::resize_file(path, std::uintmax_t{3} * 4096);
  is_cut = true;
  is_cut.notify_all();
  for (std::thread& consumer : consumers) consumer.join();
}

}  // namespace

int main() {
  for (const unsigned threads : {1U, 2U, 5U}) {
    for (const OnError on_error : {OnError::kRaise, OnError::kSkip, OnError::kReplace})
      broken_images(threads, on_error);
    dropped_batches(threads);
    cut_rows(threads, OnError::kRaise);
    cut_rows(threads, OnError::kSkip);
  }
  std::puts("stress_faults: ok");
}
