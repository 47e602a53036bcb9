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

py::object to_offsets(const TextBatch& batch, bool chop) {
  py::array_t<std::int64_t> offsets(static_cast<py::ssize_t>(batch.n_items + 1));
  std::int64_t* offset = offsets.mutable_data();
  std::int64_t total = 0;
  *offset++ = 0;
  for (const TextBatch::Part& part : batch.parts) {
    const std::uint32_t* span = part.block->spans.get() + 2 * part.first;
    for (const std::uint32_t* const end = span + 2 * part.n; span != end; span += 2) {
      const bool is_chopped = chop && span[1] != span[0] && part.block->text.data()[span[1] - 1] == std::byte{'\n'};
      total += span[1] - span[0] - (is_chopped ? 1 : 0);
      *offset++ = total;
    }
  }
  py::bytes text(static_cast<const char*>(nullptr), static_cast<std::size_t>(total));
  char* const begin = PyBytes_AS_STRING(text.ptr());
  const std::int64_t* place = offsets.data();
  for (const TextBatch::Part& part : batch.parts) {
    const std::uint32_t* span = part.block->spans.get() + 2 * part.first;
    for (std::size_t i = 0; i < part.n; ++i, ++place, span += 2) {
      const auto size = static_cast<std::size_t>(place[1] - place[0]);
      const std::byte* const src = part.block->text.data() + span[0];
      char* const dst = begin + place[0];
      // Sixteen bytes at once where the text goes on that far: what is too much is overwritten by the next items.
      if (size <= 16 && place[0] + 16 <= total) {
        std::memcpy(dst, src, 16);
      } else {
        std::memcpy(dst, src, size);
      }
    }
  }
  return py::make_tuple(std::move(text), std::move(offsets));
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
