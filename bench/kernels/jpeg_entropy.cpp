// SPDX-License-Identifier: MIT
// CPU time of the entropy decoding of JPEGs alone, on one thread: libjpeg-turbo at 1/8 in the file's own colours, which
// decodes all coefficients and hardly anything else, against our own decoder, which decodes or skips them.
//
//   jpeg_entropy FOLDER N ROUNDS      prints one line of JSON; the ratios are medians of rounds
#include <cstdio>

#include <jpeglib.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "codecs/jpeg/sequential.h"

namespace {

using namespace fastbatch::jpeg;
using Bytes = std::vector<char>;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<Bytes> read_files(const std::string& folder, std::size_t n) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == ".jpg") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  paths.resize(std::min(paths.size(), n));
  if (paths.empty()) throw std::invalid_argument(folder + ": no .jpg in it");
  std::vector<Bytes> files;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return files;
}

void turbo(jpeg_decompress_struct& info, const Bytes& file, std::vector<std::uint8_t>& rows) {
  jpeg_mem_src(&info, reinterpret_cast<const unsigned char*>(file.data()), file.size());
  jpeg_read_header(&info, TRUE);
  info.out_color_space = info.jpeg_color_space;
  info.scale_denom = 8;
  info.do_fancy_upsampling = FALSE;
  jpeg_start_decompress(&info);
  rows.resize(std::size_t{info.output_width} * static_cast<std::size_t>(info.output_components));
  while (info.output_scanline < info.output_height) {
    JSAMPROW row = rows.data();
    jpeg_read_scanlines(&info, &row, 1);
  }
  jpeg_finish_decompress(&info);
}

// All blocks, or only the last ones.
void own(SequentialDecoder& decoder, HuffmanCache& tables, const Bytes& file, bool is_full) {
  Headers headers;
  if (!headers.open(std::as_bytes(std::span(file)))) throw std::runtime_error("the headers were given up");
  const Frame& frame = headers.frame();
  McuRegion region{0, frame.mcus_per_row, 0, frame.mcu_rows};
  if (!is_full) region.left = region.right - 1, region.top = region.bottom - 1;
  bool is_right = decoder.start(headers, tables, region, {});
  for (std::uint32_t row = region.top; is_right && row < region.bottom; ++row) is_right = decoder.next_row();
  if (!is_right || !decoder.finish()) throw std::runtime_error("a file was given up");
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void race(const std::vector<Bytes>& files, int rounds) {
  jpeg_decompress_struct info{};
  jpeg_error_mgr errors{};
  info.err = jpeg_std_error(&errors);
  jpeg_create_decompress(&info);
  std::vector<std::uint8_t> rows;
  SequentialDecoder decoder;
  HuffmanCache tables;
  std::vector<double> theirs, full, skipped, full_ratio, skipped_ratio;
  const auto time_all = [&](const auto& decode) {
    const double start = thread_seconds();
    for (const Bytes& file : files) decode(file);
    return (thread_seconds() - start) * 1e6 / static_cast<double>(files.size());
  };
  for (int round = 0; round <= rounds; ++round) {
    const double turbo_us = time_all([&](const Bytes& file) { turbo(info, file, rows); });
    const double full_us = time_all([&](const Bytes& file) { own(decoder, tables, file, true); });
    const double skipped_us = time_all([&](const Bytes& file) { own(decoder, tables, file, false); });
    if (round == 0) continue;  // to warm up
    theirs.push_back(turbo_us), full.push_back(full_us), skipped.push_back(skipped_us);
    full_ratio.push_back(turbo_us / full_us), skipped_ratio.push_back(turbo_us / skipped_us);
  }
  jpeg_destroy_decompress(&info);
  std::printf(
      "{\"full / libjpeg-turbo\": %.3f, \"skipped / libjpeg-turbo\": %.3f, \"libjpeg-turbo (us)\": %.1f, "
      "\"full (us)\": %.1f, \"skipped (us)\": %.1f}\n",
      median(full_ratio), median(skipped_ratio), median(theirs), median(full), median(skipped));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 4) throw std::invalid_argument("expected FOLDER N ROUNDS");
    race(read_files(argv[1], std::stoull(argv[2])), std::stoi(argv[3]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "jpeg_entropy: %s\n", error.what());
    return 1;
  }
}
