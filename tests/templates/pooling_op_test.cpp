// Pooling: which compressed tokens a launch makes, where they lie, their reference and counts.

#include <cstring>

#include <catch2/catch_all.hpp>

#include "nsajit/op.h"
#include "nsajit/pooling_args.h"
#include "templates/common/host_elements.h"
#include "templates/pooling/pooling_rows.h"
#include "tests/templates/fields_config.h"

using namespace nsajit;
using namespace nsajit::templates;
using Catch::Matchers::WithinRel;

namespace {

const Op& op() { return find_op(parse_problem("pooling")); }

std::int64_t count_of(const char* text) { return pooling::launch_tokens(parse_workload(text)).count(); }

}  // namespace

TEST_CASE("a launch makes the compressed tokens that its last positions complete") {
  CHECK(count_of("pooling,l=32,d=16;B=1,S=31,G=1") == 0);
  CHECK(count_of("pooling,l=32,d=16;B=1,S=32,G=1") == 1);
  CHECK(count_of("pooling,l=32,d=16;B=1,S=8192,G=1") == 511);
  CHECK(count_of("pooling,l=16,d=16;B=1,S=33,G=1") == 2);
  CHECK(count_of("pooling,l=32,d=16;B=1,S=1,S_kv=64,G=1") == 1);
  CHECK(count_of("pooling,l=32,d=16;B=1,S=1,S_kv=65,G=1") == 0);
  CHECK(count_of("pooling,l=32,d=16;B=1,S=17,S_kv=65,G=1") == 1);
  CHECK(pooling::launch_tokens(parse_workload("pooling,l=32,d=16;B=1,S=1,S_kv=64,G=1")).first == 2);
}

TEST_CASE("every token of an output is a row's, exactly once") {
  for (const char* text : {"pooling,dk=48,dv=16,group=2;B=2,S=100,G=3", "pooling,dk=48,dv=16,flash;B=2,S=40,S_kv=100,G=3",
                           "pooling,dk=48,dv=16,l=8,d=4,l_sel=16,varlen;B=5,S=50,G=2"}) {
    const Workload w = parse_workload(text);
    for (const auto& [name, tensor, size] : {std::tuple("k_cmp", pooling::kKCmp, 48), std::tuple("v_cmp", pooling::kVCmp, 16)}) {
      std::vector<int> seen(static_cast<std::size_t>(op().tensors(w)[tensor].elements()), 0);
      for (std::int64_t row = 0; row < w.B * w.S * w.G; ++row) {
        const Op::RowSlice slice = op().output_row(w, name, row);
        for (std::int64_t i = 0; i < slice.count; ++i) ++seen[static_cast<std::size_t>(slice.begin + i)];
      }
      CHECK(seen == std::vector<int>(seen.size(), 1));
      CHECK(static_cast<std::int64_t>(seen.size()) == static_cast<std::int64_t>(pooling::sample_tokens(w, 0).size()) * size);
    }
  }
}

TEST_CASE("pooling's strides reach exactly the last token") {
  for (const char* text : {"pooling,dk=48,dv=80;B=3,S=100,G=2", "pooling,dk=48,dv=80,flash;B=3,S=100,G=2"}) {
    const Workload w = parse_workload(text);
    const nsajit_pooling_args args = pooling::make_args(w);
    CHECK((w.B - 1) * args.k_b + (w.G - 1) * args.k_g + 99 * args.k_s + 48 == op().tensors(w)[pooling::kK].elements());
    CHECK((w.B - 1) * args.v_cmp_b + (w.G - 1) * args.v_cmp_g + (args.S_c - 1) * args.v_cmp_s + 80 ==
          op().tensors(w)[pooling::kVCmp].elements());
  }
}

