// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "bindings/gil.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "bindings/text_view.h"
#include "common/error.h"
#include "decode/text_items.h"
#include "loader/text_run.h"
#include "source/file_list.h"

namespace fastbatch::bindings {

namespace {

// Ctrl-C is answered this soon while next() waits.
constexpr std::chrono::milliseconds kSignalInterval{50};

TextItem item_named(const std::string& name) {
  if (name == "word") return TextItem::kWord;
  if (name == "line") return TextItem::kLine;
  throw std::invalid_argument("item: expected word or line, found " + name);
}

TextEncoding encoding_named(const std::string& name) {
  if (name == "utf-8") return TextEncoding::kUtf8;
  if (name == "utf-8-sig") return TextEncoding::kUtf8Sig;
  if (name == "ascii") return TextEncoding::kAscii;
  if (name == "latin-1") return TextEncoding::kLatin1;
  throw std::invalid_argument("encoding: expected utf-8, utf-8-sig, ascii or latin-1, found " + name);
}

TextErrors errors_named(const std::string& name) {
  if (name == "strict") return TextErrors::kStrict;
  if (name == "ignore") return TextErrors::kIgnore;
  if (name == "replace") return TextErrors::kReplace;
  if (name == "surrogateescape") return TextErrors::kSurrogateEscape;
  if (name == "backslashreplace") return TextErrors::kBackslashReplace;
  throw std::invalid_argument("errors: expected one of Python's handlers for decoding, found " + name);
}

TextFormat make_format(const std::string& item, const std::string& encoding, const std::string& errors,
                       std::size_t block_size) {
  if (block_size == 0) throw std::invalid_argument("block_size: expected at least 1, found 0");
  return {item_named(item), encoding_named(encoding), errors_named(errors), block_size};
}

std::shared_ptr<const std::vector<std::string>> paths_of(const FileList& files) {
  auto paths = std::make_shared<std::vector<std::string>>();
  for (std::size_t i = 0; i < files.size(); ++i) paths->emplace_back(files[i]);
  return paths;
}

// What a capsule owns: the batch, and how C sees it.
struct BatchView {
  TextBatch batch;
  std::vector<FastbatchTextPart> parts;
  FastbatchTextBatch view{};

  explicit BatchView(TextBatch moved) : batch(std::move(moved)) {
    for (const TextBatch::Part& part : batch.parts) {
      parts.push_back({reinterpret_cast<const char*>(part.block->text.data()), part.block->spans.get() + 2 * part.first,
                       part.n, part.block->is_ascii ? 1 : 0});
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

// A run, and the process whose threads it has: a forked child has none of them, and leaves the run alone.
class PyTextRun {
 public:
  explicit PyTextRun(std::unique_ptr<TextRun> run) : run_(std::move(run)) {}
  PyTextRun(const PyTextRun&) = delete;
  PyTextRun& operator=(const PyTextRun&) = delete;
  ~PyTextRun() {
    if (is_forked_copy()) {
      static_cast<void>(run_.release());  // its locks may be held for ever, its threads cannot be joined
      return;
    }
    const GilRelease no_gil;  // GIL released: joins the threads
    run_.reset();
  }

  void close() {
    if (is_forked_copy()) return;
    const GilRelease no_gil;  // GIL released: joins the threads
    run_->close();
  }

  // (batch's number in the run, the batch, unit and byte where the next run goes on, items of all ranks up to there);
  // None after the last; False when the run was closed: that is for Python to raise.
  py::object next() {
    TextBatch batch;
    try {
      TextRun::Status status = run_->try_next(batch);
      while (status == TextRun::Status::kTimeout) {
        {
          const GilRelease no_gil;  // GIL released: waits for the threads, touches no Python object
          status = run_->next(kSignalInterval, batch);
        }
        if (status == TextRun::Status::kTimeout && PyErr_CheckSignals() != 0) throw py::error_already_set();
      }
      if (status == TextRun::Status::kEnd) return py::none();
    } catch (const ClosedError&) {
      return py::bool_(false);
    }
    const std::uint64_t number = batch.number;
    const TextPosition after = batch.after;
    const std::uint64_t items_after = batch.items_after;
    return py::make_tuple(number, to_capsule(std::move(batch)), after.unit, after.byte, items_after);
  }

 private:
  [[nodiscard]] bool is_forked_copy() const { return ::getpid() != pid_; }

  std::unique_ptr<TextRun> run_;
  pid_t pid_ = ::getpid();
};

std::uint64_t count_text(const FileList& files, const std::string& item, const std::string& encoding,
                         const std::string& errors, std::size_t block_size) {
  const TextFormat format = make_format(item, encoding, errors, block_size);
  TextFiles source(paths_of(files), format);
  TextBlock block;
  std::uint64_t n = 0;
  for (;;) {
    {
      const GilRelease no_gil;  // GIL released: reads and searches, touches no Python object
      block.clear();
      if (!source.read(block)) return n;
      find_items(block, format, source.path(block));
      n += block.n_items;
      if (block.error) std::rethrow_exception(block.error);
    }
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
  }
}

}  // namespace

void register_text(py::module_& module) {
  py::class_<PyTextRun>(module, "TextRun")
      .def(py::init([](const FileList& files, const std::string& item, const std::string& encoding,
                       const std::string& errors, std::size_t batch_size, bool drop_last, std::uint64_t rank,
                       std::uint64_t world_size, unsigned threads, std::size_t block_size, std::size_t blocks_ahead,
                       std::uint64_t unit, std::uint64_t byte) {
             const TextFormat format = make_format(item, encoding, errors, block_size);
             auto source = std::make_unique<TextFiles>(paths_of(files), format, TextPosition{unit, byte});
             return std::make_unique<PyTextRun>(
                 std::make_unique<TextRun>(std::move(source), TextRun::Options{.format = format,
                                                                               .batch_size = batch_size,
                                                                               .drop_last = drop_last,
                                                                               .rank = rank,
                                                                               .world_size = world_size,
                                                                               .threads = threads,
                                                                               .blocks_ahead = blocks_ahead}));
           }),
           py::arg("files"), py::arg("item"), py::arg("encoding"), py::arg("errors"), py::arg("batch_size"),
           py::arg("drop_last"), py::arg("rank"), py::arg("world_size"), py::arg("threads"), py::arg("block_size"),
           py::arg("blocks_ahead"), py::arg("unit"), py::arg("byte"))
      .def("next", &PyTextRun::next)
      .def("close", &PyTextRun::close);

  module.def("count_text", &count_text);
}

}  // namespace fastbatch::bindings
