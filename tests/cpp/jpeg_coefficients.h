// SPDX-License-Identifier: MIT
// JPEG files from coefficients, and the coefficients of JPEG files, with libjpeg.
#pragma once

#include "jpeg_writer.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "codecs/jpeg/frame.h"

namespace fastbatch::test {

using Quantizers = std::array<std::int16_t, 64>;  // row by row

// A grey file of one row of blocks, of 64 coefficients each, row by row.
inline std::vector<std::byte> write_blocks(const std::vector<std::int16_t>& coefficients,
                                           const Quantizers& quantizers) {
  jpeg_compress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_compress(&info);
  unsigned char* file = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&info, &file, &size);
  const auto n = static_cast<JDIMENSION>(coefficients.size() / 64);
  info.image_width = 8 * n;
  info.image_height = 8;
  info.input_components = 1;
  info.in_color_space = JCS_GRAYSCALE;
  jpeg_set_defaults(&info);
  info.comp_info[0].h_samp_factor = info.comp_info[0].v_samp_factor = 1;
  info.optimize_coding = TRUE;
  std::array<unsigned, 64> table{};
  for (std::size_t i = 0; i < 64; ++i) table[i] = static_cast<unsigned>(quantizers[i]);
  jpeg_add_quant_table(&info, 0, table.data(), 100, FALSE);
  jvirt_barray_ptr arrays[1] = {
      info.mem->request_virt_barray(reinterpret_cast<j_common_ptr>(&info), JPOOL_IMAGE, TRUE, n, 1, 1)};
  jpeg_write_coefficients(&info, arrays);
  JBLOCKARRAY rows = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[0], 0, 1, TRUE);
  std::memcpy(rows[0][0], coefficients.data(), coefficients.size() * sizeof(std::int16_t));
  jpeg_finish_compress(&info);
  jpeg_destroy_compress(&info);
  const auto* bytes = reinterpret_cast<const std::byte*>(file);
  std::vector<std::byte> result(bytes, bytes + size);
  std::free(file);
  return result;
}

// A file's coefficients, component by component, in whole rows of blocks.
struct Coefficients {
  JpegFrame frame{};
  std::vector<std::vector<std::int16_t>> blocks{};
  std::vector<std::vector<std::uint8_t>> last{};
};

inline JpegColors colors_of(J_COLOR_SPACE space) {
  switch (space) {
    case JCS_GRAYSCALE: return JpegColors::kGray;
    case JCS_RGB: return JpegColors::kRgb;
    case JCS_CMYK: return JpegColors::kCmyk;
    case JCS_YCCK: return JpegColors::kYcck;
    default: return JpegColors::kYcc;
  }
}

inline constexpr std::array<std::uint8_t, 64> kZigzag = {
    0,  1,  8,  16, 9,  2,  3,  10, 17, 24, 32, 25, 18, 11, 4,  5,  12, 19, 26, 33, 40, 48,
    41, 34, 27, 20, 13, 6,  7,  14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23,
    30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63};

// Of each block, the zigzag index of the last coefficient that is not 0.
inline std::vector<std::uint8_t> last_of(const std::vector<std::int16_t>& blocks) {
  std::vector<std::uint8_t> last(blocks.size() / 64);
  for (std::size_t b = 0; b < last.size(); ++b) {
    for (std::size_t k = 0; k < 64; ++k) {
      if (blocks[64 * b + kZigzag[k]] != 0) last[b] = static_cast<std::uint8_t>(k);
    }
  }
  return last;
}

inline Coefficients read_coefficients(const std::vector<std::byte>& file) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  Coefficients result;
  result.frame.size = {info.image_width, info.image_height};
  result.frame.colors = colors_of(info.jpeg_color_space);
  jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
  for (int c = 0; c < info.num_components; ++c) {
    const jpeg_component_info& component = info.comp_info[c];
    JpegComponent& found = result.frame.components.emplace_back();
    found.h = static_cast<unsigned>(component.h_samp_factor);
    found.v = static_cast<unsigned>(component.v_samp_factor);
    std::copy_n(component.quant_table->quantval, 64, found.quantizers.begin());
    std::vector<std::int16_t>& blocks = result.blocks.emplace_back();
    for (JDIMENSION y = 0; y < component.height_in_blocks; ++y) {
      JBLOCKARRAY rows = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c], y, 1, FALSE);
      for (JDIMENSION x = 0; x < component.width_in_blocks; ++x) {
        blocks.insert(blocks.end(), std::begin(rows[0][x]), std::end(rows[0][x]));
      }
    }
    result.last.push_back(last_of(blocks));
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return result;
}

}  // namespace fastbatch::test
