// SPDX-License-Identifier: MIT
// Makes JPEG files in memory for the tests, with libjpeg's own compressor.
#pragma once

#include <cstdio>

#include <jpeglib.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

namespace fastbatch::test {

struct JpegKind {
  int components = 3;  // 1 grey, 3 RGB, 4 CMYK
  J_COLOR_SPACE stored = JCS_YCbCr;
  int h_samp = 2;  // luma samples for each chroma sample
  int v_samp = 2;
  bool progressive = false;
  bool arithmetic = false;
  unsigned restart_interval = 0;
  int quality = 90;
  int chroma_h = 1;  // sampling factors of the second and third component
  int chroma_v = 1;
  bool optimized = false;                                  // Huffman tables
  std::function<void(jpeg_compress_struct&)> configure{};  // the last word
};

// `pixels` of kind.components bytes each, rows without gaps.
inline std::vector<std::byte> write_jpeg(const std::vector<std::uint8_t>& pixels, unsigned width, unsigned height,
                                         const JpegKind& kind = {}) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  errors.error_exit = [](j_common_ptr common) {
    char text[JMSG_LENGTH_MAX];
    (*common->err->format_message)(common, text);
    std::fprintf(stderr, "the test's own JPEG cannot be written: %s\n", text);
    std::abort();
  };
  jpeg_create_compress(&info);
  unsigned char* file = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &file, &size);
  info.image_width = width;
  info.image_height = height;
  info.input_components = kind.components;
  info.in_color_space = kind.components == 1 ? JCS_GRAYSCALE : kind.components == 3 ? JCS_RGB : JCS_CMYK;
  jpeg_set_defaults(&info);
  jpeg_set_colorspace(&info, kind.components == 1 ? JCS_GRAYSCALE : kind.stored);
  jpeg_set_quality(&info, kind.quality, TRUE);
  if (kind.components != 1) {
    info.comp_info[0].h_samp_factor = kind.h_samp;
    info.comp_info[0].v_samp_factor = kind.v_samp;
    for (int c = 1; c < 3; ++c) {
      info.comp_info[c].h_samp_factor = kind.chroma_h;
      info.comp_info[c].v_samp_factor = kind.chroma_v;
    }
  }
  if (kind.progressive) jpeg_simple_progression(&info);
  info.arith_code = kind.arithmetic ? TRUE : FALSE;
  info.restart_interval = kind.restart_interval;
  info.optimize_coding = kind.optimized ? TRUE : FALSE;
  if (kind.configure) kind.configure(info);
  jpeg_start_compress(&info, TRUE);
  const std::size_t stride = std::size_t{width} * static_cast<std::size_t>(kind.components);
  while (info.next_scanline < info.image_height) {
    JSAMPROW row = const_cast<JSAMPROW>(pixels.data() + info.next_scanline * stride);
    jpeg_write_scanlines(&info, &row, 1);
  }
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* bytes = reinterpret_cast<const std::byte*>(file);
  std::vector<std::byte> result(bytes, bytes + size);
  std::free(file);
  return result;
}

// Smooth, with some texture: something a codec has work with.
inline std::vector<std::uint8_t> test_pixels(unsigned width, unsigned height, int components, unsigned seed = 1) {
  std::vector<std::uint8_t> pixels;
  pixels.reserve(std::size_t{width} * height * static_cast<std::size_t>(components));
  std::uint32_t noise = seed * 2654435761U + 1U;
  for (unsigned y = 0; y < height; ++y) {
    for (unsigned x = 0; x < width; ++x) {
      for (unsigned c = 0; c < static_cast<unsigned>(components); ++c) {
        noise = noise * 1664525U + 1013904223U;
        const unsigned wave = (x * (3U + c) + y * (5U - c) + seed * 17U) % 511U;
        pixels.push_back(static_cast<std::uint8_t>((wave < 256U ? wave : 511U - wave) * 7U / 8U + (noise >> 27U)));
      }
    }
  }
  return pixels;
}

// libjpeg's own reader, in the colour space that it stores best: the oracle for the pixels.
inline std::vector<std::uint8_t> read_jpeg(const std::vector<std::byte>& file, J_COLOR_SPACE space,
                                           unsigned denominator = 1) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  info.out_color_space = space;
  info.scale_denom = denominator;
  jpeg_start_decompress(&info);
  const std::size_t stride = std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components);
  std::vector<std::uint8_t> pixels(stride * info.output_height);
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = pixels.data() + info.output_scanline * stride;
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return pixels;
}

// The file with EXIF data that say so.
inline std::vector<std::byte> with_orientation(std::vector<std::byte> file, std::uint8_t orientation) {
  constexpr std::uint8_t kBefore[] = {0xFF, 0xE1, 0, 34, 'E', 'x', 'i',  'f',  0, 0, 'M', 'M', 0, 42,
                                      0,    0,    0, 8,  0,   1,   0x01, 0x12, 0, 3, 0,   0,   0, 1};
  const std::uint8_t after[] = {0, orientation, 0, 0, 0, 0, 0, 0};
  const auto* before = reinterpret_cast<const std::byte*>(kBefore);
  const auto* rest = reinterpret_cast<const std::byte*>(after);
  std::vector<std::byte> segment(before, before + sizeof(kBefore));
  segment.insert(segment.end(), rest, rest + sizeof(after));
  file.insert(file.begin() + 2, segment.begin(), segment.end());
  return file;
}

}  // namespace fastbatch::test
