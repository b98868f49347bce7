// A recorded selection: the workload it makes, what is refused of it by file, row and entry, and its rows in a launch.

#include "templates/selection/selection_recording.h"

#include <cstring>
#include <functional>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "templates/selection/selection_inputs.h"
#include "templates/selection/selection_layout.h"

using namespace nsajit;
using namespace nsajit::templates;
using Catch::Matchers::Contains;
using Catch::Matchers::WithinRel;

namespace {

Recording make_recording(std::vector<std::int64_t> shape, const std::vector<std::int32_t>& values) {
  Recording recording{
      .path = "rec.npy", .digest = 77, .sel = {.spec = {.name = "sel", .type = ElementType::INT32, .shape = shape}}};
  recording.sel.data.resize(4 * values.size());
  std::memcpy(recording.sel.data.data(), values.data(), recording.sel.data.size());
  return recording;
}

// The generated selection of a workload as if a model had made it.
Recording record(const Workload& w, std::uint64_t seed = 3) {
  Recording recording{.path = "rec.npy", .digest = 77, .sel = make_selection_inputs(w, {.seed = seed})[kSel]};
  return recording;
}

std::vector<std::int32_t> values_of(const HostTensor& tensor) {
  std::vector<std::int32_t> values(tensor.data.size() / 4);
  std::memcpy(values.data(), tensor.data.data(), tensor.data.size());
  return values;
}

std::string refusal(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) { return error.what(); }
  return "none";
}

constexpr const char* kBase = "group=2,dk=16,dv=16,l_sel=16,n_sel=4";

// Why a recording of one sequence of two rows at positions 62 and 63, one group and three entries is refused.
std::string why(const std::vector<std::int32_t>& values, bool ranges) {
  const Recording recording = ranges ? make_recording({1, 2, 1, 3, 2}, values) : make_recording({1, 2, 1, 3}, values);
  Workload w = parse_workload(std::string(kBase) + ";S=2,S_kv=64");
  w = make_recorded_workload(w, recording);
  return refusal([&] { check_recording(w, recording); });
}

}  // namespace

TEST_CASE("a recording decides sizes, entries, form and overlap of its workload, and nothing else") {
  const Workload w = parse_workload("group=2,dk=16,dv=16,n_sel=16,blocks;B=2,S=2048,S_kv=30000,G=3,overlap=75");
  const Workload base = parse_workload("group=2,dk=16,dv=16,n_sel=16,fp16;S_kv=30000");
  const Workload recorded = make_recorded_workload(base, record(w));
  Workload expected = w;
  expected.problem.dtype = DType::FP16;
  expected.selection = 77;
  expected.overlap_percent = recorded.overlap_percent;
  CHECK(recorded == expected);
  CHECK(std::abs(recorded.overlap_percent - 75) <= 6);
  const Workload ranges = parse_workload("group=2,dk=16,dv=16,n_sel=8,ranges;B=1,S=3000,G=1");
  CHECK(make_recorded_workload(base, record(ranges)).problem.input == SelectionInput::Ranges);
  CHECK(make_recorded_workload(parse_workload("n_sel=8;S_kv=3000"), record(ranges)).overlap_percent == 0);
}

TEST_CASE("a recording of what generators make is accepted, ragged and unsorted rows too") {
  const char* form = GENERATE("blocks", "ranges");
  const Workload w = parse_workload(std::string(kBase) + "," + form + ";B=2,S=100,S_kv=300,G=2");
  const Recording recording = record(w);
  CHECK(refusal([&] { check_recording(w, recording); }) == "none");
  CHECK(why({3, 0, 2, -1, -1, -1}, false) == "none");
  CHECK(why({40, 48, 0, 16, 7, 7, 0, 0, -1, -1, 63, 64}, true) == "none");
}

TEST_CASE("entries that a model clamps, beyond the row's position but within the keys, are accepted") {
  CHECK(why({0, 3, 2, 0, 3, -1}, false) == "none");
  CHECK(why({0, 64, 0, 0, 0, 0, 0, 10, 60, 64, 0, 0}, true) == "none");
}

