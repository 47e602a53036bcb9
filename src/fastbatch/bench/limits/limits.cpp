// SPDX-License-Identifier: MIT
// What this machine can do at most: the least work that any loader must do, in plain C++ without the library.
//
//   limits memcpy|gather|widen|cast|jpeg --threads N [--key value]...     (the keys stand in rows.h, tokens.h, ...)
//
// With `--seconds S` it repeats epochs for S seconds and prints one line of JSON. Without, it is a rival that run.py
// drives: for each line on standard input it runs one epoch and prints one line of JSON.
#include <sys/resource.h>

#include <cstdio>
#include <iostream>
#include <memory>

#include "images.h"
#include "jpeg.h"
#include "rows.h"
#include "tokens.h"

namespace limits {
namespace {

std::unique_ptr<Limit> make(const std::string& name, const Options& options) {
  if (name == "memcpy") return std::make_unique<Memcpy>(options);
  if (name == "gather") return std::make_unique<Gather>(options);
  if (name == "widen") return std::make_unique<Widen>(options);
  if (name == "cast") return std::make_unique<Cast>(options);
  if (name == "jpeg") return std::make_unique<Jpeg>(options);
  throw std::invalid_argument("expected memcpy, gather, widen, cast or jpeg, found " + name);
}

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Timed {
  std::size_t samples;
  double seconds, cpu_seconds;
};

Timed time_epoch(Limit& limit) {
  limit.prepare();
  const double cpu = cpu_seconds();
  const auto start = std::chrono::steady_clock::now();
  const std::size_t samples = limit.epoch();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  return {samples, wall.count(), cpu_seconds() - cpu};
}

void serve(Limit& limit) {
  std::printf("{\"ready\": true, \"config\": \"%s\"}\n", limit.config().c_str());
  std::fflush(stdout);
  for (std::string line; std::getline(std::cin, line) && line != "quit";) {
    const Timed timed = time_epoch(limit);
    std::printf("{\"samples\": %zu, \"seconds\": %.9f, \"cpu_s\": %.6f}\n", timed.samples, timed.seconds,
                timed.cpu_seconds);
    std::fflush(stdout);
  }
}

void repeat(Limit& limit, double seconds, const std::string& name) {
  time_epoch(limit);
  std::vector<double> rates;
  for (double spent = 0; spent < seconds || rates.size() < 3;) {
    const Timed timed = time_epoch(limit);
    spent += timed.seconds;
    rates.push_back(static_cast<double>(timed.samples) / timed.seconds);
  }
  std::sort(rates.begin(), rates.end());
  std::printf(
      "{\"limit\": \"%s\", \"epochs\": %zu, \"median_per_s\": %.6g, \"min_per_s\": %.6g, \"max_per_s\": %.6g}\n",
      name.c_str(), rates.size(), rates[rates.size() / 2], rates.front(), rates.back());
}

}  // namespace
}  // namespace limits

int main(int argc, char** argv) {
  try {
    if (argc < 2) throw std::invalid_argument("expected memcpy, gather, widen, cast or jpeg, found nothing");
    const limits::Options options(argc - 2, argv + 2);
    const auto limit = limits::make(argv[1], options);
    const double seconds = std::stod(options.text("seconds", "0"));
    seconds > 0 ? limits::repeat(*limit, seconds, argv[1]) : limits::serve(*limit);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "limits: %s\n", error.what());
    return 1;
  }
}
