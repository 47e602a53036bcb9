// SPDX-License-Identifier: MIT
// Blocks that are skipped: the place and the DC coefficients behind them are those of a decoder that takes symbol by
// symbol, for any tables and any coefficients.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <vector>

#include "codecs/jpeg/block_decoder.h"

namespace fastbatch::jpeg {
namespace {

using Symbols = std::vector<std::uint8_t>;

// A Huffman table whose codes have random lengths, and its codes by symbol.
struct RandomTable {
  RandomTable(const Symbols& symbols, std::mt19937& random) : bytes(16) {
    // A leaf of the tree is divided until there are enough; one more, since all ones is no code.
    std::vector<unsigned> lengths{1, 1};
    while (lengths.size() < symbols.size() + 1) {
      const std::size_t at = std::min(random() % lengths.size(), random() % lengths.size());
      const auto leaf = std::ranges::find_if(lengths.begin() + static_cast<std::ptrdiff_t>(at), lengths.end(),
                                             [](unsigned length) { return length < 16; });
      if (leaf == lengths.end()) continue;
      lengths.push_back(++*leaf);
    }
    std::ranges::sort(lengths);
    lengths.pop_back();
    unsigned code = 0;
    for (std::size_t i = 0; i < symbols.size(); ++i) {
      code = i == 0 ? 0 : (code + 1) << (lengths[i] - lengths[i - 1]);
      ++bytes[lengths[i] - 1];
      bytes.push_back(symbols[i]);
      codes.push_back({symbols[i], code, lengths[i]});
    }
  }

  struct Code {
    std::uint8_t symbol;
    unsigned bits, length;
  };
  std::vector<std::uint8_t> bytes;
  std::vector<Code> codes;
};

class BitWriter {
 public:
  void put(unsigned bits, unsigned length) {
    while (length-- > 0) {
      current_ = current_ << 1U | (bits >> length & 1U);
      if (++n_ % 8 != 0) continue;
      file.push_back(static_cast<std::uint8_t>(current_));
      if (file.back() == 0xFF) file.push_back(0);
    }
  }
  void end() {
    while (n_ % 8 != 0) put(1, 1);
    file.insert(file.end(), {0xFF, 0xD9});
  }
  void put(const RandomTable::Code& code, unsigned value) {
    const unsigned size = code.symbol & 15U;
    put(code.bits, code.length);
    put(value & ((1U << size) - 1), size);
    written_ += code.length + size;
  }
  [[nodiscard]] std::uint64_t written() const noexcept { return written_; }

  std::vector<std::uint8_t> file;

