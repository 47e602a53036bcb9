// SPDX-License-Identifier: MIT
#include "text/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "common/philox.h"

namespace fastbatch {
namespace {

using Key = WordTable::Key;

constexpr std::size_t kAtOnce = 64;  // words whose slots are prefetched together
constexpr std::size_t kFirstSlots = 1024;
constexpr std::size_t kShort = 11;      // longest word that is stored in a key
constexpr std::uint32_t kLong = 0xFF;   // replaces the size in the key of a longer word
constexpr std::uint32_t kNoKey = 0xFE;  // replaces the size before that key is computed: in no slot

static_assert(std::endian::native == std::endian::little, "the first byte of a word is the lowest of its key");
static_assert(TextBuffer::kPadding >= sizeof(Key), "keys are loaded at once");

constexpr std::uint64_t low_bytes(std::size_t n) {
  return n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * n)) - 1;
}

// Masks for the first 12 bytes of a word, by its size, and the last byte of its key. The last entry is for all larger
// sizes.
struct alignas(16) Part {
  std::uint64_t low;
  std::uint32_t high, end;
};
constexpr auto kParts = [] {
  std::array<Part, kShort + 2> parts{};
  for (std::size_t n = 0; n <= kShort; ++n)
    parts[n] = {low_bytes(n), n <= 8 ? 0 : static_cast<std::uint32_t>(low_bytes(n - 8)),
                static_cast<std::uint32_t>((n + 1) << 24)};
  parts.back().end = kNoKey << 24;
  return parts;
}();

template <typename T>
T load_as(const char* text) noexcept {
  T value = 0;
  std::memcpy(&value, text, sizeof value);
  return value;
}

std::uint64_t load(const char* text) noexcept { return load_as<std::uint64_t>(text); }

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const Product product = multiply_wide(a ^ 0x9E3779B97F4A7C15u, b ^ 0xD6E8FEB86659FD93u);
  return product.high ^ product.low;
}

bool is_short(Key key) noexcept { return key.high >> 24 != kLong; }

Key long_key(std::string_view word) noexcept {
  std::uint64_t hash = word.size();
  const char* text = word.data();
  const char* const last = text + word.size() - 8;
  for (; text < last; text += 8) hash = mix(load(text), hash);
  return {mix(load(last), hash), kLong << 24 | (static_cast<std::uint32_t>(word.size()) & 0xFFFFFF)};
}

// The key of a word at `text`, where 12 bytes may be read; kNoKey for a longer word.
Key short_key(const char* text, std::size_t size) noexcept {
  const Part part = kParts[std::min(size, kShort + 1)];
  return {load(text) & part.low, (load_as<std::uint32_t>(text + 8) & part.high) | part.end};
}

Key key_of(std::string_view word) noexcept {
  if (word.size() > kShort) return long_key(word);
  std::array<char, 12> padded{};
  std::copy(word.begin(), word.end(), padded.begin());
  return short_key(padded.data(), word.size());
}

// Compares two words that are too long for a key.
bool are_equal(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return false;
  const std::size_t last = a.size() - 8;
  if (((load(a.data()) ^ load(b.data())) | (load(a.data() + last) ^ load(b.data() + last))) != 0) return false;
  return last <= 8 || std::memcmp(a.data() + 8, b.data() + 8, last - 8) == 0;
}

std::string_view item(const TextBlock& block, std::size_t i) noexcept {
  const std::uint32_t* span = block.spans.get() + 2 * i;
  return {reinterpret_cast<const char*>(block.text.data()) + span[0], span[1] - span[0]};
}

}  // namespace

WordTable::WordTable() : slots_(kFirstSlots), shift_(64 - std::countr_zero(kFirstSlots)), ends_{0} {}

// Multiplicative hashing: the highest bits of the product depend on all bits of the key.
std::size_t WordTable::first_place(Key key) const noexcept {
  return (key.low * 0x9E3779B97F4A7C15u + key.high * 0xD6E8FEB86659FD93u) >> shift_;
}

// The slot of the word, or a free slot for it.
std::size_t WordTable::place_of(std::string_view word, Key key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t place = first_place(key);; place = (place + 1) & mask) {
    const Slot& slot = slots_[place];
    if (slot.holds(key) && (is_short(key) || are_equal((*this)[slot.id], word))) return place;
    if (slot.id == kNone) return place;
  }
}

std::uint32_t WordTable::find(std::string_view word) const noexcept { return slots_[place_of(word, key_of(word))].id; }