TEST_CASE("wrong entries are named with file, row and entry") {
  CHECK(why({0, 1, 2, 0, 4, -1}, false) ==
        "recorded selection rec.npy: row (b=0, s=1, g=0), entry 1: block 4 is outside the 64 keys (blocks of 16; -1 = unused)");
  CHECK_THAT(why({0, 1, -2, 0, 1, -1}, false), Contains("row (b=0, s=0, g=0), entry 2: block -2 is outside"));
  CHECK_THAT(why({2, 0, 2, 0, 1, -1}, false),
             Contains("row (b=0, s=0, g=0), entry 2: block 2 is selected twice, in entry 0 too"));
  CHECK_THAT(why({0, 16, 8, 24, 0, 0, 0, 0, 0, 0, 0, 0}, true),
             Contains("entry 1: range [8, 24) overlaps entry 0, range [0, 16)"));
  CHECK_THAT(why({0, 0, 0, 0, 0, 0, 9, 5, 0, 0, 0, 0}, true),
             Contains("(b=0, s=1, g=0), entry 0: range [9, 5) ends before it begins"));
  CHECK_THAT(why({-4, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true), Contains("range [-4, 5) is outside the 64 keys"));
  CHECK_THAT(why({60, 65, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, true), Contains("range [60, 65) is outside the 64 keys"));
}

TEST_CASE("a row of more tokens than the tuple has room for is refused, as far as it attends to them") {
  const Recording recording = make_recording({1, 2, 1, 1, 2}, {0, 64, 0, 64});
  Workload w = make_recorded_workload(parse_workload("group=2,dk=16,dv=16,l_sel=16,n_sel=4;S=2,S_kv=80"), recording);
  CHECK(refusal([&] { check_recording(w, recording); }) == "none");
  // Rows at 44 .. 63: up to 47, what the range has beyond the row makes no difference.
  std::vector<std::int32_t> values;
  for (int position = 44; position < 64; ++position) values.insert(values.end(), {0, position < 48 ? 64 : 48});
  Workload clamped = make_recorded_workload(parse_workload("group=2,dk=16,dv=16,l_sel=16,n_sel=3;S=20,S_kv=64"),
                                            make_recording({1, 20, 1, 1, 2}, values));
  CHECK(refusal([&] { check_recording(clamped, make_recording({1, 20, 1, 1, 2}, values)); }) == "none");
  values[2 * 4 + 1] = 64;
  CHECK_THAT(refusal([&] {
               check_recording(clamped, make_recording({1, 20, 1, 1, 2}, values));
             }),
             Contains("row (b=0, s=4, g=0) selects 49 tokens"));
  w.problem.n_sel = 3;
  CHECK_THAT(refusal([&] { check_recording(w, recording); }),
             Contains("row (b=0, s=0, g=0) selects 64 tokens") && Contains("48 at most"));
}

TEST_CASE("a recording of other sizes is refused with both") {
  const Recording recording = make_recording({1, 2, 1, 3}, {0, 1, 2, 0, 1, 2});
  for (const char* text :
       {"blocks;S=3,S_kv=64,n=3", "blocks;S=2,S_kv=64,n=4", "ranges;S=2,S_kv=64,n=3", "blocks;B=2,S=2,S_kv=64,n=3"}) {
    Workload w = parse_workload(std::string(kBase) + "," + text);
    w.selection = 77;
    CHECK_THAT(refusal([&] { check_recording(w, recording); }),
               Contains("rec.npy: it has B=1, S=2, G=1, n=3 and blocks") && Contains(to_string(w)));
  }
}

TEST_CASE("inputs of a recorded workload are the recording's rows, cut to n, and the usual Q, K and V") {
  Workload w = parse_workload(std::string(kBase) + ",ranges;B=1,S=2,S_kv=64,G=1");
  Recordings recordings;
  const std::vector<std::int32_t> values{0, 16, 32, 48, 60, 63, 16, 32, 0, 3, 0, 0};
  w = make_recorded_workload(w, recordings.add(make_recording({1, 2, 1, 3, 2}, values)));
  const InputRecipe recipe{.seed = 9, .recordings = &recordings};
  const auto inputs = make_selection_inputs(w, recipe);
  CHECK(values_of(inputs[kSel]) == values);
  Workload cut = w;
  cut.n = 1;
  CHECK(values_of(make_selection_inputs(cut, recipe)[kSel]) == std::vector<std::int32_t>{0, 16, 16, 32});
  Workload generated = w;
  generated.selection = 0;
  CHECK(make_selection_inputs(generated, recipe)[kQ].data == inputs[kQ].data);
}

TEST_CASE("a recorded workload without its recording cannot make inputs") {
  Workload w = parse_workload(std::string(kBase) + ",blocks;S=2,S_kv=64,n=3");
  w.selection = 0xabc;
  const Recordings none;
  for (const Recordings* recordings : {&none, static_cast<const Recordings*>(nullptr)})
    CHECK_THAT(refusal([&] { make_selection_inputs(w, {.recordings = recordings}); }), Contains("0000000000000abc"));
}

TEST_CASE("the work of a recording counts what its rows attend to") {
  Recordings recordings;
  // Positions 62 and 63: the block from 48 is cut to 15 and 16 tokens.
  Workload w = parse_workload(std::string(kBase) + ",bf16,blocks;B=1,S=2,S_kv=64,G=1");
  w = make_recorded_workload(w, recordings.add(make_recording({1, 2, 1, 3}, {0, 3, -1, 3, -1, -1})));
  const Op& op = find_op(w.problem);
  const Op::Work work = op.recorded_work(w, recordings);
  CHECK_THAT(work.flops, WithinRel(2.0 * (16 + 15 + 16) * 2 * (16 + 16), 1e-12));
  CHECK_THAT(work.bytes, WithinRel(op.work(w).bytes, 1e-12));
  w.n = 1;
  CHECK_THAT(op.recorded_work(w, recordings).flops, WithinRel(2.0 * (16 + 16) * 2 * (16 + 16), 1e-12));
  w.selection = 0;
  CHECK_THAT(op.recorded_work(w, recordings).flops, WithinRel(op.work(w).flops, 1e-12));
}

TEST_CASE("only the case of the workload itself runs on the recording, and the ladder cuts it") {
  Workload w = parse_workload(std::string(kBase) + ",blocks;B=1,S=2,S_kv=64,G=1");
  w = make_recorded_workload(w, make_recording({1, 2, 1, 3}, {0, 1, 2, 0, 1, 3}));
  const Op& op = find_op(w.problem);
  const auto cases = op.parity_cases(w);
  CHECK(cases.back().workload == w);
  for (std::size_t i = 0; i + 1 < cases.size(); ++i) CHECK(cases[i].workload.selection == 0);
  std::vector<int> lengths;
  for (const Workload& rung : op.threshold_ladder(w)) {
    CHECK(rung.selection == w.selection);
    lengths.push_back(rung.n);
  }
  CHECK(lengths == std::vector<int>{1, 2, 3});
}
