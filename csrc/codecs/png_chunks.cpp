// SPDX-License-Identifier: MIT
#include "codecs/png_chunks.h"

#include <libdeflate.h>

#include <algorithm>
#include <limits>
#include <string>

#include "codecs/exif.h"
#include "codecs/png_text.h"
#include "codecs/reader.h"
#include "common/error.h"
#include "source/load.h"

namespace fastbatch {
namespace {

using namespace std::string_view_literals;

constexpr std::size_t kSignatureBytes = 8;
constexpr std::size_t kHeaderBytes = 13;
constexpr std::uint64_t kMostTextBytes = std::uint64_t{64} << 20U;
constexpr auto kMostFrames = 0x80000000U;

[[noreturn]] void fail(const std::string& what) { throw DecodeError({}, "broken PNG: " + what); }

[[noreturn]] void ends_early(std::string_view type) {
  throw DecodeError(
      {}, "PNG ends early: expected the rest of a chunk " + std::string(type) + ", found the end of the file");
}

bool is_word(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '0' && letter <= '9') ||
         letter == '_';
}

bool holds_pixels(std::string_view type) { return type == "IDAT" || type == "DDAT" || type == "fdAT"; }

unsigned samples_of(unsigned color) {
  switch (color) {
    case 2: return 3;
    case 4: return 2;
    case 6: return 4;
    default: return 1;
  }
}

bool is_kind(unsigned depth, unsigned color) {
  switch (color) {
    case 0: return depth == 1 || depth == 2 || depth == 4 || depth == 8 || depth == 16;
    case 3: return depth == 1 || depth == 2 || depth == 4 || depth == 8;
    case 2:
    case 4:
    case 6: return depth == 8 || depth == 16;
    default: return false;
  }
}

// The only transparent index, if all others are opaque.
std::optional<std::size_t> only_hidden(std::string_view alphas) {
  if (alphas.ends_with('\n')) alphas.remove_suffix(1);  // Pillow's pattern ends in "$": also before a line break
  const std::size_t hidden = alphas.find('\0');
  if (hidden == std::string_view::npos) return std::nullopt;
  const bool others_shown = alphas.find_first_not_of('\xFF') == hidden &&
                            alphas.find_first_not_of('\xFF', hidden + 1) == std::string_view::npos;
  return others_shown ? std::optional(hidden) : std::nullopt;
}

// The minimum length of a chunk type; 0 if it has none.
std::size_t least_length(std::string_view type) {
  if (type == "gAMA") return 4;
  if (type == "cHRM") return 32;
  if (type == "sRGB") return 1;
  if (type == "pHYs") return 9;
  if (type == "acTL") return 8;
  if (type == "fcTL") return 26;
  if (type == "IHDR") return kHeaderBytes;
  return 0;
}

}  // namespace

PngChunks::PngChunks(std::span<const std::byte> file, std::uint64_t max_pixels) : file_(file), at_(kSignatureBytes) {
  read_to_pixels();
  if (is_odd_) {
    throw UnsupportedError({}, "unsupported PNG: expected one header before all other chunks, found another order");
  }
  if (depth_ == 0) fail("expected a header, found none of a kind that is known");
  if (size_.width == 0 || size_.height == 0) fail("expected at least one pixel, found none");
  const bool is_beyond = size_.width > 0x7FFFFFFFU || size_.height > 0x7FFFFFFFU;  // PNG's own limit
  check_pixels(size_, is_beyond ? std::min(max_pixels, size_.pixels() - 1) : max_pixels);
  if (size_.width > std::numeric_limits<std::int32_t>::max() / (depth_ * samples_of(color_)) - 7) {
    fail("a row of " + std::to_string(size_.width) + " pixels is too long");
  }
  if (frame_ && *frame_ != std::array<std::uint32_t, 4>{0, 0, size_.width, size_.height}) {
    throw UnsupportedError({}, "unsupported PNG: an animation whose first frame is a part of the image");
  }
}

std::optional<PngChunks::Chunk> PngChunks::next() {
  const std::span<const std::byte> left = file_.subspan(std::min(at_, file_.size()));
  if (left.size() < 8) return std::nullopt;
  const std::string_view type = text_of(left.subspan(4, 4));
  if (!std::ranges::all_of(type, is_word)) return std::nullopt;
  const std::size_t length = load_big<std::uint32_t>(left, 0);
  at_ += 8 + length + 4;
  return Chunk{type, left.subspan(8, std::min(length, left.size() - 8)), length};
}

