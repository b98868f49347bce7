// Recording: its digest is of shape and contents, and who asks for one that was not read is told what to do.
#include "nsajit/recording.h"

#include <cstring>

#include <catch2/catch_all.hpp>

#include "tests/core/refusal.h"
#include "tests/support/npy_file.h"
#include "tests/support/temporary_folder.h"

using namespace nsajit;
using nsajit::testing::TemporaryFolder;
using nsajit::testing::write_npy;

namespace {

Recording record(const std::vector<std::int64_t>& shape, const std::vector<std::int32_t>& values) {
  const TemporaryFolder folder;
  return load_recording(write_npy(folder.path() + "/x.npy", shape, values));
}

std::string why_refused(const std::vector<std::int64_t>& shape, const std::vector<std::int32_t>& values) {
  return tests::refusal_of([&] { record(shape, values); }).message;
}

}  // namespace

TEST_CASE("a recording has the shape and the values of its file") {
  const Recording recording = record({1, 2, 1, 3}, {0, 1, -1, 0, 2, -1});
  CHECK(recording.sel.spec.shape == std::vector<std::int64_t>{1, 2, 1, 3});
  CHECK(recording.sel.spec.type == ElementType::INT32);
  REQUIRE(recording.sel.data.size() == 24);
  std::int32_t fifth = 0;
  std::memcpy(&fifth, recording.sel.data.data() + 16, 4);
  CHECK(fifth == 2);
  CHECK(recording.path.ends_with("/x.npy"));
}

TEST_CASE("the digest of a recording is that of shape and contents, the same in every version") {
  const Recording recording = record({1, 2, 1, 2}, {0, 1, 0, 2});
  CHECK(selection_digits(recording.digest) == "475896ec23991e7a");
  CHECK(record({1, 2, 1, 2}, {0, 1, 0, 2}).digest == recording.digest);
  CHECK(record({1, 2, 1, 2}, {0, 1, 0, 3}).digest != recording.digest);
  CHECK(record({2, 1, 1, 2}, {0, 1, 0, 2}).digest != recording.digest);
  CHECK(record({1, 1, 1, 2, 2}, {0, 1, 0, 2}).digest != recording.digest);
}

TEST_CASE("an array that is no selection is refused with its shape") {
  CHECK_THAT(why_refused({2, 2}, {1, 2, 3, 4}), Catch::Matchers::Contains("x.npy: its shape is (2, 2); a selection is ranges"));
  CHECK_THAT(why_refused({1, 1, 1, 1, 3}, {1, 2, 3}), Catch::Matchers::Contains("(1, 1, 1, 1, 3)"));
  CHECK_THAT(why_refused({1, 0, 1, 1}, {}), Catch::Matchers::Contains("(1, 0, 1, 1)"));
}

TEST_CASE("recordings are found by digest, and one that was not read is named with what to do") {
  Recordings recordings;
  const std::uint64_t first = recordings.add(record({1, 1, 1, 1}, {0})).digest;
  const std::uint64_t second = recordings.add(record({1, 2, 1, 1}, {0, 0})).digest;
  recordings.add(record({1, 1, 1, 1}, {0}));
  CHECK(recordings.paths().size() == 2);
  CHECK(recordings.get(second).sel.spec.shape[1] == 2);
  const auto refusal = tests::refusal_of([&] { recordings.get(first ^ second); });
  CHECK(refusal.code == ErrorCode::InvalidArgument);
  CHECK_THAT(refusal.message,
             Catch::Matchers::Contains(selection_digits(first ^ second)) && Catch::Matchers::Contains("--selection"));
}
