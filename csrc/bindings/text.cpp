// SPDX-License-Identifier: MIT
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "bindings/text_batch.h"
#include "common/error.h"
#include "platform/fork.h"
#include "source/file_list.h"
#include "text/count_words.h"
#include "text/items.h"
#include "text/run.h"
#include "text/shuffled_lines.h"
#include "text/vocabulary.h"

namespace fastbatch::bindings {

namespace {

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

// A run, the process that has its threads, and its progress. A forked child has none of the threads, and does not touch
// the run. Threads: any. The mutex is held for no Python call, so that no thread waits for it with what another one
// needs.
class PyTextRun {
 public:
  PyTextRun(std::unique_ptr<TextRun> run, TextOutput output) : run_(std::move(run)), output_(output) {}
  PyTextRun(const PyTextRun&) = delete;
  PyTextRun& operator=(const PyTextRun&) = delete;
  ~PyTextRun() { close(); }

  // Also frees the memory, when the last thread has left next().
  void close() {
    if (is_forked_copy()) {
      if (run_)
        static_cast<void>(new std::shared_ptr<TextRun>(std::move(run_)));  // leaked: its locks may be held forever
      return;
    }
    std::shared_ptr<TextRun> run;
    {
      const std::lock_guard lock(mutex_);
      run.swap(run_);
    }
    if (!run) return;
    const GilRelease no_gil;  // GIL released: joins the threads
    run->close();
  }

  // A batch; None after the last one; False when the run was closed: Python raises the error.
  py::object next() {
    const std::shared_ptr<TextRun> run = open_run();
    if (!run) return py::bool_(false);
    TextBatch batch;
    try {
      TextRun::Status status = run->try_next(batch);
      while (status == TextRun::Status::kTimeout) {
        {
          const GilRelease no_gil;  // GIL released: waits for the threads, touches no Python object
          status = run->next(kSignalInterval, batch);
        }
        if (status == TextRun::Status::kTimeout && PyErr_CheckSignals() != 0) throw py::error_already_set();
      }
      if (status == TextRun::Status::kEnd) return py::none();
    } catch (const ClosedError&) {
      return py::bool_(false);
    }
    count(batch);
    return to_python(std::move(batch), output_);
  }

  // (batches, items in them, unit and byte at which the next run continues, items of all ranks up to there).
  [[nodiscard]] py::tuple progress() const {
    std::unique_lock lock(mutex_);
    const auto [n_batches, n_items, after, items_after] = std::tuple(n_batches_, n_items_, after_, items_after_);
    lock.unlock();
    return py::make_tuple(n_batches, n_items, after.unit, after.byte, items_after);
  }

 private:
  [[nodiscard]] bool is_forked_copy() const { return count_forks() != made_at_; }

  [[nodiscard]] std::shared_ptr<TextRun> open_run() const {
    const std::lock_guard lock(mutex_);
    return run_;
  }

  void count(const TextBatch& batch) {
    const std::lock_guard lock(mutex_);
    if (batch.number >= n_batches_) {  // threads may arrive out of order
      n_batches_ = batch.number + 1;
      after_ = batch.after;
      items_after_ = batch.items_after;
    }
    n_items_ += batch.n_items;
  }

