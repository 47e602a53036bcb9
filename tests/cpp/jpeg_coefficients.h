// SPDX-License-Identifier: MIT
// JPEG files from coefficients, and the coefficients of JPEG files, with libjpeg.
#pragma once

#include "jpeg_writer.h"

#include <array>
#include <cstring>
#include <span>

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

// The blocks and the quantizers of a grey file of one row of blocks.
inline void read_blocks(const std::vector<std::byte>& file, std::vector<std::int16_t>& coefficients,
                        Quantizers& quantizers) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
  JBLOCKARRAY rows = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[0], 0, 1, FALSE);
  coefficients.assign(rows[0][0], rows[0][0] + std::size_t{64} * info.comp_info[0].width_in_blocks);
  for (std::size_t i = 0; i < 64; ++i) {
    quantizers[i] = static_cast<std::int16_t>(info.comp_info[0].quant_table->quantval[i]);
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
}

}  // namespace fastbatch::test
