// Tuple fields: what a recorded selection decides, and what is said where something else was given.

#include "cli/tuple_fields.h"

#include <cstring>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"

using namespace nsajit;
using Catch::Matchers::Contains;
using cli::TupleBuilder;

namespace {

// Two rows of three blocks, of which they share none beyond the forced ones.
Recording make_recording() {
  const std::vector<std::int32_t> values{0, 3, 15, 0, 5, 15};
  Recording recording{.path = "rec.npy",
                      .digest = 0x9f00000000000001,
                      .sel = {.spec = {.name = "sel", .type = ElementType::INT32, .shape = {1, 2, 1, 3}}}};
  recording.sel.data.resize(4 * values.size());
  std::memcpy(recording.sel.data.data(), values.data(), recording.sel.data.size());
  return recording;
}

std::string refusal(const TupleBuilder& builder) {
  try {
    builder.build(make_recording());
  } catch (const Error& error) {
    CHECK(error.code() == ErrorCode::InvalidArgument);
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("a tuple of a recorded selection has its sizes, and room for its entries") {
  const Workload workload = TupleBuilder("dk=64;S_kv=1024").build(make_recording());
  CHECK(workload.problem.dk == 64);
  CHECK(workload.problem.input == SelectionInput::Blocks);
  CHECK(workload.problem.n_sel == 3);
  CHECK(workload.S == 2);
  CHECK(workload.S_kv == 1024);
  CHECK(workload.n == 3);
  CHECK(workload.selection == 0x9f00000000000001);
}

TEST_CASE("what was given and is the file's too is accepted") {
  CHECK(refusal(TupleBuilder("blocks,n_sel=8;B=1,S=2,S_kv=1024,G=1,n=3,overlap=0,selection=9f00000000000001")) == "accepted");
}

TEST_CASE("what was given and is not the file's is refused, naming both") {
  CHECK(refusal(TupleBuilder(";S=4096,S_kv=4096")) ==
        "S=4096 was given, but the recorded selection rec.npy has S=2; leave S out, the file decides");
  CHECK_THAT(refusal(TupleBuilder(";S_kv=1024,B=2")), Contains("B=2 was given") && Contains("has B=1"));
  CHECK_THAT(refusal(TupleBuilder(";S_kv=1024,G=3")), Contains("G=3 was given") && Contains("has G=1"));
  CHECK_THAT(refusal(TupleBuilder(";S_kv=1024,n=2")), Contains("n=2 was given") && Contains("has n=3"));
  CHECK_THAT(refusal(TupleBuilder(";S_kv=1024,overlap=50")), Contains("overlap=50 was given") && Contains("has overlap=0"));
  CHECK_THAT(refusal(TupleBuilder("ranges;S_kv=1024")), Contains("input=ranges was given") && Contains("has input=blocks"));
  CHECK_THAT(refusal(TupleBuilder(";S_kv=1024,selection=1f00000000000001")), Contains("selection=1f00000000000001 was given"));
}

TEST_CASE("flags count as given like the fields of a text") {
  TupleBuilder builder(";S_kv=1024");
  builder.set("G", "3");
  CHECK_THAT(refusal(builder), Contains("G=3 was given"));
}

TEST_CASE("a tuple that the recording does not fit is refused") {
  CHECK_THAT(refusal(TupleBuilder("n_sel=2;S_kv=1024")), Contains("n=3 is larger than n_sel=2"));
  CHECK_THAT(refusal(TupleBuilder(";S_kv=900")),
             Contains("rec.npy: row (b=0, s=0, g=0), entry 2: block 15 is outside the 900 keys"));
  CHECK_THAT(refusal(TupleBuilder("sliding;S_kv=1024")), Contains("only the selection branch"));
}

TEST_CASE("without a recording, sizes that are left out follow from the others") {
  TupleBuilder builder("n_sel=8;S=4096");
  CHECK(builder.build().S_kv == 4096);
  CHECK(builder.build().n == 8);
  builder.set("n", "5");
  builder.set("S_kv", "5000");
  CHECK(builder.build().S_kv == 5000);
  CHECK(builder.build().n == 5);
}
