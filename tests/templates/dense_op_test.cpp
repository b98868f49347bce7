// The sliding and the compressed branch: tensors, arguments, cases, ladders and counts.

#include <cstring>
#include <set>

#include <catch2/catch_all.hpp>

#include "nsajit/dense_args.h"
#include "nsajit/error.h"
#include "nsajit/op.h"
#include "tests/templates/fields_config.h"

using namespace nsajit;
using Catch::Matchers::WithinRel;

namespace {

const Op& op_of(const Workload& w) { return find_op(w.problem); }

nsajit_dense_args arguments_of(const Workload& w) {
  const std::size_t count = op_of(w).tensors(w).size();
  std::vector<char> memory(count);
  std::vector<void*> addresses;
  for (char& byte : memory) addresses.push_back(&byte);
  const auto bytes = op_of(w).arguments(w, addresses, nullptr);
  nsajit_dense_args args;
  REQUIRE(bytes.size() == sizeof(args));
  std::memcpy(&args, bytes.data(), sizeof(args));
  CHECK(args.lse == addresses[4]);
  CHECK(args.cu_keys == (w.problem.layout == Layout::Varlen ? addresses.back() : nullptr));
  return args;
}

std::vector<std::int64_t> ladder_of(const char* text) {
  const Workload w = parse_workload(text);
  std::vector<std::int64_t> lengths;
  for (const Workload& rung : op_of(w).threshold_ladder(w)) {
    CHECK_NOTHROW(validate(rung));
    CHECK(rung.problem == w.problem);
    lengths.push_back(op_of(w).threshold_length(rung));
  }
  return lengths;
}

using Lengths = std::vector<std::int64_t>;

}  // namespace

TEST_CASE("strides of the dense branches reach exactly the last key") {
  for (const char* text :
       {"sliding,group=6,dk=48,dv=80,grouped;B=3,S=5,S_kv=1030,G=2", "sliding,group=6,dk=48,dv=80,flash;B=3,S=5,S_kv=1030,G=2",
        "compressed,group=6,dk=48,dv=80,grouped;B=3,S=5,S_kv=1030,G=2",
        "compressed,group=6,dk=48,dv=80,flash;B=3,S=5,S_kv=1030,G=2"}) {
    const Workload w = parse_workload(text);
    const nsajit_dense_args args = arguments_of(w);
    CHECK((w.B - 1) * args.k_b + (w.G - 1) * args.k_g + (args.S_c - 1) * args.k_s + w.problem.dk ==
          op_of(w).tensors(w)[1].elements());
    CHECK((w.B - 1) * args.v_b + (w.G - 1) * args.v_g + (args.S_c - 1) * args.v_s + w.problem.dv ==
          op_of(w).tensors(w)[2].elements());
  }
}

TEST_CASE("compressed tokens are those of whole blocks") {
  CHECK(arguments_of(parse_workload("compressed,l=32,d=16;B=1,S=8192,G=1")).S_c == 511);
  CHECK(arguments_of(parse_workload("compressed,l=16,d=16;B=1,S=33,G=1")).S_c == 2);
  const Workload none = parse_workload("compressed,l=32,d=16;B=2,S=31,G=3");
  CHECK(arguments_of(none).S_c == 0);
  CHECK(op_of(none).tensors(none)[1].elements() == 2 * 3 * 128);
}

TEST_CASE("packed sequences have starts of their own for compressed tokens") {
  const Workload w = parse_workload("compressed,group=2,dk=32,dv=16,varlen;B=5,S=170,G=3");
  const auto inputs = op_of(w).make_inputs(w, {});
  const auto* rows = reinterpret_cast<const std::int32_t*>(inputs[3].data.data());
  const auto* keys = reinterpret_cast<const std::int32_t*>(inputs[4].data.data());
  CHECK(rows[5] - rows[4] == 170);
  CHECK(keys[5] - keys[4] == 9);
  CHECK(keys[2] == keys[1]);
  CHECK(arguments_of(w).k_b == 0);
}

