// SPDX-License-Identifier: MIT
// Array formats: what is read from valid files, and what is said of the others.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <functional>

#include "source/idx.h"
#include "source/npy.h"
#include "source/npz.h"
#include "source/raw.h"
#include "source_files.h"

namespace fastbatch {
namespace {

using testing::Entry;
using testing::gzip;
using testing::npy;
using testing::TemporaryFolder;
using testing::zip;

using Shape = std::vector<std::uint64_t>;
using Strides = std::vector<std::ptrdiff_t>;

const std::string kSix = {1, 2, 3, 4, 5, 6};

std::string bytes_of(const ArrayView& view) {
  const auto n = *array_bytes(view.shape, view.itemsize);
  return {reinterpret_cast<const char*>(view.data), static_cast<std::size_t>(n)};
}

// What open() says of a file; "" when it is content.
std::string complaint(const std::function<void()>& open) {
  try {
    open();
  } catch (const FormatError& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

// Reads what a view promises, so that a sanitizer, or the mapping's end, can object.
void touch(const ArrayView& view) {
  if (view.file) {
    REQUIRE(view.file_end() <= view.file->size());
  }
  unsigned sum = 0;
  for (const char byte : bytes_of(view)) sum += static_cast<unsigned char>(byte);
  CHECK(sum < ~0U);
}

}  // namespace

TEST_CASE("type strings become element types") {
  const bool is_little = std::endian::native == std::endian::little;
  const ElementType f4 = parse_descr(">f4", {});
  CHECK(f4.dtype == DType::kF32);
  CHECK(f4.itemsize == 4);
  CHECK(f4.swap_bytes == is_little);
  CHECK(f4.descr == ">f4");
  CHECK(parse_descr("=i8", {}).descr == (is_little ? "<i8" : ">i8"));
  CHECK(parse_descr("f2", {}).dtype == DType::kF16);
  CHECK(parse_descr("?", {}).descr == "|b1");
  CHECK(parse_descr(">u1", {}).descr == "|u1");
  CHECK_FALSE(parse_descr(">u1", {}).swap_bytes);
  CHECK(parse_descr(">c16", {}).swap_unit == 8);
  CHECK(parse_descr(">U7", {}).itemsize == 28);
  CHECK(parse_descr(">U7", {}).swap_unit == 4);
  CHECK(parse_descr("<S5", {}).descr == "|S5");
  CHECK(parse_descr("|V12", {}).itemsize == 12);
  CHECK(parse_descr("<M8[25s]", {}).descr == "<M8[25s]");
  CHECK(parse_descr(">m8", {}).swap_unit == 8);
  CHECK(parse_descr("<f16", {}).dtype == DType::kOpaque);
  for (const char* bad : {"",     "<",       "<i3",          "f12",         "<f4 ",    " <f4",   "!i4",     "<f04",
                          "<f+4", "|S-1",    "|S2147483648", "<U536870912", "<M8[xx]", "<M8[ns", "<M8[0s]", "<M8[2/3s]",
                          "T",    "<i4,<f4", "2f4",          "|c1",         "<b2",     "<f4\n"}) {
    contains(complaint([&] { parse_descr(bad, {"a.npy"}); }),
             "a.npy: unknown element type: expected a NumPy type string");
  }
  contains(complaint([] { parse_descr("|S0", {}); }), "no size");
  contains(complaint([] { parse_descr("|O", {}); }), "never read because reading them runs the code inside");
}

TEST_CASE("a .npy file of every version is mapped in place") {
  const TemporaryFolder folder;
  for (const int major : {1, 2, 3}) {
    const auto path = folder.write("a", npy("{'descr': '<i2', 'fortran_order': False, 'shape': (3,), }", kSix, major));
    const ArrayView view = open_npy(path);
    CHECK(view.dtype == DType::kI16);
    CHECK(view.shape == Shape{3});
    CHECK(view.strides == Strides{2});
    CHECK(bytes_of(view) == kSix);
    CHECK(view.file_end() == view.file->size());
    CHECK(view.path == path);
  }
}

TEST_CASE("a .npy header may be spelled in any way that Python reads") {
  const TemporaryFolder folder;
  auto shape_of = [&](const std::string& dict, int major = 1) {
    return open_npy(folder.write("a", npy(dict, kSix, major))).shape;
  };
  CHECK(shape_of("{'shape':(2,3),'fortran_order':False,'descr':'|u1'}") == Shape{2, 3});
  CHECK(shape_of("  {\"descr\" : \"|u1\" ,\n \"shape\" : ( 6 , ) , 'fortran_order' : False , }  ") == Shape{6});
  CHECK(shape_of("{'descr': '|u1', 'fortran_order': False, 'shape': ()}") == Shape{});
  CHECK(shape_of("{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3L)}") == Shape{2, 3});
  CHECK(shape_of("{'descr': '|u1', 'fortran_order': False, 'shape': (0, 9223372036854775807)}") ==
        Shape{0, 9223372036854775807U});
  const ArrayView columns =
      open_npy(folder.write("f", npy("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3)}", kSix)));
  CHECK(columns.strides == Strides{1, 2});

  auto refused = [&](const std::string& dict, const std::string& expected, int major = 1) {
    contains(complaint([&] { shape_of(dict, major); }), expected);
  };
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (2L, 3)}", "expected ')', found 'L'", 3);
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (3)}", "expected a tuple such as (3,)");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': 3}", "expected '(', found '3'");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
          "expected a length of 0 or more, found a negative one");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (1.5,)}", "expected ')', found '.'");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (03,)}", "leading zero");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (18446744073709551616,)}", "expected a length below 2^64");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (4294967296, 4294967296)}",
          "expected less than 2^63 bytes");
  refused("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 4611686018427387904)}",
          "expected less than 2^63 bytes");
  refused("{'descr': '|u1', 'fortran_order': 0, 'shape': (3,)}", "expected True or False, found '0'");
  refused("{'descr': '|u1', 'fortran_order': False}", "found a header without one of them");
  refused("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': (3,)}", "found 'descr' again");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), 'x': 1}", "found another");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (3,)} x", "expected the end of the header, found 'x'");
  refused("{'descr': '|u1' 'fortran_order': False, 'shape': (3,)}", "expected '}'");
  refused("{'descr': '\\x7cu1', 'fortran_order': False, 'shape': (3,)}", "expected a plain string");
  refused("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (3,)}", "found a structured one");
  refused("{'descr': '|O', 'fortran_order': False, 'shape': (3,)}", "elements are Python objects ('|O')");
  refused("{'descr': '|u1', 'fortran_order': False, 'shape': (7,)}", "array ends early: expected 7 bytes, found 6");
}

