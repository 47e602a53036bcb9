// SPDX-License-Identifier: MIT
#include "loader/loader.h"

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <system_error>
#include <thread>
#include <utility>

#include "bindings/errors.h"
#include "bindings/gil.h"
#include "bindings/interruptible.h"
#include "bindings/ndarray.h"
#include "bindings/register.h"
#include "common/error.h"

namespace fastbatch::bindings {

namespace {

// NumPy's type and shape of a column.
struct ColumnArray {
  py::dtype dtype;
  std::vector<py::ssize_t> sample_shape;
};

// The core's loader, and the Python objects whose memory its columns read; these outlive its threads.
struct PyLoader {
  py::list decoders;
  std::vector<ColumnArray> arrays;
  std::unique_ptr<Loader> loader;  // destroyed first
  std::atomic<int> waiting{0};     // Python threads inside next() without the GIL

  ~PyLoader() {
    if (loader && loader->is_own_thread()) {  // the garbage collector ran in a worker, which cannot join itself
      end_in_another_thread(std::move(decoders), std::move(loader));
      return;
    }
    const GilRelease no_gil;  // GIL released: joins the worker threads
    loader.reset();
  }

  static void end_in_another_thread(py::list decoders, std::unique_ptr<Loader> loader) noexcept {
    struct Parts {
      py::list decoders;
      std::unique_ptr<Loader> loader;
    };
    auto* const parts = new Parts{std::move(decoders), std::move(loader)};
    try {
      std::thread([parts] {
        parts->loader.reset();
        if (is_finalizing()) return;  // the process ends anyway
        const py::gil_scoped_acquire gil;
        delete parts;
      }).detach();
    } catch (const std::system_error&) {  // no thread can be started: the loader stays, with its idle workers
    }
  }

  // Returns when all threads that waited in next() have the GIL again. At the end of the interpreter close() is called
  // first, and a thread that requests the GIL after that would wait forever (`gil.h`).
  void close() {
    const bool awaited = !is_finalizing() && !loader->is_forked_copy();
    const GilRelease no_gil;  // GIL released: joins the worker threads, lets the waiting ones have it
    loader->close();
    if (awaited)
      for (int n = 0; (n = waiting.load()) > 0;) waiting.wait(n);
  }

  Loader::Status next(Run& run, Batch& batch) {
    struct Waiting {
      std::atomic<int>& count;
      explicit Waiting(std::atomic<int>& counter) : count(counter) { ++count; }
      ~Waiting() {
        --count;
        count.notify_all();
      }
    } const inside(waiting);
    const GilRelease no_gil;  // GIL released: waits for the workers, touches no Python object
    return loader->next(run, kSignalInterval, batch);
  }
};

// The run of one iterator. Holds a reference to the loader's Python object; dropping it cancels the run.
class PyRun {
 public:
  PyRun(py::object owner, std::shared_ptr<Run> run)
      : owner_(std::move(owner)), core_(&owner_.cast<PyLoader&>()), run_(std::move(run)) {}
  PyRun(PyRun&&) = default;
  PyRun& operator=(PyRun&&) = delete;
  ~PyRun() {
    if (run_) core().loader->cancel(*run_);
  }

  // (number of the batch in the run, [array of each column], (bad and filled samples)); None after the last batch;
  // False when the loader was closed: Python raises the error. C++ must not create the exception: that runs Python code
  // below C++ frames, and if the interpreter ends meanwhile, it terminates the thread there and with it the process.
  py::object next() {
    Batch batch;
    for (;;) {
      Loader::Status status{};
      try {
        status = core().next(*run_, batch);
      } catch (const ClosedError&) {
        return py::bool_(false);
      }
      if (status == Loader::Status::kEnd) return py::none();
      if (status == Loader::Status::kBatch) return wrap(std::move(batch));
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    }
  }

  // [(stage, number of the batch in the run, first slot, slots, number of the thread)] of what threads do now.
  py::list under_way() const {
    std::vector<UnderWay> found;
    {
      const GilRelease no_gil;  // GIL released: takes the loader's mutex
      found = core().loader->under_way(*run_);
    }
    py::list listed;
    for (const UnderWay& one : found) {
      const char* stage = one.kind == Task::Kind::kDecode ? "decode" : "read ahead";
      listed.append(py::make_tuple(stage, one.batch, one.begin, one.count, one.thread));
    }
    return listed;
  }

 private:
  PyLoader& core() const { return *core_; }

  py::object wrap(Batch batch) const {
    const std::vector<ColumnArray>& arrays = core().arrays;
    py::list columns(arrays.size());
    for (std::size_t c = 0; c < arrays.size(); ++c) {
      std::vector<py::ssize_t> shape{static_cast<py::ssize_t>(batch.samples)};
      shape.insert(shape.end(), arrays[c].sample_shape.begin(), arrays[c].sample_shape.end());
      columns[c] = to_array(std::move(batch.columns[c]), arrays[c].dtype, shape);
    }
    py::tuple bad(batch.bad.size() + batch.filled.size());
    std::size_t n = 0;
    for (const BadSample& one : batch.bad) bad[n++] = describe(one, false);
    for (const BadSample& one : batch.filled) bad[n++] = describe(one, true);
    return py::make_tuple(batch.number, std::move(columns), std::move(bad));
  }

