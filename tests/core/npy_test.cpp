// Npy: what numpy.save writes is read; everything else is refused, with the file and the reason.
#include "core/npy.h"

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"
#include "tests/support/npy_file.h"
#include "tests/support/temporary_folder.h"

using namespace nsajit;
using nsajit::testing::npy_bytes;
using nsajit::testing::npy_dictionary;
using nsajit::testing::npy_header;
using nsajit::testing::TemporaryFolder;
using nsajit::testing::write_bytes;

namespace {

const std::string kFour(16, '\x01');  // the bytes of four values

// Why a file of these bytes is refused; it is to name the file and how to save one.
std::string why_refused(const std::string& bytes) {
  const TemporaryFolder folder;
  const std::string path = write_bytes(folder.path() + "/x.npy", bytes);
  const auto refusal = tests::refusal_of([&] { read_npy(path); });
  if (!refusal.code) return "accepted";
  CHECK(refusal.code == ErrorCode::InvalidArgument);
  CHECK(refusal.message.starts_with("read " + path + ": "));
  return refusal.message.substr(path.size() + 7);
}

void check_refused(const std::string& bytes, const std::string& part) {
  const std::string why = why_refused(bytes);
  INFO(why);
  CHECK(why.find(part) != std::string::npos);
  CHECK(why.find("numpy.save(path, numpy.ascontiguousarray(x, dtype='<i4'))") != std::string::npos);
}

std::string with_dictionary(const std::string& dictionary) { return npy_header(dictionary) + kFour; }

}  // namespace

TEST_CASE("values and shape of every version of the format are read") {
  const int major = GENERATE(1, 2, 3);
  const TemporaryFolder folder;
  const std::string path =
      write_bytes(folder.path() + "/x.npy", npy_bytes({2, 1, 3}, {1, -1, 2147483647, -2147483647 - 1, 0, 7}, major));
  const NpyArray array = read_npy(path);
  CHECK(array.shape == std::vector<std::int64_t>{2, 1, 3});
  CHECK(array.values == std::vector<std::int32_t>{1, -1, 2147483647, -2147483647 - 1, 0, 7});
}

TEST_CASE("arrays of no value and of one value without a dimension are read") {
  const TemporaryFolder folder;
  CHECK(read_npy(write_bytes(folder.path() + "/x.npy", npy_bytes({3, 0, 5}, {}))).values.empty());
  const NpyArray one = read_npy(write_bytes(folder.path() + "/y.npy", npy_bytes({}, {9})));
  CHECK(one.shape.empty());
  CHECK(one.values == std::vector<std::int32_t>{9});
}

TEST_CASE("keys may come in any order, in either quotes and without the last comma") {
  CHECK(why_refused(with_dictionary("{\"shape\": (2,2), \"descr\":\"<i4\",'fortran_order' :False}")) == "accepted");
}

TEST_CASE("a file that is no npy file, of another version or of another type is refused") {
  check_refused("PK\x03\x04 this is an archive", "does not begin with \\x93NUMPY");
  check_refused("", "ends inside its first bytes");
  check_refused(npy_header(npy_dictionary({4}), 4) + kFour, "version 4.0");
  check_refused(with_dictionary("{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }"), "'<i8'");
  check_refused(with_dictionary("{'descr': '>i4', 'fortran_order': False, 'shape': (4,), }"), "'>i4'");
  check_refused(with_dictionary("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (4,), }"), "records");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': True, 'shape': (2, 2), }"), "Fortran order");
}

TEST_CASE("a header that is not the known dictionary is refused") {
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, }"), "lacks 'shape'");
  check_refused(with_dictionary("{'descr': '<i4', 'descr': '<i4', 'fortran_order': False, 'shape': (4,), }"), "'descr' twice");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': (4,), 'x': 1}"),
                "'x' which .npy does not know");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': 0, 'shape': (4,), }"), "True or False");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': (4L,), }"), "'L,)");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': (-4,), }"), "length");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': 4, }"), "'('");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': (4,), } + 1"), "goes on");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order"), "text without an end");
}

TEST_CASE("a size that is not the file's, or no file's, is refused") {
  check_refused(npy_header(npy_dictionary({5})) + kFour, "needs 20 bytes of values, but 16 follow");
  check_refused(npy_header(npy_dictionary({3})) + kFour, "needs 12 bytes of values, but 16 follow");
  check_refused(npy_header(npy_dictionary({1 << 30, 1 << 30, 1 << 30})) + kFour, "larger than any file");
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "length");
  std::string many = "1";
  for (int i = 0; i < 40; ++i) many += ",1";
  check_refused(with_dictionary("{'descr': '<i4', 'fortran_order': False, 'shape': (" + many + "), }"), "32 dimensions");
}

TEST_CASE("a header longer than NumPy writes is refused before it is read") {
  check_refused(std::string("\x93NUMPY\x02\x00\xff\xff\xff\x7f", 12) + kFour, "2147483647 bytes; 10000 at most");
}

TEST_CASE("a missing file and a folder are refused by name") {
  CHECK(tests::refusal_of([] { read_npy("/nonexistent/x.npy"); }).message.find("read /nonexistent/x.npy: No such file") == 0);
  CHECK(tests::refusal_of([] { read_npy("/tmp"); }).code == ErrorCode::InvalidArgument);
}

TEST_CASE("every cut of a file is refused, and a changed byte gives values of that size or a refusal") {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/x.npy", whole = npy_bytes({2, 2}, {1, 2, 3, 4});
  std::size_t accepted = 0;
  for (std::size_t bytes = 0; bytes < whole.size(); ++bytes) {
    write_bytes(path, whole.substr(0, bytes));
    accepted += tests::refusal_of([&] { read_npy(path); }).code ? 0 : 1;
  }
  CHECK(accepted == 0);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    for (const char change : {'\x01', '\x10', '\xff'}) {
      std::string changed = whole;
      changed[at] = static_cast<char>(changed[at] ^ change);
      write_bytes(path, changed);
      std::size_t values = 4;
      const auto refusal = tests::refusal_of([&] { values = read_npy(path).values.size(); });
      CHECK((!refusal.code || refusal.code == ErrorCode::InvalidArgument));
      CHECK(values == 4);
    }
  }
}