TEST_CASE("what is not a .npy file is refused with the place") {
  const TemporaryFolder folder;
  auto refused = [&](const std::string& bytes, const std::string& expected) {
    const auto path = folder.write("a.npy", bytes);
    const std::string text = complaint([&] { open_npy(path); });
    contains(text, expected);
    CHECK(text.starts_with(path + ": "));
  };
  refused("", "expected a header, found nothing (0 bytes)");
  refused("PK\3\4............", "byte 0: not a .npy array");
  refused("\x80\4\x95.......", "a pickle: expected a .npy array; pickles are never read");
  const std::string good = npy("|u1", "(6,)", kSix);
  std::string other = good;
  other[6] = 4;
  refused(other, "byte 6: unknown .npy version: expected 1.0, 2.0 or 3.0, found 4.0");
  other = good;
  other[9] = '\x7f';
  refused(other, "byte 8: .npy header ends early: expected 32640 bytes, found 134");
  std::string large = std::string("\x93NUMPY\2\0", 8) + testing::little(100000, 4) + std::string(100000, ' ');
  refused(large, "header too long: expected at most 65536 bytes, found 100000");
}

TEST_CASE("raw files: the first dimension may be what fits") {
  const TemporaryFolder folder;
  const auto path = folder.write("a.bin", kSix);
  CHECK(open_raw(path, "<u2", {-1}).shape == Shape{3});
  CHECK(bytes_of(open_raw(path, "|u1", {-1, 2}, 2)) == kSix.substr(2));
  CHECK(open_raw(path, "|u1", {2, 2}).shape == Shape{2, 2});
  CHECK(open_raw(path, "|u1", {-1, 4}, 6).shape == Shape{0, 4});
  contains(complaint([&] { open_raw(path, "<f4", {-1}); }),
           "no whole number of rows: expected a multiple of 4 bytes, found 6");
  contains(complaint([&] { open_raw(path, "<f4", {2}); }), "array ends early: expected 8 bytes, found 6");
  contains(complaint([&] { open_raw(path, "<f4", {1}, 7); }), "expected at most 6 bytes, found offset 7");
  contains(complaint([&] { open_raw(path, "<f8", {1LL << 62}); }), "expected less than 2^63 bytes");
  CHECK_THROWS_AS(open_raw(path, "<f4", {-1, 0}), std::invalid_argument);
  CHECK_THROWS_AS(open_raw(path, "<f4", {2, -1}), std::invalid_argument);
}