void PngChunks::read_to_pixels() {
  for (;;) {
    const std::size_t start = at_;
    const std::optional<Chunk> chunk = next();
    if (!chunk) fail("expected a chunk at byte " + std::to_string(start) + ", found none");
    if (chunk->type == "IEND") fail("expected pixels, found the end of the image");
    if (chunk->type == "IDAT" || chunk->type == "fdAT") return read_pixels(*chunk);
    if (!chunk->whole()) ends_early(chunk->type);
    take(*chunk);
    const std::span<const std::byte> checked = file_.subspan(start + 4, 4 + chunk->length);
    const std::size_t checksum = start + 8 + chunk->length;
    if (file_.size() - checksum < 4) ends_early(chunk->type);
    if (libdeflate_crc32(0, checked.data(), checked.size()) != load_big<std::uint32_t>(file_, checksum)) {
      fail("the checksum of a chunk " + std::string(chunk->type) + " is wrong");
    }
  }
}

void PngChunks::read_pixels(Chunk chunk) {
  is_odd_ |= header_.empty();
  before_pixels_ = false;
  std::optional<Chunk> here = chunk;
  try {
    for (; here && holds_pixels(here->type); here = next()) {
      if (here->type == "fdAT") take(*here);
      pixels_.push_back(here->type == "fdAT" ? here->data.subspan(4) : here->data);
      whole_.push_back(here->whole());
    }
    read_rest(here);
  } catch (const DecodeError& error) {
    if (pixels_.empty()) throw;
    rest_error_ = error.message();
  }
}

void PngChunks::read_rest(std::optional<Chunk> chunk) {
  const bool has_default = !frame_ && n_frames_;
  const std::uint64_t n_frames = std::uint64_t{n_frames_.value_or(1)} + (has_default ? 1 : 0);
  for (; chunk && chunk->type != "IEND"; chunk = next()) {
    if (chunk->type == "fcTL" && n_frames > 1) return;
    if (!chunk->whole() && chunk->type != "fdAT") ends_early(chunk->type);
    take(*chunk);
    if (!chunk->whole()) ends_early(chunk->type);
  }
}

void PngChunks::check_rest(std::size_t last) const {
  for (std::size_t i = last + 1; i < whole_.size(); ++i) {
    if (!whole_[i]) ends_early("IDAT");
  }
  if (!rest_error_.empty()) throw DecodeError({}, rest_error_);
}

void PngChunks::take(const Chunk& chunk) {
  const std::string_view type = chunk.type;
  if (chunk.length < least_length(type)) {
    fail("expected at least " + std::to_string(least_length(type)) + " bytes in a chunk " + std::string(type) +
         ", found " + std::to_string(chunk.length));
  }
  if (type == "IHDR") return take_header(chunk);
  if (type == "PLTE" || type == "tRNS") {
    is_odd_ |= header_.empty();
    has_colors_ = true;
  }
  if (type == "PLTE" && before_pixels_ && color_ == 3) palette_ = chunk.data;
  if (type == "tRNS") return take_transparency(chunk);
  if (type == "iCCP") return take_profile(chunk);
  if (type == "tEXt" || type == "zTXt") return take_text(chunk);
  if (type == "iTXt") return take_international_text(chunk);
  if (type == "eXIf") exif_ = chunk.data;
  if (type == "acTL" || type == "fcTL" || type == "fdAT") take_frame(chunk);
}

void PngChunks::take_header(const Chunk& chunk) {
  const auto number = [&](std::size_t i) { return std::to_integer<unsigned>(chunk.data[i]); };
  if (number(11) != 0) fail("expected filter method 0, found " + std::to_string(number(11)));
  if (!before_pixels_) return;
  const std::string_view header = text_of(chunk.data);
  is_odd_ |= has_colors_ && header_ != header;
  header_ = header;
  size_ = {load_big<std::uint32_t>(chunk.data, 0), load_big<std::uint32_t>(chunk.data, 4)};
  if (is_kind(number(8), number(9))) {
    depth_ = number(8);
    color_ = number(9);
  }
  if (number(12) != 0) interlaced_ = true;
}

void PngChunks::take_transparency(const Chunk& chunk) {
  if (depth_ == 0 || color_ == 4 || color_ == 6) return;
  using Kind = PngTransparency::Kind;
  if (color_ == 3) {
    const std::string_view alphas = text_of(chunk.data);
    if (const std::optional<std::size_t> hidden = only_hidden(alphas)) {
      transparency_ = {.kind = Kind::kIndex, .index = *hidden};
    } else {
      transparency_ = {.kind = Kind::kAlphas, .alphas = chunk.data};
    }
    return;
  }
  const std::size_t n = color_ == 2 ? 3 : 1;
  if (chunk.length < 2 * n)
    fail("expected " + std::to_string(2 * n) + " bytes in a chunk tRNS, found " + std::to_string(chunk.length));
  transparency_ = {.kind = Kind::kColor};
  // Pillow compares the pixels, as 8 bits, with the low byte.
  for (std::size_t i = 0; i < n; ++i) {
    const auto value = load_big<std::uint16_t>(chunk.data, 2 * i);
    const unsigned shown = color_ == 0 && depth_ == 1 ? (value != 0 ? 255U : 0U) : value;
    transparency_.color[i] = static_cast<std::uint8_t>(shown & 255U);
    transparency_.deep_color[i] = value;
  }
}

