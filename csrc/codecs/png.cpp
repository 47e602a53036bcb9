// SPDX-License-Identifier: MIT
#include "codecs/png.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "codecs/png_chunks.h"
#include "codecs/png_deep.h"
#include "codecs/png_pixels.h"
#include "codecs/png_rows.h"
#include "codecs/registry.h"
#include "common/error.h"

namespace fastbatch {
namespace {

struct Free {
  void operator()(std::uint8_t* memory) const { std::free(memory); }  // NOLINT: of calloc()
};

// The packed pixels of an interlaced image, in the rows of the whole image. The kernel clears the memory when it is
// touched, so that a file with a large size in its header and little data uses little memory.
class Canvas {
 public:
  Canvas(ImageSize size, unsigned bits)
      : bits_(bits),
        stride_((std::size_t{size.width} * bits + 7) / 8),
        memory_(static_cast<std::uint8_t*>(std::calloc(size.height, stride_))) {  // NOLINT: cleared lazily
    if (memory_ == nullptr) throw std::bad_alloc();
  }
  [[nodiscard]] const std::uint8_t* row(std::size_t y) const { return memory_.get() + y * stride_; }

  void put(const PngPass& pass, std::uint32_t i, const std::uint8_t* packed) {
    std::uint8_t* dst = memory_.get() + (pass.y + std::size_t{i} * pass.dy) * stride_;
    if (bits_ >= 8) {
      const std::size_t bytes = bits_ / 8;
      for (std::size_t k = 0; k < pass.size.width; ++k) {
        std::copy_n(packed + k * bytes, bytes, dst + (pass.x + k * pass.dx) * bytes);
      }
      return;
    }
    const unsigned most = (1U << bits_) - 1;
    for (std::size_t k = 0; k < pass.size.width; ++k) {
      const std::size_t from = k * bits_;
      const std::size_t to = (pass.x + k * pass.dx) * bits_;
      const unsigned sample = packed[from / 8] >> (8 - bits_ - from % 8) & most;
      dst[to / 8] = static_cast<std::uint8_t>(dst[to / 8] | sample << (8 - bits_ - to % 8));
    }
  }

 private:
  unsigned bits_;
  std::size_t stride_;
  std::unique_ptr<std::uint8_t, Free> memory_;
};

}  // namespace

bool is_png(std::span<const std::byte> file) noexcept { return text_of(file).starts_with("\x89PNG\r\n\x1A\n"); }

struct PngReader::State {
  std::optional<PngChunks> chunks;
  std::optional<PngPixels> pixels;    // converts to 8 bits,
  std::optional<PngDeepPixels> deep;  // or keeps 16
  PngRows rows;
  std::optional<Canvas> canvas;     // for an interlaced image
  std::vector<std::uint8_t> black;  // one row
  std::size_t pixel_bytes = 0;      // bytes per pixel of the mode
  Window window{};
  std::size_t row = 0;  // next row of the image

  const std::uint8_t* next_row() {
    const std::size_t y = row++;
    if (canvas) return canvas->row(y);
    if (!black.empty()) return black.data();
    const std::uint8_t* packed = rows.next();
    if (packed != nullptr) return packed;
    black.assign((std::size_t{chunks->size().width} * png_bits_of_pixel(*chunks) + 7) / 8, 0);
    return black.data();
  }
  void deinterlace(const std::vector<PngPass>& passes) {
    canvas.emplace(chunks->size(), png_bits_of_pixel(*chunks));
    for (const PngPass& pass : passes) {
      for (std::uint32_t i = 0; pass.size.width != 0 && i < pass.size.height; ++i) {
        const std::uint8_t* packed = rows.next();
        if (packed == nullptr) return;
        canvas->put(pass, i, packed);
      }
    }
  }
};

PngReader::PngReader() : state_(std::make_unique<State>()) {}
PngReader::PngReader(PngReader&&) noexcept = default;
PngReader& PngReader::operator=(PngReader&&) noexcept = default;
PngReader::~PngReader() = default;

ImageInfo PngReader::read_header(std::span<const std::byte> file, std::uint64_t max_pixels) {
  State& state = *state_;
  state.canvas.reset();
  state.pixels.reset();
  state.deep.reset();
  state.rows.close();
  state.chunks.reset();
  check_format(is_png(file), "PNG", file);
  state.chunks.emplace(file, max_pixels);
  const PngChunks& chunks = *state.chunks;
  return {.size = chunks.size(),
          .mode = png_mode_of(chunks),
          .orientation = chunks.orientation(),
          .element = chunks.depth() == 16 ? DType::kU16 : DType::kU8,
          .channels = png_bits_of_pixel(chunks) / chunks.depth()};
}

ImageRows PngReader::start(ColorMode mode, const ImagePart& part) {
  State& state = *state_;
  const PngChunks& chunks = *state.chunks;
  const ImageSize size = chunks.size();
  if (part.is_deep) {
    state.deep.emplace(chunks, mode);
    state.pixel_bytes = state.deep->channels() * sizeof(std::uint16_t);
  } else {
    state.deep.reset();
    state.pixels.emplace(chunks, mode);
    state.pixel_bytes = pixel_bytes_of(mode);
  }
  state.black.clear();
  const bool all = part.window.width == 0 || part.window.height == 0;
  state.window = all ? Window{0, 0, size.width, size.height} : part.window;
  const std::vector<PngPass> passes = png_passes(size, chunks.interlaced());
  state.rows.open(passes, png_bits_of_pixel(chunks), chunks.pixels());
  state.row = 0;
  if (chunks.interlaced()) state.deinterlace(passes);
  return {size, 1, state.window};
}

std::size_t PngReader::read_rows(std::uint8_t* rows, std::size_t n) {
  State& state = *state_;
  while (state.row < state.window.y) state.next_row();
  const std::size_t wanted = std::min(n, state.window.y + state.window.height - state.row);
  for (std::size_t i = 0; i < wanted; ++i) {
    const std::uint8_t* const packed = state.next_row();
    if (state.deep) {
      state.deep->convert(packed, state.window.x, state.window.width, rows);
    } else {
      state.pixels->convert(packed, state.window.x, state.window.width, rows);
    }
    rows += state.window.width * state.pixel_bytes;
  }
  return wanted;
}

void PngReader::check(ColorMode mode) {
  State& state = *state_;
  const PngChunks& chunks = *state.chunks;
  state.deep.reset();
  state.pixels.emplace(chunks, mode);  // refuses modes
  const std::vector<PngPass> passes = png_passes(chunks.size(), chunks.interlaced());
  state.rows.open(passes, png_bits_of_pixel(chunks), chunks.pixels());
  std::uint64_t left = 0;  // rows of all passes
  for (const PngPass& pass : passes) left += pass.size.width == 0 ? 0 : pass.size.height;
  while (left > 0 && state.rows.pass()) --left;
  state.row = chunks.size().height;
  finish();
}

void PngReader::finish() {
  State& state = *state_;
  const bool all_read = state.row == state.chunks->size().height;
  const std::size_t last = state.rows.last_piece();
  state.canvas.reset();
  state.rows.close();
  if (all_read) state.chunks->check_rest(last);
}

}  // namespace fastbatch