TEST_CASE("IDX files, plain and gzip") {
  const TemporaryFolder folder;
  const std::string header = {0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3};
  const ArrayView plain = open_idx(folder.write("a", header + kSix));
  CHECK(plain.shape == Shape{2, 3});
  CHECK(plain.descr == "|u1");
  CHECK(bytes_of(plain) == kSix);
  CHECK(bytes_of(open_idx(folder.write("a.gz", gzip(header + kSix)))) == kSix);
  // Several members in a row, with zeros behind, are one file.
  const auto members = folder.write("m.gz", gzip(header) + gzip("") + gzip(kSix) + std::string(70000, '\0'));
  CHECK(bytes_of(open_idx(members)) == kSix);
  const std::string shorts = {0, 0, 0x0b, 1, 0, 0, 0, 3};
  CHECK(open_idx(folder.write("s", shorts + kSix)).descr == ">i2");

  auto refused = [&](const std::string& bytes, const std::string& expected) {
    contains(complaint([&] { open_idx(folder.write("refused", bytes)); }), expected);
  };
  refused("", "IDX header ends early: expected 4 bytes, found 0");
  refused(std::string{0, 0, 0x0a, 1, 0, 0, 0, 0}, "not an IDX file: expected 0, 0, a type");
  refused(header + kSix + "x", "IDX file too long: expected 18 bytes, found 19");
  refused(gzip(header + kSix + "x"), "inflated IDX too long: expected 18 bytes, found more");
  refused(gzip(header + "12"), "inflated IDX ends early: expected 18 bytes, found 14");
  refused(gzip(header + kSix) + "rubbish", "damaged compressed data");
  std::string wrong_crc = gzip(header + kSix);
  wrong_crc[wrong_crc.size() - 5] ^= 1;
  refused(wrong_crc, "damaged compressed data: incorrect data check");
  const std::string huge = {0, 0, 0x0e, 2, 127, 0, 0, 0, 0, 127, 0, 0};
  refused(gzip(huge), "found a file of");
}

TEST_CASE(".npz members are mapped in place or inflated") {
  const TemporaryFolder folder;
  const std::string array = npy("<u2", "(3,)", kSix);
  for (const bool end64 : {false, true}) {
    for (const bool in_zip64 : {false, true}) {
      const NpzFile file(folder.write("a.npz", zip({{"x.npy", array, 0, 0, in_zip64}, {"y.npy", array, 8, 0, in_zip64}},
                                                   "a comment", end64, "in front")));
      REQUIRE(file.size() == 2);
      CHECK(file.name(0) == "x");
      CHECK(file.find("y") == 1U);
      CHECK(file.find("y.npy") == 1U);
      CHECK_FALSE(file.find("z").has_value());
      const ArrayView stored = file.open(0);
      CHECK(stored.file != nullptr);
      CHECK(bytes_of(stored) == kSix);
      const ArrayView inflated = file.open(1);
      CHECK(inflated.owner != nullptr);
      CHECK(inflated.descr == "<u2");
      CHECK(bytes_of(inflated) == kSix);
    }
  }
  CHECK(NpzFile(folder.write("e.npz", zip({}))).size() == 0);
}

