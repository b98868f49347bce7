// The decode step: where its tensors lie, what its cases vary, which rows its reference leaves out, and what it counts.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>

#include <catch2/catch_all.hpp>

#include "nsajit/decode_args.h"
#include "nsajit/op.h"
#include "templates/common/host_elements.h"
#include "templates/decode/decode_inputs.h"
#include "templates/decode/decode_op.h"
#include "templates/decode/decode_rows.h"
#include "templates/scoring/scoring_reference.h"

using namespace nsajit;
using namespace nsajit::templates;

namespace {

const char* const kLayouts[] = {"decode,dk=64,dv=48,group=3;B=3,S=1,S_kv=1000,G=2",
                                "decode,dk=64,dv=48,group=3,flash;B=3,S=1,S_kv=1000,G=2"};

InputRecipe ragged(bool paged) { return {.kind = InputKind::Ragged, .seed = paged ? 4u : 5u}; }

}  // namespace

TEST_CASE("the last token of the last group ends each cache, in pages or not", "[decode]") {
  for (const char* text : kLayouts)
    for (const bool paged : {false, true}) {
      const Workload w = parse_workload(text);
      const auto specs = decode::make_tensors(w);
      const nsajit_decode_args args = decode::make_args(w, {.ragged = true, .paged = paged});
      for (const bool compressed : {false, true}) {
        const nsajit_decode_cache& cache = compressed ? args.cmp : args.sel;
        const std::int64_t rows = decode::count_pages(w) * decode::page_tokens(w.problem) / (compressed ? w.problem.d : 1);
        std::int64_t last = 0;
        for (std::int64_t b = 0; b < w.B; ++b)
          last = std::max(last, std::ranges::max(decode::cache_rows(w, {.ragged = true, .paged = paged}, compressed, b, rows)));
        CHECK(last * cache.k_s + cache.k_g + 64 == specs[compressed ? decode::kKCmp : decode::kKSel].elements());
        CHECK(last * cache.v_s + cache.v_g + 48 == specs[compressed ? decode::kVCmp : decode::kVSel].elements());
      }
    }
}

TEST_CASE("pages are a shuffle of all there are", "[decode]") {
  const Workload w = parse_workload(kLayouts[0]);
  std::set<std::int32_t> pages;
  for (std::int64_t b = 0; b < w.B; ++b)
    for (std::int64_t nth = 0; nth < decode::count_pages(w); ++nth) pages.insert(decode::page_of(w, b, nth));
  CHECK(static_cast<std::int64_t>(pages.size()) == w.B * decode::count_pages(w));
  CHECK(*pages.rbegin() == w.B * decode::count_pages(w) - 1);
  CHECK(decode::page_of(w, 0, 1) != 1);
}

TEST_CASE("what lies behind a sequence's length is NaN, and nothing else", "[decode]") {
  const Workload w = parse_workload(kLayouts[0]);
  for (const bool paged : {false, true}) {
    const InputRecipe recipe = ragged(paged);
    const auto inputs = decode::make_inputs(w, recipe);
    const HostTensor& k = inputs[decode::kKSel];
    const auto args = decode::make_args(w, decode::mode_of(recipe));
    for (std::int64_t b = 0; b < w.B; ++b) {
      const std::int64_t length = decode::sequence_tokens(w, recipe, b);
      const auto rows = decode::cache_rows(w, decode::mode_of(recipe), false, b, 1000);
      for (std::int64_t i = 0; i < 1000; ++i) {
        const float value =
            load_element(k.data.data(), k.spec.type, args.sel.k_g + rows[static_cast<std::size_t>(i)] * args.sel.k_s + 63);
        if (std::isnan(value) != (i >= length)) FAIL("token " << i << " of " << length);
      }
    }
  }
}

