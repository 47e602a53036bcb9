// SPDX-License-Identifier: MIT
#include "decode/image_opener.h"

#include "codecs/registry.h"
#include "common/stop.h"

namespace fastbatch {

ImageInfo ImageOpener::open(std::uint64_t index, Image& image) const {
  throw_if_stopped();
  const ImageInfo info = image.reader.read_header(source_->read(index, image.buffer), max_pixels_);
  if (image.reader.is_external()) ++n_external_;
  return info;
}

void ImageOpener::count_decoded(const ImageInfo& info, const Image& image) const noexcept {
  if (info.codec == nullptr || info.codec->name != "JPEG" || image.reader.is_external()) return;
  ++(image.reader.used_library() ? n_jpeg_library_ : n_jpeg_own_);
}

}  // namespace fastbatch