TEST_CASE("a bad .npz member is named") {
  const TemporaryFolder folder;
  const std::string array = npy("<u2", "(3,)", kSix);
  auto refused = [&](const std::string& bytes, const std::string& expected) {
    const auto path = folder.write("a.npz", bytes);
    const std::string text = complaint([&] { touch(NpzFile(path).open(0)); });
    contains(text, expected);
    CHECK(text.starts_with(path + ": "));
  };
  refused(zip({{"x.npy", array, 0, 1}}), "member x.npy: expected a plain member, found an encrypted one");
  refused(zip({{"x.npy", array, 12}}),
          "member x.npy: expected a stored (0) or deflated (8) member, found compression method 12");
  refused(zip({{"read me.txt", "hello, world", 0}}), "member read me.txt: not a .npy array");
  refused(zip({{"o.npy", npy("|O", "(1,)", "....."), 0}}), "member o.npy: elements are Python objects");
  refused(zip({{"o.npy", npy("|O", "(1,)", "....."), 8}}), "member o.npy: elements are Python objects");
  refused(zip({{"x.npy", npy("<u2", "(4,)", kSix), 8}}), "member x.npy: array ends early: expected 8 bytes, found 6");
  refused(zip({{"x.npy", array}, {"x", array}}), "member x: expected each name once, found it again");
  refused(zip({{"", array}}), "found an empty name");
  refused(zip({{std::string("a\0b", 3), array}}), "found a zero byte");
  refused(zip({{"x.npy", array}}) + "tail", "zip archive ends early: expected its directory at the end of the file");
  std::string wrong_crc = zip({{"x.npy", array, 8}});
  wrong_crc[14] ^= 1;  // in the local header
  refused(wrong_crc, "member x.npy: bad local zip header: expected the directory's checksum");
  wrong_crc[wrong_crc.rfind("PK\1\2") + 16] ^= 1;
  refused(wrong_crc, "member x.npy: damaged: expected the checksum (CRC-32)");
  std::string bomb = zip({{"x.npy", array, 8}});
  bomb.replace(22, 4, "\xff\xff\xff\x7f");
  bomb.replace(bomb.rfind("PK\1\2") + 24, 4, "\xff\xff\xff\x7f");
  refused(bomb, "member x.npy: impossible size: expected at most");
}

TEST_CASE("a file cut anywhere is a format error; a damaged one is that or a sound view") {
  const testing::MemoryFile file;
  const std::string array = npy("<u2", "(3,)", kSix);
  const std::string idx = std::string{0, 0, 0x08, 2, 0, 0, 0, 2, 0, 0, 0, 3} + kSix;
  auto open_all = [](const std::string& path) {
    const NpzFile archive(path);
    for (std::size_t i = 0; i < archive.size(); ++i) touch(archive.open(i));
  };
  auto torture = [&](const std::string& bytes, const std::function<void(const std::string&)>& open) {
    CHECK_NOTHROW(open(file.write(bytes)));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
      CAPTURE(n);
      CHECK_THROWS_AS(open(file.write(bytes.substr(0, n))), FormatError);
    }
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      for (const char flip : {'\x01', '\x20', '\x80', '\xff'}) {
        std::string damaged = bytes;
        damaged[i] ^= flip;
        CAPTURE(i);
        const auto& path = file.write(damaged);
        CHECK_NOTHROW(complaint([&] { open(path); }));  // nothing but FormatError
      }
    }
  };
  torture(array, [](const std::string& path) { touch(open_npy(path)); });
  torture(npy("{'descr': '>c8', 'fortran_order': True, 'shape': (1, 2)}", std::string(16, 'x'), 2),
          [](const std::string& path) { touch(open_npy(path)); });
  torture(idx, [](const std::string& path) { touch(open_idx(path)); });
  torture(gzip(idx), [](const std::string& path) { touch(open_idx(path)); });
  torture(zip({{"x.npy", array, 0}, {"y.npy", array, 8}}), open_all);
  torture(zip({{"x.npy", array, 0, 0, true}, {"y.npy", array, 8, 0, true}}, "", true), open_all);
}

}  // namespace fastbatch