  mutable std::mutex mutex_;      // guards all members but output_ and made_at_
  std::shared_ptr<TextRun> run_;  // null: closed
  TextOutput output_;
  std::uint64_t made_at_ = count_forks();
  std::uint64_t n_batches_ = 0;  // progress(), as the next ones
  std::uint64_t n_items_ = 0;
  TextPosition after_{};
  std::uint64_t items_after_ = 0;
};

TextOutput output_named(const std::string& name) {
  if (name == "strings") return TextOutput::kStrings;
  if (name == "offsets") return TextOutput::kOffsets;
  if (name == "int32") return TextOutput::kIds32;
  if (name == "int64") return TextOutput::kIds64;
  throw std::invalid_argument("output: expected strings, offsets, int32 or int64, found " + name);
}

}  // namespace

void register_text(py::module_& module) {
  py::class_<Vocabulary, std::shared_ptr<Vocabulary>>(module, "Vocabulary")
      .def(py::init([](const std::vector<py::bytes>& words) {
        const std::vector<std::string_view> views(words.begin(), words.end());
        return std::make_shared<Vocabulary>(views);
      }));

  py::class_<LineIndex, std::shared_ptr<LineIndex>>(module, "LineIndex")
      .def(py::init([](const FileList& files, const std::string& encoding) {
        auto paths = paths_of(files);
        const TextEncoding text_encoding = encoding_named(encoding);
        return interruptible(
            [&](const StopSignal& /*stop*/) { return std::make_shared<LineIndex>(std::move(paths), text_encoding); });
      }))
      .def("__len__", &LineIndex::size);

  py::class_<PyTextRun>(module, "TextRun")
      .def(py::init([](const FileList& files, const std::string& item, const std::string& encoding,
                       const std::string& errors, std::size_t batch_size, bool drop_last, std::uint64_t rank,
                       std::uint64_t world_size, unsigned threads, std::size_t block_size, std::size_t blocks_ahead,
                       std::uint64_t unit, std::uint64_t byte, const std::string& output, bool chop,
                       std::shared_ptr<LineIndex> index, const Order* order, std::shared_ptr<Vocabulary> vocabulary,
                       std::optional<std::uint64_t> most_batches) {
             const TextFormat format = make_format(item, encoding, errors, block_size);
             const TextPosition start{unit, byte};
             const TextOutput kind = output_named(output);
             std::unique_ptr<TextSource> source;
             if (index && order != nullptr) {
               source = std::make_unique<ShuffledLines>(std::move(index), *order, block_size, start);
             } else {
               source = std::make_unique<TextFiles>(paths_of(files), format, start);
             }
             auto run = std::make_unique<TextRun>(
                 std::move(source),
                 TextRun::Options{.format = format,
                                  .batch_size = batch_size,
                                  .drop_last = drop_last,
                                  .rank = rank,
                                  .world_size = world_size,
                                  .threads = threads,
                                  .blocks_ahead = blocks_ahead,
                                  .vocabulary = std::move(vocabulary),
                                  .number_recent = format.item == TextItem::kWord && kind == TextOutput::kStrings,
                                  .pack = kind == TextOutput::kOffsets,
                                  .chop = chop,
                                  .most_batches = most_batches.value_or(std::numeric_limits<std::uint64_t>::max())});
             return std::make_unique<PyTextRun>(std::move(run), kind);
           }),
           py::arg("files"), py::arg("item"), py::arg("encoding"), py::arg("errors"), py::arg("batch_size"),
           py::arg("drop_last"), py::arg("rank"), py::arg("world_size"), py::arg("threads"), py::arg("block_size"),
           py::arg("blocks_ahead"), py::arg("unit"), py::arg("byte"), py::arg("output"), py::arg("chop"),
           py::arg("index") = py::none(), py::arg("order") = py::none(), py::arg("vocabulary") = py::none(),
           py::arg("most_batches") = py::none())
      .def("next", &PyTextRun::next)
      .def("progress", &PyTextRun::progress)
      .def("close", &PyTextRun::close);

  module.def("count_items", [](const FileList& files, const std::string& item, const std::string& encoding,
                               const std::string& errors, std::size_t block_size, unsigned threads) {
    const TextFormat format = make_format(item, encoding, errors, block_size);
    TextFiles source(paths_of(files), format);
    return interruptible([&](const StopSignal& stop) { return count_items(source, format, threads, stop); });
  });

  // [(word's bytes, count)]
  module.def(
      "count_words", [](const FileList& files, const std::string& encoding, const std::string& errors,
                        std::size_t block_size, unsigned threads, std::size_t max_words, std::uint64_t min_count) {
        const TextFormat format = make_format("word", encoding, errors, block_size);
        TextFiles source(paths_of(files), format);
        const std::vector<WordCount> words = interruptible(
            [&](const StopSignal& stop) { return count_words(source, format, threads, max_words, min_count, stop); });
        py::list out(words.size());
        for (std::size_t i = 0; i < words.size(); ++i)
          out[i] = py::make_tuple(py::bytes(words[i].word), words[i].count);
        return out;
      });
}

}  // namespace fastbatch::bindings
