// SPDX-License-Identifier: MIT
#include "codecs/versions.h"

#include <libdeflate.h>
#include <webp/decode.h>
#include <zlib.h>

#include "codecs/jpeg/turbo_reader.h"
#include "kernels/kernels.h"

namespace fastbatch {

std::vector<std::pair<std::string, std::string>> library_versions() {
  const auto webp = static_cast<unsigned>(WebPGetDecoderVersion());
  const std::string webp_text =
      std::to_string(webp >> 16U) + "." + std::to_string(webp >> 8U & 255U) + "." + std::to_string(webp & 255U);
  return {{"libjpeg-turbo", std::string(libjpeg_version())},
          {"libwebp", webp_text},
          {"libdeflate", LIBDEFLATE_VERSION_STRING},
          {"zlib", zlibVersion()},
          {"highway", kernels::highway_version()}};
}

}  // namespace fastbatch