TEST_CASE("a choice that fp32 cannot tell from another is not clear", "[decode]") {
  const Workload w = parse_workload("decode,dk=64,n_sel=4;B=1,S=1,S_kv=640,G=1");
  scoring::RowScores scores{.blocks = {0, 1, 2, 3, 2.5, 1, 1, 1}, .relative_error = 1e-3};
  CHECK(scoring::is_clear_choice(w, 639, scores));
  scores.blocks[4] = 2.9999;
  CHECK_FALSE(scoring::is_clear_choice(w, 639, scores));
}

TEST_CASE("nearly all rows of a case are compared", "[decode]") {
  const Workload w = parse_workload("decode,bf16,dk=64,dv=16,group=4;B=12,S=1,S_kv=5000,G=2");
  const DecodeOp op;
  const ParityCase parity_case{.name = "x", .workload = w, .recipe = {.seed = 3}};
  const Reference reference = op.reference(parity_case, op.make_inputs(w, parity_case.recipe));
  CHECK(reference.rows.size() >= 22);
  CHECK(reference.oracle[0].size() == reference.rows.size() * 4 * 16);
}

TEST_CASE("an empty sequence gives zeros and no blocks", "[decode]") {
  const Workload w = parse_workload("decode,bf16,dk=16,dv=16,group=1,n_sel=4;B=3,S=1,S_kv=300,G=1");
  const DecodeOp op;
  const ParityCase parity_case{.name = "x", .workload = w, .recipe = ragged(true)};
  const Reference reference = op.reference(parity_case, op.make_inputs(w, parity_case.recipe));
  REQUIRE(reference.rows.size() == 3);
  CHECK(std::all_of(reference.oracle[0].begin() + 16, reference.oracle[0].begin() + 32, [](double x) { return x == 0; }));
  CHECK(std::vector(reference.oracle[1].begin() + 4, reference.oracle[1].end()) ==
        std::vector<double>{-1, -1, -1, -1, 0, -1, -1, -1});
}

TEST_CASE("reads are counted as decode benches expect them, and as they are", "[decode]") {
  const Problem p = parse_problem("decode,l=32,d=16,l_sel=64,n_sel=16,w=512");
  CHECK(expected_decode_reads(p, 4096, 16).compressed == 255);
  CHECK(expected_decode_reads(p, 4096, 16).total() == 255 + 1024 + 512);
  CHECK(expected_decode_reads(p, 100, 16).total() == 5 + 1024 + 100);
  CHECK(actual_decode_reads(p, 100, 16).total() == 5 + 100 + 100);
  CHECK(actual_decode_reads(p, 4097, 16).selected == 15 * 64 + 1);
  CHECK(actual_decode_reads(p, 0, 16).total() == 0);
}

TEST_CASE("a decode step of several positions, or of packed sequences, is refused", "[decode]") {
  const DecodeOp op;
  const Target target{.name = "x"};
  for (const char* text :
       {"decode,fp32,dk=16,group=1;B=1,S=2,S_kv=64,G=1", "decode,fp32,dk=16,group=1,varlen;B=1,S=1,S_kv=1,G=1"}) {
    const Workload w = parse_workload(text);
    CHECK_THROWS_WITH(op.plan(w, op.default_config(w.problem, target), target), Catch::Matchers::Contains("launch decode"));
  }
}

TEST_CASE("on a known chip one sequence is spread over many CTAs, many sequences over few", "[decode]") {
  Target target = cuda_profile("90a");
  target.name = "NVIDIA H200", target.processors = 132, target.l2_bytes = 60 << 20, target.memory_bytes = 1;
  const DecodeOp op;
  const auto best = [&](const char* text) {
    const Workload w = parse_workload(text);
    std::vector<Config> configs = op.space(w.problem, target).valid_configs();
    return std::ranges::min(configs, {}, [&](const Config& config) { return op.predict(w, config, target)->time_us; });
  };
  CHECK(best("decode,bf16,dk=192,dv=128,group=16;B=1,S=1,S_kv=65536,G=4").at("cluster") >= 8);
  CHECK(best("decode,bf16,dk=192,dv=128,group=16;B=64,S=1,S_kv=65536,G=4").variant == "decode_single");
}
