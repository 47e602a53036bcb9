// SPDX-License-Identifier: MIT
#include "decode/vocabulary.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

#include "common/philox.h"

namespace fastbatch {
namespace {

constexpr std::size_t kAtOnce = 16;  // words whose slots are fetched together
constexpr std::size_t kFirstSlots = 1024;

template <typename T>
std::uint64_t load(const char* text) noexcept {
  T value;
  std::memcpy(&value, text, sizeof value);
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const Product product = multiply_wide(a ^ 0x9E3779B97F4A7C15u, b ^ 0xD6E8FEB86659FD93u);
  return product.high ^ product.low;
}

// Two overlapping loads hold all of a word of up to 16 bytes.
std::uint64_t hash_of(std::string_view word) noexcept {
  const char* text = word.data();
  std::size_t size = word.size();
  std::uint64_t hash = size;
  for (; size > 16; text += 16, size -= 16) hash = mix(load<std::uint64_t>(text) ^ hash, load<std::uint64_t>(text + 8));
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  if (size >= 8) {
    low = load<std::uint64_t>(text);
    high = load<std::uint64_t>(text + size - 8);
  } else if (size >= 4) {
    low = load<std::uint32_t>(text);
    high = load<std::uint32_t>(text + size - 4);
  } else if (size > 0) {
    low = load<std::uint8_t>(text) << 8 | load<std::uint8_t>(text + size / 2);
    high = load<std::uint8_t>(text + size - 1);
  }
  return mix(low ^ hash, high ^ (hash << 32));
}

std::string_view item(const TextBlock& block, std::size_t i) noexcept {
  const std::uint32_t* span = block.spans.get() + 2 * i;
  return {reinterpret_cast<const char*>(block.text.data()) + span[0], span[1] - span[0]};
}

}  // namespace

WordTable::WordTable() : slots_(kFirstSlots), ends_{0} {}

// Where the word stands, or the free slot where it would.
std::size_t WordTable::place_of(std::string_view word, std::uint64_t hash) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  for (std::size_t place = hash & mask;; place = (place + 1) & mask) {
    const Slot& slot = slots_[place];
    if (slot.id == kNone || (slot.tag == tag && (*this)[slot.id] == word)) return place;
  }
}

std::uint32_t WordTable::find(std::string_view word) const noexcept { return slots_[place_of(word, hash_of(word))].id; }

std::uint32_t WordTable::add(std::string_view word) { return add(word, hash_of(word)); }

std::uint32_t WordTable::add(std::string_view word, std::uint64_t hash) {
  std::size_t place = place_of(word, hash);
  if (slots_[place].id != kNone) return slots_[place].id;
  if (2 * (size() + 1) > slots_.size()) {
    grow();
    place = place_of(word, hash);
  }
  if (size() >= kNone / 2) throw std::length_error("more than 2^31 - 1 different words");
  const auto id = static_cast<std::uint32_t>(size());
  arena_.append(word);
  ends_.push_back(arena_.size());
  slots_[place] = {static_cast<std::uint32_t>(hash >> 32), id};
  return id;
}

void WordTable::grow() {
  std::vector<Slot> larger(2 * slots_.size());
  slots_.swap(larger);
  for (std::size_t id = 0; id < size(); ++id) {
    const std::uint64_t hash = hash_of((*this)[id]);
    slots_[place_of((*this)[id], hash)] = {static_cast<std::uint32_t>(hash >> 32), static_cast<std::uint32_t>(id)};
  }
}

void WordTable::ids(const TextBlock& block, std::uint32_t unknown, std::span<std::uint32_t> out) const noexcept {
  std::array<std::uint64_t, kAtOnce> hashes{};
  for (std::size_t start = 0; start < out.size(); start += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, out.size() - start);
    for (std::size_t j = 0; j < n; ++j) {
      hashes[j] = hash_of(item(block, start + j));
      __builtin_prefetch(&slots_[hashes[j] & (slots_.size() - 1)]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      const std::uint32_t id = slots_[place_of(item(block, start + j), hashes[j])].id;
      out[start + j] = id == kNone ? unknown : id;
    }
  }
}

void WordTable::count(const TextBlock& block, std::vector<std::uint64_t>& counts) {
  for (std::size_t i = 0; i < block.n_items; ++i) {
    const std::uint32_t id = add(item(block, i));
    if (id == counts.size()) counts.push_back(0);
    ++counts[id];
  }
}

Vocabulary::Vocabulary(std::span<const std::string_view> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (table_.add(words[i]) != i) throw std::invalid_argument("a word comes twice: " + std::string(words[i]));
  }
}

}  // namespace fastbatch
