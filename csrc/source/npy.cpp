// SPDX-License-Identifier: MIT
#include "source/npy.h"

#include <algorithm>
#include <utility>

namespace fastbatch {

ArrayView open_npy(const std::string& path) { return open_npy(std::make_shared<const MappedFile>(path)); }

ArrayView open_npy(std::shared_ptr<const MappedFile> file) {
  const auto head = file->copy(0, static_cast<std::size_t>(std::min<std::uint64_t>(file->size(), kNpyHeaderLimit)));
  const NpyHeader header = parse_npy_header(head, file->size(), {file->path()});
  ArrayView view = dense_view(header.element, header.shape, header.fortran_order);
  view.data = file->bytes().data() + header.data_offset;
  view.path = file->path();
  view.file = std::move(file);
  return view;
}

}  // namespace fastbatch