  // (sample, its replacement or None, error, whether it was filled), without running Python code, as above.
  static py::tuple describe(const BadSample& bad, bool is_filled) {
    const py::object other = bad.replaced_by ? py::object(py::int_(*bad.replaced_by)) : py::none();
    return py::make_tuple(bad.sample, other, bindings::describe(bad.error), is_filled);
  }

  py::object owner_;  // of *core_
  PyLoader* core_;
  std::shared_ptr<Run> run_;
};

OnError on_error_named(const std::string& name) {
  if (name == "raise") return OnError::kRaise;
  if (name == "skip") return OnError::kSkip;
  if (name == "replace") return OnError::kReplace;
  throw std::invalid_argument("on_error: expected raise, skip or replace, found " + name);
}

std::unique_ptr<PyLoader> make_loader(py::list decoders, const py::list& dtypes,
                                      const std::vector<std::vector<py::ssize_t>>& shapes, unsigned threads,
                                      std::size_t batch_size, std::size_t prefetch, std::size_t prefetch_bytes,
                                      bool advise, const std::string& on_error, bool in_turns) {
  auto made = std::make_unique<PyLoader>();
  std::vector<std::shared_ptr<const Decoder>> columns;
  for (std::size_t c = 0; c < decoders.size(); ++c) {
    columns.push_back(decoders[c].cast<std::shared_ptr<Decoder>>());
    made->arrays.push_back({py::dtype::from_args(dtypes[c]), shapes.at(c)});
  }
  made->decoders = std::move(decoders);
  made->loader = std::make_unique<Loader>(std::move(columns), Loader::Options{.threads = threads,
                                                                              .batch_size = batch_size,
                                                                              .prefetch = prefetch,
                                                                              .prefetch_bytes = prefetch_bytes,
                                                                              .advise = advise,
                                                                              .on_error = on_error_named(on_error),
                                                                              .in_turns = in_turns});
  return made;
}

py::dict to_dict(const LoaderStats& stats) {
  py::dict dict;
  dict["batches"] = stats.batches;
  dict["samples"] = stats.samples;
  dict["bytes"] = stats.bytes;
  dict["bad_samples"] = stats.bad_samples;
  dict["filled"] = stats.filled;
  dict["wait_s"] = stats.wait_s;
  dict["decode_s"] = stats.decode_s;
  dict["advise_s"] = stats.advise_s;
  dict["ready_batches"] = stats.ready_batches;
  dict["threads"] = stats.threads;
  dict["prefetch"] = stats.prefetch;
  return dict;
}

// Imports NumPy, which is why it is not done when this module is imported. Threads: any.
void register_events() {
  PYBIND11_CONSTINIT static py::gil_safe_call_once_and_store<bool> once;
  once.call_once_and_store_result([] {
    PYBIND11_NUMPY_DTYPE(Event, begin_ns, end_ns, batch, sample, count, kind, thread, column, minor_faults,
                         major_faults);
    return true;
  });
}

}  // namespace

void register_loader(py::module_& module) {
  py::class_<PyRun>(module, "Run").def("next", &PyRun::next).def("under_way", &PyRun::under_way);

  py::class_<PyLoader>(module, "Loader")
      .def(py::init(&make_loader), py::arg("decoders"), py::arg("dtypes"), py::arg("shapes"), py::arg("threads"),
           py::arg("batch_size"), py::arg("prefetch"), py::arg("prefetch_bytes"), py::arg("advise"),
           py::arg("on_error"), py::arg("in_turns") = true)
      .def("start",
           [](const py::object& self, const Order& order, const BatchPlan& plan, std::uint64_t seed,
              std::uint64_t epoch) {
             return PyRun(self, self.cast<PyLoader&>().loader->start(order, plan, {seed, epoch}));
           })
      .def("stats", [](const PyLoader& self) { return to_dict(self.loader->stats()); })
      .def("start_recording",
           [](const PyLoader& self, std::size_t events_per_thread) { self.loader->start_recording(events_per_thread); })
      .def("stop_recording",
           [](const PyLoader& self) {
             register_events();
             const Timeline::Recording recording = self.loader->stop_recording();
             const auto n = static_cast<py::ssize_t>(recording.events.size());
             return py::make_tuple(py::array_t<Event>(n, recording.events.data()), recording.overwritten);
           })
      .def("is_own_thread", [](const PyLoader& self) { return self.loader->is_own_thread(); })
      .def("close", &PyLoader::close);
}

}  // namespace fastbatch::bindings
