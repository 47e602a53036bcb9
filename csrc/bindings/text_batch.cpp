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

// What a capsule owns: the batch, and how C sees it.
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

// In one pass: how long the text becomes is known only afterwards, so it begins with room for what lies between the
// items, and for the sixteen bytes that are copied of each shorter item.
py::object to_offsets(const TextBatch& batch, bool chop) {
  constexpr std::size_t kAtOnce = 16;
  std::size_t room = kAtOnce;
  for (const TextBatch::Part& part : batch.parts) {
    const std::uint32_t* const span = part.block->spans.get() + 2 * part.first;
    if (part.n != 0) room += span[2 * part.n - 1] - span[0];
  }
  py::array_t<std::int64_t> offsets(static_cast<py::ssize_t>(batch.n_items + 1));
  PyObject* text = PyBytes_FromStringAndSize(nullptr, static_cast<py::ssize_t>(room));
  if (text == nullptr) throw py::error_already_set();
  std::int64_t* offset = offsets.mutable_data();
  char* const begin = PyBytes_AS_STRING(text);
  std::size_t total = 0;
  *offset++ = 0;
  for (const TextBatch::Part& part : batch.parts) {
    const std::byte* const src = part.block->text.data();
    const std::uint32_t* span = part.block->spans.get() + 2 * part.first;
    for (const std::uint32_t* const end = span + 2 * part.n; span != end; span += 2) {
      std::size_t size = span[1] - span[0];
      if (chop && size != 0 && src[span[1] - 1] == std::byte{'\n'}) --size;
      std::memcpy(begin + total, src + span[0], kAtOnce);
      if (size > kAtOnce) std::memcpy(begin + total, src + span[0], size);
      total += size;
      *offset++ = static_cast<std::int64_t>(total);
    }
  }
  if (_PyBytes_Resize(&text, static_cast<py::ssize_t>(total)) != 0) throw py::error_already_set();
  return py::make_tuple(py::reinterpret_steal<py::bytes>(text), std::move(offsets));
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

py::object to_python(TextBatch batch, TextOutput output, bool chop) {
  switch (output) {
    case TextOutput::kStrings: return to_capsule(std::move(batch));
    case TextOutput::kOffsets: return to_offsets(batch, chop);
    case TextOutput::kIds32: return to_ids<std::int32_t>(batch);
    case TextOutput::kIds64: return to_ids<std::int64_t>(batch);
  }
  return py::none();
}

}  // namespace fastbatch::bindings