 private:
  unsigned current_ = 0, n_ = 0;
  std::uint64_t written_ = 0;  // without the padding
};

Symbols random_symbols(std::size_t n, unsigned most, std::mt19937& random) {
  Symbols symbols{0};
  while (symbols.size() < n) {
    const auto symbol = static_cast<std::uint8_t>(random() % (most + 1));
    const bool is_run = (symbol & 15U) == 0 && symbol != 0xF0;
    if (!is_run && std::ranges::find(symbols, symbol) == symbols.end()) symbols.push_back(symbol);
  }
  std::ranges::shuffle(symbols, random);
  return symbols;
}

int extended(unsigned value, unsigned size) {
  value &= (1U << size) - 1;
  if (size == 0) return 0;
  return value >> (size - 1) != 0 ? static_cast<int>(value) : static_cast<int>(value) - (1 << size) + 1;
}

// Writes a block; returns the DC difference.
int write_block(const RandomTable& dc, const RandomTable& ac, BitWriter& out, std::mt19937& random) {
  const auto& first = dc.codes[random() % dc.codes.size()];
  const auto value = static_cast<unsigned>(random());
  out.put(first, value);
  for (unsigned k = 0; k < 63;) {
    const auto& code = ac.codes[random() % ac.codes.size()];
    const unsigned after = k + (code.symbol >> 4U) + 1;
    if (code.symbol == 0 || after > 63) {
      out.put(*std::ranges::find(ac.codes, 0, &RandomTable::Code::symbol), 0);
      break;
    }
    out.put(code, static_cast<unsigned>(random()));
    k = after;
  }
  return extended(value, first.symbol);
}

TEST_CASE("random tables and random blocks") {
  std::mt19937 random(1);
  for (int trial = 0; trial < 400; ++trial) {
    CAPTURE(trial);
    const std::size_t n_dc = 2 + random() % 14;
    const std::size_t n_ac = trial % 4 == 0 ? 2 + random() % 6 : 2 + random() % 150;
    HuffmanCache cache;
    std::vector<RandomTable> tables;
    for (int i = 0; i < 2; ++i) {
      tables.emplace_back(random_symbols(n_dc, 15, random), random);
      tables.emplace_back(random_symbols(n_ac, 255, random), random);
    }
    std::vector<int> dc(2), expected(2);
    BitWriter out;
    const unsigned blocks[] = {1 + static_cast<unsigned>(random() % 8), 1 + static_cast<unsigned>(random() % 2)};
    const DcTable* dc_tables[2];
    const AcTable* ac_tables[2];
    const SkipTable* skips[2];
    for (unsigned c = 0; c < 2; ++c) {
      dc_tables[c] = cache.dc(tables[2 * c].bytes);
      ac_tables[c] = cache.ac(tables[2 * c + 1].bytes);
      skips[c] = cache.skips(tables[2 * c].bytes, tables[2 * c + 1].bytes);
      REQUIRE((dc_tables[c] != nullptr && ac_tables[c] != nullptr && skips[c] != nullptr));
    }
    const auto n_mcus = static_cast<std::uint32_t>(1 + random() % 60);
    for (std::uint32_t mcu = 0; mcu < n_mcus; ++mcu) {
      for (unsigned c = 0; c < 2; ++c) {
        for (unsigned i = 0; i < blocks[c]; ++i)
          expected[c] += write_block(tables[2 * c], tables[2 * c + 1], out, random);
      }
    }
    out.end();
    EntropyData data;
    data.open(out.file, 0);
    const auto skip_mcu = [&] {
      bool is_right = data.prepare(data.bits);
      for (unsigned c = 0; c < 2; ++c) {
        for (unsigned i = 0; is_right && i < blocks[c]; ++i) {
          is_right = skip_block(data.bits, *dc_tables[c], *ac_tables[c], *skips[c], dc[c]);
        }
      }
      return is_right;
    };
    for (std::uint32_t mcu = 0; mcu < n_mcus; ++mcu) REQUIRE(skip_mcu());
    CHECK(dc == expected);
    CHECK(data.position(data.bits) == out.written());
    CHECK(data.finish(data.bits));
    std::uint32_t beyond = 0;
    while (beyond < 80 && skip_mcu() && data.has_taken(data.bits)) ++beyond;
    CHECK(beyond < 80);  // the data is over, however short the blocks are that zeros make
  }
}

TEST_CASE("the longest values of a short and of a long code fit the bits of one refill") {
  std::vector<std::uint8_t> bytes(16);
  bytes[0] = bytes[11] = bytes[15] = 1;  // lengths 1, 12 and 16
  bytes.insert(bytes.end(), {0x00, 0x0F, 0x1F});
  AcTable table;
  REQUIRE(table.build(bytes));
  table.build_pairs();
  std::vector<std::uint8_t> both(17);
  both[0] = 1;
  both.insert(both.end(), bytes.begin(), bytes.end());
  SkipTable skips;
  REQUIRE(skips.build(both));
  BitWriter out;
  for (const bool is_long_first : {false, true}) {
    for (const bool is_long : {is_long_first, !is_long_first}) {
      out.put({0x0F, is_long ? 0x8010U : 0x800U, is_long ? 16U : 12U}, 0x5A5A);
    }
    out.put({0x00, 0, 1}, 0);
  }
  out.end();
  out.file.resize(out.file.size() + 16);
  Bits bits{out.file.data(), 0, 0};
  const auto position = [&] { return static_cast<std::uint64_t>(bits.at - out.file.data()) * 8 - bits.n; };
  bits.refill();
  REQUIRE(skip_ac(bits, table, skips, 0));
  CHECK(bits.n <= 64);
  CHECK(position() == 59);
  bits.refill();
  REQUIRE(skip_ac(bits, table, skips, 0));
  CHECK(position() == 118);
}

}  // namespace
}  // namespace fastbatch::jpeg
