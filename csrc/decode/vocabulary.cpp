// SPDX-License-Identifier: MIT
#include "decode/vocabulary.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <stdexcept>

#include "common/philox.h"

namespace fastbatch {
namespace {

using Key = WordTable::Key;

constexpr std::size_t kAtOnce = 32;  // words whose slots are fetched together
constexpr std::size_t kFirstSlots = 1024;
constexpr std::size_t kShort = 15;  // bytes of a word that a key holds
constexpr std::uint64_t kLong = 0xFF;

static_assert(std::endian::native == std::endian::little, "the first byte of a word is the lowest of its key");
static_assert(TextBuffer::kPadding >= sizeof(Key), "keys are loaded at once");

constexpr std::uint64_t low_bytes(std::size_t n) {
  return n >= 8 ? ~std::uint64_t{0} : (std::uint64_t{1} << (8 * n)) - 1;
}

// What to keep of the 16 bytes at a word's begin, by its size.
constexpr auto kMasks = [] {
  std::array<Key, kShort + 1> masks{};
  for (std::size_t n = 0; n <= kShort; ++n) masks[n] = {low_bytes(n), n <= 8 ? 0 : low_bytes(n - 8)};
  return masks;
}();

std::uint64_t load(const char* text) noexcept {
  std::uint64_t value = 0;
  std::memcpy(&value, text, sizeof value);
  return value;
}

std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
  const Product product = multiply_wide(a ^ 0x9E3779B97F4A7C15u, b ^ 0xD6E8FEB86659FD93u);
  return product.high ^ product.low;
}

bool is_short(Key key) noexcept { return key.high >> 56 != kLong; }

Key long_key(std::string_view word) noexcept {
  std::uint64_t hash = word.size();
  std::size_t i = 0;
  for (; i + 16 < word.size(); i += 16) hash = mix(load(word.data() + i) ^ hash, load(word.data() + i + 8));
  const char* const last = word.data() + word.size() - 16;
  return {mix(load(last) ^ hash, load(last + 8)), kLong << 56 | (word.size() & low_bytes(7))};
}

// Of a word behind whose begin 16 bytes may be read.
Key padded_key(std::string_view word) noexcept {
  if (word.size() > kShort) [[unlikely]]
    return long_key(word);
  const Key mask = kMasks[word.size()];
  return {load(word.data()) & mask.low, (load(word.data() + 8) & mask.high) | (word.size() + 1) << 56};
}

Key key_of(std::string_view word) noexcept {
  if (word.size() > kShort) return long_key(word);
  std::array<char, 16> padded{};
  std::copy(word.begin(), word.end(), padded.begin());
  return padded_key({padded.data(), word.size()});
}

std::string_view item(const TextBlock& block, std::size_t i) noexcept {
  const std::uint32_t* span = block.spans.get() + 2 * i;
  return {reinterpret_cast<const char*>(block.text.data()) + span[0], span[1] - span[0]};
}

}  // namespace

WordTable::WordTable() : slots_(kFirstSlots), ends_{0} {}

std::size_t WordTable::first_place(Key key) const noexcept { return mix(key.low, key.high) & (slots_.size() - 1); }

// Where the word stands, or the free slot where it would.
std::size_t WordTable::place_of(std::string_view word, Key key) const noexcept {
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t place = first_place(key);; place = (place + 1) & mask) {
    const Slot& slot = slots_[place];
    if (slot.key == key && (is_short(key) || (*this)[slot.id] == word)) return place;
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
  slots_[place] = {key, id};
  return id;
}

void WordTable::grow() {
  std::vector<Slot> larger(2 * slots_.size());
  slots_.swap(larger);
  const std::size_t mask = slots_.size() - 1;
  for (const Slot& slot : larger) {
    if (slot.id == kNone) continue;
    std::size_t place = first_place(slot.key);
    while (slots_[place].id != kNone) place = (place + 1) & mask;
    slots_[place] = slot;
  }
}

// Calls found(i, id) for the items that stand where they are looked for first, other(i, word, key) for all else.
template <typename Table, typename Found, typename Other>
void WordTable::for_items(Table& table, const TextBlock& block, const Found& found, const Other& other) {
  std::array<Key, kAtOnce> keys{};
  std::array<std::size_t, kAtOnce> places{};
  for (std::size_t start = 0; start < block.n_items; start += kAtOnce) {
    const std::size_t n = std::min(kAtOnce, block.n_items - start);
    for (std::size_t j = 0; j < n; ++j) {
      keys[j] = padded_key(item(block, start + j));
      places[j] = table.first_place(keys[j]);
      __builtin_prefetch(&table.slots_[places[j]]);
    }
    for (std::size_t j = 0; j < n; ++j) {
      // A place from before the table grew is a place where another word may be, but never another word's key.
      const Slot& slot = table.slots_[places[j]];
      if (slot.key == keys[j] && is_short(keys[j])) [[likely]] {
        found(start + j, slot.id);
      } else {
        other(start + j, item(block, start + j), keys[j]);
      }
    }
  }
}

void WordTable::ids(const TextBlock& block, std::uint32_t unknown, std::span<std::uint32_t> out) const noexcept {
  for_items(
      *this, block, [&](std::size_t i, std::uint32_t id) { out[i] = id; },
      [&](std::size_t i, std::string_view word, Key key) {
        const std::uint32_t id = slots_[place_of(word, key)].id;
        out[i] = id == kNone ? unknown : id;
      });
}

std::size_t WordTable::ids_or_add(const TextBlock& block, std::size_t most, std::span<std::uint32_t> out) {
  std::size_t n_unknown = 0;
  for_items(
      *this, block, [&](std::size_t i, std::uint32_t id) { out[i] = id; },
      [&](std::size_t i, std::string_view word, Key key) {
        const std::size_t place = place_of(word, key);
        out[i] = slots_[place].id;
        if (out[i] != kNone) return;
        ++n_unknown;
        if (size() < most) out[i] = add(word, key, place);
      });
  return block.n_items - n_unknown;
}

void WordTable::count(const TextBlock& block, std::vector<std::uint64_t>& counts) {
  for_items(
      *this, block, [&](std::size_t, std::uint32_t id) { ++counts[id]; },
      [&](std::size_t, std::string_view word, Key key) {
        const std::uint32_t id = add(word, key, place_of(word, key));
        if (id == counts.size()) counts.push_back(0);
        ++counts[id];
      });
}

Vocabulary::Vocabulary(std::span<const std::string_view> words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (table_.add(words[i]) != i) throw std::invalid_argument("a word comes twice: " + std::string(words[i]));
  }
}

}  // namespace fastbatch