TEST_CASE("a compressed token is the mean of its block, in every layout") {
  for (const char* layout : {"grouped", "flash"}) {
    const Workload w = parse_workload(std::string("pooling,fp32,dk=16,dv=32,l=8,d=4,l_sel=16,") + layout + ";B=2,S=40,G=2");
    const ParityCase spec{.name = "x", .workload = w};
    const auto inputs = op().make_inputs(w, spec.recipe);
    const Reference reference = op().reference(spec, inputs);
    const bool flash = w.problem.layout == Layout::Flash;
    double mean = 0;
    for (std::int64_t t = 12; t < 20; ++t)  // token 3 of b = 1, g = 1: the first element of V
      mean += load_element(inputs[1].data.data(), ElementType::FP32, flash ? ((40 + t) * 2 + 1) * 32 : (3 * 40 + t) * 32) / 8.0;
    const std::int64_t row = (40 + 19) * 2 + 1;
    const auto at = std::find(reference.rows.begin(), reference.rows.end(), row) - reference.rows.begin();
    REQUIRE(at < static_cast<std::ptrdiff_t>(reference.rows.size()));
    CHECK_THAT(reference.oracle[1][static_cast<std::size_t>(at * 32)], WithinRel(mean, 1e-6));
  }
}

TEST_CASE("a sample of tokens is as large as asked for and has the last one") {
  const Workload w = parse_workload("pooling;B=2,S=4096,G=3");
  const auto rows = pooling::sample_tokens(w, 100);
  CHECK(rows.size() >= 90);
  CHECK(rows.size() <= 101);
  CHECK(rows.back() == pooling::sample_tokens(w, 0).back());
  CHECK(pooling::sample_tokens(parse_workload("pooling;B=2,S=10,G=3"), 5) == std::vector<std::int64_t>{0});
}

TEST_CASE("pooling's cases are valid and have names of their own; one has no token at all") {
  for (const char* text : {"pooling;B=1,S=1024,G=1", "pooling,l=1,d=1,l_sel=1;B=1,S=8,G=1", "pooling,varlen;B=3,S=100,G=1"}) {
    const Workload workload = parse_workload(text);
    for (const ParityCase& spec : op().parity_cases(workload)) CHECK_NOTHROW(validate(spec.workload));
    CHECK(op().parity_cases(workload).back().workload == workload);
  }
  const auto cases = op().parity_cases(parse_workload("pooling;B=1,S=1024,G=1"));
  CHECK(op().tensors(cases.front().workload)[pooling::kKCmp].bytes() == 0);
}

TEST_CASE("pooling on CUDA launches K and V together, and never an empty grid") {
  const Target target = cuda_profile("90a");
  const Workload w = parse_workload("pooling,bf16,dk=192,dv=128;B=2,S=8192,G=4");
  const LaunchPlan plan = op().plan(w, parse_config("pool_chunks{chunks=16,threads=256}"), target);
  CHECK(plan.steps[0].grid == std::array<std::uint32_t, 3>{(511 + 14) / 15, 8, 2});
  CHECK(plan.steps[0].smem_bytes == 16 * 192 * 4);
  const Workload none = parse_workload("pooling,bf16,dk=192,dv=128;B=2,S=31,G=4");
  CHECK(op().plan(none, op().default_config(none.problem, target), target).steps[0].grid[0] == 1);
}

TEST_CASE("a window of more chunks than a block holds is pooled token by token") {
  const Problem problem = parse_problem("pooling,bf16,l=256,d=4,l_sel=4");
  CHECK(op().default_config(problem, cuda_profile("90a")).variant == "pool_tokens");
  CHECK(op().default_config(parse_problem("pooling,l=16,d=16"), templates_test::cpu_target(8)).variant == "pool_tokens");
}

TEST_CASE("the work of pooling reads each raw token once") {
  const Workload w = parse_workload("pooling,bf16,dk=64,dv=32,l=32,d=16;B=1,S=100,G=2");  // 5 tokens over 96
  CHECK(op().work(w).bytes == 2.0 * (64 + 32) * 2 * (96 + 5));
}