TEST_CASE("dense parity cases are valid, have names of their own, and end with the workload") {
  for (const char* text : {"sliding,w=1;B=1,S=1024,G=1", "sliding,w=512,flash;B=1,S=1,S_kv=1024,G=2", "sliding,w=0;B=1,S=64,G=1",
                           "compressed;B=1,S=1024,G=1", "compressed,l=16,d=16,varlen;B=3,S=100,G=1"}) {
    const Workload workload = parse_workload(text);
    const auto cases = op_of(workload).parity_cases(workload);
    std::set<std::string> names;
    for (const ParityCase& spec : cases) {
      CHECK_NOTHROW(validate(spec.workload));
      CHECK(spec.workload.problem == workload.problem);
      names.insert(spec.name);
    }
    CHECK(names.size() == cases.size());
    CHECK(cases.back().workload == workload);
  }
}

TEST_CASE("the cases of a window reach past it, and those of compression past many tokens") {
  for (const char* text : {"sliding,w=512;B=1,S=64,G=1", "compressed;B=1,S=64,G=1"}) {
    const Workload workload = parse_workload(text);
    std::int64_t longest = 0;
    for (const ParityCase& spec : op_of(workload).parity_cases(workload)) longest = std::max(longest, spec.workload.S_kv);
    CHECK(longest > (workload.problem.branch == Branch::Sliding ? 600 : 140 * 16));
  }
}

TEST_CASE("ladders double the length that the threshold counts") {
  CHECK(ladder_of("sliding,w=500;B=1,S=4096,G=1") == Lengths{32, 64, 128, 256, 500});
  CHECK(ladder_of("sliding,w=500;B=1,S=100,G=1") == Lengths{32, 64, 100});
  CHECK(ladder_of("sliding,w=16;B=1,S=100,G=1") == Lengths{16});
  CHECK(ladder_of("compressed;B=1,S=1,S_kv=8192,G=1") == Lengths{32, 64, 128, 256, 511});
  CHECK(ladder_of("compressed,varlen;B=2,S=600,G=1") == Lengths{32, 36});
  CHECK(op_of(parse_workload("sliding")).threshold_name({}) == "NSA_FA2_MIN_LEN_WIN");
  CHECK(op_of(parse_workload("compressed")).threshold_name({}) == "NSA_FA2_MIN_LEN_CMP");
}

TEST_CASE("the work of dense attention counts exactly the keys that are seen") {
  const auto sliding = parse_workload("sliding,group=2,dk=32,dv=64,bf16,w=4;B=3,S=10,G=2");
  CHECK_THAT(op_of(sliding).work(sliding).flops, WithinRel(2.0 * 3 * 2 * 34 * 2 * (32 + 64), 1e-12));
  CHECK_THAT(op_of(sliding).work(sliding).bytes, WithinRel(2.0 * 96 * 3 * 2 * (10 * 2 + 10), 1e-12));
  const auto decode = parse_workload("sliding,group=2,dk=32,dv=64,bf16,w=4;B=3,S=1,S_kv=1000,G=2");
  CHECK_THAT(op_of(decode).work(decode).bytes, WithinRel(2.0 * 96 * 3 * 2 * (2 + 4), 1e-12));
  const auto compressed = parse_workload("compressed,group=2,dk=32,dv=64,bf16,l=4,d=2,l_sel=4;B=1,S=9,G=1");
  CHECK_THAT(op_of(compressed).work(compressed).flops,
             WithinRel(2.0 * (0 + 0 + 0 + 1 + 1 + 2 + 2 + 3 + 3) * 2 * (32 + 64), 1e-12));
}

TEST_CASE("a changed future leaves the compressed tokens that end before it") {
  const Workload w = parse_workload("compressed,fp32,group=1,dk=16,dv=16,flash;B=2,S=100,G=1");
  const auto inputs = op_of(w).make_inputs(w, {}), changed = op_of(w).change_future(w, inputs, 62);
  const auto k = [&](const std::vector<HostTensor>& tensors, int i) {
    return reinterpret_cast<const float*>(tensors[1].data.data())[i * 16];
  };
  CHECK(k(inputs, 1) == k(changed, 1));
  CHECK(k(inputs, 2) == -k(changed, 2));  // tokens 32..63
}

TEST_CASE("a dense CPU plan covers every row once, in whole tiles of queries") {
  const Workload w = parse_workload("sliding,fp32,group=1,dk=32,dv=32;B=2,S=1000,G=3");
  const Target cpu = templates_test::cpu_target(16);
  const LaunchPlan plan = op_of(w).plan(w, op_of(w).default_config(w.problem, cpu), cpu);
  CHECK(plan.steps[0].block[0] % 16 == 0);
  CHECK(plan.steps[0].grid[0] == (6000 + plan.steps[0].block[0] - 1) / plan.steps[0].block[0]);
}