std::uint32_t WordTable::add(std::string_view word) {
  const Key key = key_of(word);
  return add(word, key, place_of(word, key));
}

std::uint32_t WordTable::add(std::string_view word, Key key, std::size_t place) {
  if (slots_[place].id != kNone) return slots_[place].id;
  if (2 * (size() + 1) > slots_.size()) {
    grow();
    place = place_of(word, key);
  }
  if (size() >= kNone / 2) throw std::length_error("more than 2^31 - 1 different words");
  const auto id = static_cast<std::uint32_t>(size());
  arena_.append(word);
  ends_.push_back(arena_.size());
  slots_[place] = {key.low, key.high, id};
  return id;
}

void WordTable::grow() {
  std::vector<Slot> larger(2 * slots_.size());
  slots_.swap(larger);
  --shift_;
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : larger) {
    if (slot.id == kNone) continue;
    std::size_t place = first_place({slot.low, slot.high});
    while (slots_[place].id != kNone) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

// First looks at one slot for each word of a group, without branches, and collects the misses; then resolves those.
template <typename Table, typename Ids, typename Missed>
void WordTable::for_items(Table& table, const TextBlock& block, const Ids& ids_from, const Missed& missed) {
  struct Look {
    std::uint64_t low;
    std::uint32_t high, place;
  };
  std::array<Look, kAtOnce> looks;
  std::array<std::uint32_t, kAtOnce> misses;
  const char* const text = reinterpret_cast<const char*>(block.text.data());
  for (std::size_t start = 0; start < block.n_items; start += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, block.n_items - start);
    const std::uint32_t* const spans = block.spans.get() + 2 * start;
    const Slot* const slots = table.slots_.data();
    for (std::size_t j = 0; j < n; ++j) {
      const Key key = short_key(text + spans[2 * j], spans[2 * j + 1] - spans[2 * j]);
      const std::size_t place = table.first_place(key);
      looks[j] = {key.low, key.high, static_cast<std::uint32_t>(place)};
      __builtin_prefetch(slots + place);
    }
    std::uint32_t* const ids = ids_from(start);
    std::size_t n_misses = 0;
    for (std::size_t j = 0; j < n; ++j) {
      const Slot& slot = slots[looks[j].place];
      ids[j] = slot.id;
      misses[n_misses] = static_cast<std::uint32_t>(j);
      n_misses += slot.holds({looks[j].low, looks[j].high}) ? 0 : 1;
    }
    for (std::size_t m = 0; m < n_misses; ++m) {
      const std::size_t j = misses[m];
      const std::string_view word = item(block, start + j);
      if (word.size() <= kShort) continue;
      const Key key = long_key(word);
      looks[j] = {key.low, key.high, 0};
      __builtin_prefetch(slots + table.first_place(key));
    }
    for (std::size_t m = 0; m < n_misses; ++m) {
      const std::size_t j = misses[m];
      ids[j] = missed(item(block, start + j), Key{looks[j].low, looks[j].high});
    }
  }
}

void WordTable::ids(const TextBlock& block, std::uint32_t unknown, std::span<std::uint32_t> out) const noexcept {
  for_items(
      *this, block, [&](std::size_t start) { return &out[start]; },
      [&](std::string_view word, Key key) {
        const std::uint32_t id = slots_[place_of(word, key)].id;
        return id == kNone ? unknown : id;
      });
}

std::size_t WordTable::ids_or_add(const TextBlock& block, std::size_t most, std::span<std::uint32_t> out) {
  std::size_t n_unknown = 0;
  for_items(
      *this, block, [&](std::size_t start) { return &out[start]; },
      [&](std::string_view word, Key key) {
        const std::size_t place = place_of(word, key);
        const std::uint32_t id = slots_[place].id;
        if (id != kNone) return id;
        ++n_unknown;
        return size() < most ? add(word, key, place) : kNone;
      });
  return block.n_items - n_unknown;
}

void WordTable::count(const TextBlock& block, std::vector<std::uint64_t>& counts) {
  std::vector<std::uint32_t> ids(block.n_items);
  for_items(
      *this, block, [&](std::size_t start) { return &ids[start]; },
      [&](std::string_view word, Key key) { return add(word, key, place_of(word, key)); });
  counts.resize(size());
  for (const std::uint32_t id : ids) ++counts[id];
}

Vocabulary::Vocabulary(std::span<const std::string_view> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (table_.add(words[i]) != i) throw std::invalid_argument("a word comes twice: " + std::string(words[i]));
  }
}

}  // namespace fastbatch
