// SPDX-License-Identifier: MIT
// The coefficients of a JPEG as libjpeg reads them.
#pragma once

#include <cstdio>

#include <jpeglib.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace fastbatch::test {

struct Coefficients {
  std::size_t width_in_blocks = 0, height_in_blocks = 0;
  std::vector<std::int16_t> values;  // rows of blocks, 64 each in natural order
};

// One for each component.
inline std::vector<Coefficients> read_coefficients(const std::vector<std::byte>& file) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), static_cast<unsigned long>(file.size()));
  jpeg_read_header(&info, TRUE);
  jvirt_barray_ptr* arrays = jpeg_read_coefficients(&info);
  std::vector<Coefficients> result(static_cast<std::size_t>(info.num_components));
  for (std::size_t c = 0; c < result.size(); ++c) {
    const jpeg_component_info& component = info.comp_info[c];
    Coefficients& read = result[c];
    read.width_in_blocks = component.width_in_blocks;
    read.height_in_blocks = component.height_in_blocks;
    read.values.resize(read.width_in_blocks * read.height_in_blocks * DCTSIZE2);
    for (JDIMENSION y = 0; y < component.height_in_blocks; ++y) {
      JBLOCKARRAY row = info.mem->access_virt_barray(reinterpret_cast<j_common_ptr>(&info), arrays[c], y, 1, FALSE);
      std::memcpy(read.values.data() + y * read.width_in_blocks * DCTSIZE2, row[0],
                  read.width_in_blocks * sizeof(JBLOCK));
    }
  }
  jpeg_finish_decompress(&info);
  jpeg_destroy_decompress(&info);
  return result;
}

}  // namespace fastbatch::test
