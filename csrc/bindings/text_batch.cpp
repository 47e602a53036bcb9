// SPDX-License-Identifier: MIT
#include "bindings/text_batch.h"

#include <cstring>
#include <memory>
#include <vector>

#include "bindings/text_view.h"

namespace fastbatch::bindings {

namespace py = pybind11;

namespace {

static_assert(FASTBATCH_RECENT_WORDS == RecentWords::kMost);

// The content of a capsule: the batch, and its view for C.
struct BatchView {
  TextBatch batch;
  std::vector<FastbatchTextPart> parts;
  FastbatchTextBatch view{};

  explicit BatchView(TextBatch moved) : batch(std::move(moved)) {
    for (const TextBatch::Part& part : batch.parts) {
      parts.push_back({reinterpret_cast<const char*>(part.block->text.data()), part.block->spans.get() + 2 * part.first,
                       part.n, part.block->is_ascii ? 1 : 0,
                       part.block->ids.empty() ? nullptr : part.block->ids.data() + part.first, part.block->lane,
                       part.block->generation});
    }
    view = {parts.data(), parts.size(), batch.n_items};
  }
};

py::capsule to_capsule(TextBatch batch) {
  auto owner = std::make_unique<BatchView>(std::move(batch));
  py::capsule capsule(&owner->view, FASTBATCH_TEXT_BATCH,
                      [](PyObject* self) { delete static_cast<BatchView*>(PyCapsule_GetContext(self)); });
  PyCapsule_SetContext(capsule.ptr(), owner.release());
  return capsule;
}

// Concatenates the parts' packed items and their ends.
py::object to_offsets(const TextBatch& batch) {
  const auto begin_of = [](const TextBatch::Part& part) {
    return part.first == 0 ? std::size_t{0} : part.block->ends[part.first - 1];
  };
  std::size_t size = 0;
  for (const TextBatch::Part& part : batch.parts) {
    if (part.n != 0) size += part.block->ends[part.first + part.n - 1] - begin_of(part);
  }
  auto text = py::reinterpret_steal<py::bytes>(PyBytes_FromStringAndSize(nullptr, static_cast<py::ssize_t>(size)));
  if (!text) throw py::error_already_set();
  py::array_t<std::int64_t> offsets(static_cast<py::ssize_t>(batch.n_items + 1));
  std::int64_t* offset = offsets.mutable_data();
  char* const out = PyBytes_AS_STRING(text.ptr());
  std::int64_t total = 0;
  *offset++ = 0;
  for (const TextBatch::Part& part : batch.parts) {
    const std::size_t begin = begin_of(part);
    const std::uint32_t* const ends = part.block->ends.data() + part.first;
    const std::int64_t shift = total - static_cast<std::int64_t>(begin);
    for (std::size_t i = 0; i < part.n; ++i) offset[i] = shift + ends[i];
    offset += part.n;
    const std::size_t part_size = static_cast<std::size_t>(offset[-1] - total);
    if (part_size != 0) std::memcpy(out + total, part.block->packed.data() + begin, part_size);
    total = offset[-1];
  }
  return py::reinterpret_steal<py::object>(PyTuple_Pack(2, text.ptr(), offsets.ptr()));
}

template <typename Id>
py::object to_ids(const TextBatch& batch) {
  py::array_t<Id> ids(static_cast<py::ssize_t>(batch.n_items));
  Id* out = ids.mutable_data();
  for (const TextBatch::Part& part : batch.parts) {
    for (std::size_t i = 0; i < part.n; ++i) *out++ = static_cast<Id>(part.block->ids[part.first + i]);
  }
  return ids;
}

}  // namespace

py::object to_python(TextBatch batch, TextOutput output) {
  switch (output) {
    case TextOutput::kStrings: return to_capsule(std::move(batch));
    case TextOutput::kOffsets: return to_offsets(batch);
    case TextOutput::kIds32: return to_ids<std::int32_t>(batch);
    case TextOutput::kIds64: return to_ids<std::int64_t>(batch);
  }
  return py::none();
}

}  // namespace fastbatch::bindings
