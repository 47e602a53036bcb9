// SPDX-License-Identifier: MIT
// Work that nobody wants any more ends soon, and is no error of the data.
#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "codecs/jpeg/reader.h"
#include "codecs/png.h"
#include "common/stop.h"
#include "jpeg_writer.h"
#include "png_writer.h"
#include "source_files.h"
#include "text/count_words.h"

namespace fastbatch {
namespace {

// Set once it was asked so often.
class SetAfter final : public StopSignal {
 public:
  explicit SetAfter(int n) : left_(n) {}
  [[nodiscard]] bool is_set() const noexcept override { return left_-- <= 0; }

 private:
  mutable int left_;
};

// Decodes the whole image.
std::vector<std::uint8_t> decoded(ImageReader& reader, std::span<const std::byte> file) {
  const ImageInfo info = reader.read_header(file, kMaxPixels);
  std::vector<std::uint8_t> pixels(std::size_t{3} * info.size.width * info.size.height);
  reader.start(ColorMode::kRgb, {});
  std::size_t at = 0;
  while (const std::size_t n = reader.read_rows(pixels.data() + at, 16)) at += std::size_t{3} * info.size.width * n;
  reader.finish();
  return pixels;
}

// Stopped after any number of questions, a decode throws StoppedError, and the next one is whole again.
void check_stops(ImageReader& reader, std::span<const std::byte> file) {
  const std::vector<std::uint8_t> whole = decoded(reader, file);
  int n_stopped = 0;
  for (int n = 0; n < 100'000; ++n) {
    const SetAfter signal(n);
    const StopScope scope(signal);
    try {
      const std::vector<std::uint8_t> again = decoded(reader, file);
      CHECK(again == whole);
      break;
    } catch (const StoppedError&) {
      ++n_stopped;
    }
  }
  CHECK(n_stopped >= 8);
  CHECK(decoded(reader, file) == whole);
}

}  // namespace

TEST_CASE("a decode stops between two rows or scans") {
  const std::vector<std::uint8_t> pixels(std::size_t{3} * 64 * 160, 77);
  JpegReader jpeg;
  check_stops(jpeg, test::write_jpeg(pixels, 64, 160));
  test::JpegKind progressive;
  progressive.progressive = true;
  check_stops(jpeg, test::write_jpeg(pixels, 64, 160, progressive));
  PngReader png;
  for (const bool interlaced : {false, true}) {
    test::PngKind kind;
    kind.interlaced = interlaced;
    check_stops(png, test::write_png({40, 60}, kind));
  }
}

TEST_CASE("scopes nest, and concern their own thread only") {
  CHECK(!is_stopped());
  StopFlag outer;
  StopFlag inner;
  const StopScope scope(outer);
  outer.set();
  CHECK(is_stopped());
  CHECK_THROWS_AS(throw_if_stopped(), StoppedError);
  {
    const StopScope nested(inner);
    CHECK(!is_stopped());
  }
  CHECK(is_stopped());
  bool elsewhere = true;
  std::thread([&] { elsewhere = is_stopped(); }).join();
  CHECK(!elsewhere);
}

TEST_CASE("a stopped count of words gives no words") {
  const testing::TemporaryFolder folder;
  std::string text;
  for (int i = 0; i < 100'000; ++i) text += std::to_string(i) + " ";
  const auto paths = std::make_shared<const std::vector<std::string>>(1, folder.write("words", text));
  const TextFormat format{TextItem::kWord, TextEncoding::kUtf8, TextErrors::kStrict, 4096};
  for (const int n : {0, 1, 20, 150}) {
    TextFiles source(paths, format);
    const SetAfter stop(n);
    CHECK_THROWS_AS(count_words(source, format, 1, 10, 1, stop), StoppedError);
  }
  TextFiles source(paths, format);
  CHECK(count_words(source, format, 1, 10, 1, StopFlag()).size() == 10);
}

}  // namespace fastbatch