void PngChunks::take_profile(const Chunk& chunk) {
  const std::string_view data = text_of(chunk.data);
  const std::size_t method = data.find('\0') + 1;  // 0 if there is no name
  if (method >= data.size()) fail("a chunk iCCP ends early");
  if (data[method] != 0) fail("expected compression method 0 in a chunk iCCP");
  inflate_png_text(data.substr(method + 1), "iCCP");
}

void PngChunks::take_text(const Chunk& chunk) {
  const std::string_view data = text_of(chunk.data);
  const std::size_t end = data.find('\0');
  const std::string_view key = data.substr(0, end);
  std::string_view value = end == std::string_view::npos ? ""sv : data.substr(end + 1);
  std::string inflated;
  if (chunk.type == "zTXt") {
    if (!value.empty() && value[0] != 0) fail("expected compression method 0 in a chunk zTXt");
    if (!value.empty()) value.remove_prefix(1);
    inflated = inflate_png_text(value, "zTXt").value_or("");
    value = inflated;
  } else if (key == "exif") {
    exif_ = chunk.data.subspan(std::min(chunk.data.size(), key.size() + 1));
  }
  if (!key.empty()) keep_text(key, value);
}

void PngChunks::take_international_text(const Chunk& chunk) {
  std::string_view rest = text_of(chunk.data);
  const auto cut = [&rest]() -> std::optional<std::string_view> {
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view head = rest.substr(0, end);
    rest.remove_prefix(end + 1);
    return head;
  };
  const std::optional<std::string_view> key = cut();
  if (!key || rest.size() < 2) return;
  const bool compressed = rest[0] != 0;
  const bool known = rest[1] == 0;
  rest.remove_prefix(2);
  if (!cut() || !cut() || (compressed && !known)) return;  // language, translated key
  if (!compressed) return keep_text(*key, rest);
  if (const std::optional<std::string> inflated = inflate_png_text(rest, "iTXt")) keep_text(*key, *inflated);
}

void PngChunks::keep_text(std::string_view key, std::string_view value) {
  if (key == "XML:com.adobe.xmp") xmp_ = value;
  if (key == "Raw profile type exif") exif_text_ = value;
  text_bytes_ += value.size();
  if (text_bytes_ > kMostTextBytes)
    fail("expected at most " + std::to_string(kMostTextBytes) + " bytes of text, found more");
}

void PngChunks::take_sequence_number(std::uint32_t number) {
  const bool follows = sequence_ ? std::uint64_t{*sequence_} + 1 == number : number == 0;
  if (!follows) fail("the frames of the animation are out of sequence");
  sequence_ = number;
}

void PngChunks::take_frame(const Chunk& chunk) {
  const auto number = [&](std::size_t offset) { return load_big<std::uint32_t>(chunk.data, offset); };
  if (chunk.type == "acTL") {
    const bool again = n_frames_.has_value();
    n_frames_.reset();
    if (!again && number(0) != 0 && number(0) <= kMostFrames) n_frames_ = number(0);
    return;
  }
  if (chunk.type == "fdAT") {
    if (chunk.length < 4) fail("a chunk fdAT ends early");
    if (chunk.data.size() < 4) ends_early(chunk.type);
    if (!sequence_) fail("a chunk fdAT without a frame");
    return take_sequence_number(number(0));
  }
  take_sequence_number(number(0));
  const std::uint64_t x = number(12), y = number(16), width = number(4), height = number(8);
  if (x + width > size_.width || y + height > size_.height) fail("a frame of the animation does not lie in the image");
  if (before_pixels_) frame_ = {number(12), number(16), number(4), number(8)};
}

std::uint8_t PngChunks::orientation() const {
  std::optional<std::uint8_t> found;
  if (exif_) {
    found = exif_orientation(*exif_);
  } else if (!exif_text_.empty()) {
    const std::string exif = exif_of_png_text(exif_text_);
    found = exif_orientation(std::as_bytes(std::span(exif)));
  }
  if (!found) found = xmp_orientation(xmp_);
  return found.value_or(1);
}

}  // namespace fastbatch
