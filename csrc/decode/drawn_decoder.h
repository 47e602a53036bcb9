// SPDX-License-Identifier: MIT
// Images whose random numbers the caller has drawn -> slots: decoded, cropped and resized, flipped, changed, and
// converted by a table. The caller adds one batch after the other, and starts a run for each: its key's seed is the
// number of the batch, and its samples are numbered from 0.
// Threads: add() from any; decode() from any, which finds a batch as long as its owner lives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "codecs/file_reader.h"
#include "codecs/jpeg/seek_index.h"
#include "decode/decoder.h"
#include "image/drawn_image.h"
#include "image/options.h"
#include "image/pixel_table.h"

namespace fastbatch {

// Threads: immutable once added.
struct DrawnBatch {
  std::vector<DrawnImage> images;
  std::vector<std::uint64_t> samples;  // numbers in the data set, for messages; of arrays of images: the images'
  std::vector<std::string> paths;      // of files; empty for arrays of images
  std::vector<std::byte> erasing;      // an element per channel, for the erased rectangles
};

// (n, height, width, channels) of uint8 with any strides, in bytes; whoever makes the decoder keeps it alive.
struct ImageArray {
  const std::uint8_t* data = nullptr;
  std::size_t n = 0, height = 0, width = 0;
  std::ptrdiff_t image_stride = 0, row_stride = 0, pixel_stride = 0, channel_stride = 0;
};

struct DrawnOptions {
  ImageOptions image{};  // height, width, filter, color, exact, dct_scale, pad_value, max_pixels, seek_index_bytes; of
                         // a crop, none
  // None: the slot is the pixels, interleaved. Of one channel: the images are grey, and one of their channels is taken.
  std::optional<PixelTable> table{};
  bool planes = true;  // with a table: one channel after the other
};

class DrawnDecoder : public Decoder {
 public:
  // The arrays are one after the other, of images of one size; none: the images are files. Throws
  // std::invalid_argument if the options contradict each other, or the arrays' sizes do.
  DrawnDecoder(DrawnOptions options, const std::vector<ImageArray>& arrays, MakeImageReader make_external = {});

  // Returns the number of the batch, for the key of its run. The caller owns the batch. Throws std::invalid_argument.
  std::uint64_t add(const std::shared_ptr<const DrawnBatch>& batch);

  [[nodiscard]] std::uint64_t size() const noexcept override { return std::uint64_t{1} << 62U; }
  [[nodiscard]] std::size_t slot_bytes() const noexcept override;
  [[nodiscard]] std::size_t chunk_samples() const noexcept override;
  [[nodiscard]] bool is_brief() const noexcept override { return chunk_samples() > 1; }
  [[nodiscard]] std::unique_ptr<Workspace> workspace() const override;
  void decode(std::span<const std::uint64_t> indices, StreamKey key, std::byte* slots, Workspace& workspace,
              std::size_t& failed_at) const override;

 private:
  struct Scratch;
  [[nodiscard]] std::shared_ptr<const DrawnBatch> batch(std::uint64_t number) const;
  void decode_one(const DrawnBatch& batch, std::size_t j, std::byte* slot, Scratch& scratch) const;
  void crop_file(const std::string& path, const DrawnImage& image, Scratch& scratch, std::uint8_t* pixels) const;
  void crop_array(std::uint64_t index, const DrawnImage& image, Scratch& scratch, std::uint8_t* pixels) const;

  const DrawnOptions options_;
  const std::size_t channels_;
  std::vector<ImageArray> arrays_;     // empty: the images are files
  std::vector<std::uint64_t> starts_;  // the first image of each, then the number of images
  const MakeImageReader make_external_;
  const std::shared_ptr<JpegSeekIndex> index_;  // null: none

  mutable std::mutex mutex_;  // guards the following
  std::unordered_map<std::uint64_t, std::weak_ptr<const DrawnBatch>> batches_;
  std::uint64_t next_ = 0;
};

}  // namespace fastbatch
