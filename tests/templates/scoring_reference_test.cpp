// The reference of scoring, against the paper's matrices written down a second time, and its judge against wrong choices.

#include <cmath>
#include <numeric>
#include <set>

#include <catch2/catch_all.hpp>

#include "nsajit/error.h"
#include "templates/common/host_elements.h"
#include "templates/scoring/scoring_inputs.h"
#include "templates/scoring/scoring_reference.h"

using namespace nsajit;
using namespace nsajit::templates::scoring;
using Catch::Matchers::StartsWith;

namespace {

using Blocks = std::vector<std::int64_t>;

// Scores of all blocks of a row of one grouped sequence: softmax, then the overlap matrix counted token by token.
std::vector<double> naive_scores(const Workload& w, const std::vector<HostTensor>& inputs, std::int64_t s, std::int64_t g) {
  const Problem& p = w.problem;
  const std::int64_t position = w.S_kv - w.S + s, keys = inputs[1].spec.shape[2];
  const auto at = [&](std::size_t tensor, std::int64_t i) {
    return static_cast<double>(templates::load_element(inputs[tensor].data.data(), inputs[tensor].spec.type, i));
  };
  std::vector<double> scores(static_cast<std::size_t>(w.S_kv / p.l_sel + 1));
  for (std::int64_t j = 0; j < p.group; ++j) {
    std::vector<double> weights;
    for (std::int64_t i = 0; i < keys && i * p.d + p.l <= position + 1; ++i) {
      double dot = 0;
      for (std::int64_t d = 0; d < p.dk; ++d)
        dot += at(0, ((s * w.G + g) * p.group + j) * p.dk + d) * at(1, (g * keys + i) * p.dk + d);
      weights.push_back(std::exp(dot / std::sqrt(static_cast<double>(p.dk))));
    }
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    for (std::size_t i = 0; i < weights.size(); ++i)
      for (std::int64_t token = 0; token < p.l; ++token)
        scores[(i * static_cast<std::size_t>(p.d) + static_cast<std::size_t>(token)) / static_cast<std::size_t>(p.l_sel)] +=
            weights[i] / sum / p.l;
  }
  return scores;
}

// Takes the best block left, again and again; the first of equals.
Blocks naive_choice(const Workload& w, const std::vector<double>& scores, std::int64_t position) {
  const std::int64_t local = position / w.problem.l_sel;
  std::vector<bool> in(static_cast<std::size_t>(local + 1));
  Blocks chosen;
  const auto take = [&](std::int64_t block) {
    if (block < 0 || in[static_cast<std::size_t>(block)] || static_cast<int>(chosen.size()) == w.n) return;
    in[static_cast<std::size_t>(block)] = true;
    chosen.push_back(block);
  };
  for (const std::int64_t forced : {std::int64_t{0}, local, local - 1}) take(forced);
  while (static_cast<int>(chosen.size()) < std::min<std::int64_t>(w.n, local + 1)) {
    std::int64_t best = -1;
    for (std::int64_t block = 0; block <= local; ++block)
      if (!in[static_cast<std::size_t>(block)] &&
          (best < 0 || scores[static_cast<std::size_t>(block)] > scores[static_cast<std::size_t>(best)]))
        best = block;
    take(best);
  }
  std::sort(chosen.begin(), chosen.end());
  return chosen;
}

int count_other_choices(const char* text, InputKind kind) {
  const Workload w = parse_workload(text);
  const auto inputs = make_inputs(w, {.kind = kind, .seed = 4});
  const Op& op = find_op(w.problem);
  const Reference reference = op.reference({.workload = w, .recipe = {.kind = kind, .seed = 4}}, inputs);
  int other = 0;
  std::size_t at = 0;
  for (const std::int64_t row : reference.rows) {
    const Blocks naive = naive_choice(w, naive_scores(w, inputs, row / w.G, row % w.G), w.S_kv - w.S + row / w.G);
    for (int i = 0; i < w.n; ++i, ++at) {
      const std::int64_t expected = i < static_cast<int>(naive.size()) ? naive[static_cast<std::size_t>(i)] : -1;
      other += reference.oracle[0][at] == static_cast<double>(expected) ? 0 : 1;
    }
  }
  return other;
}

// Four tokens a block, position 30 in block 7: blocks 0, 6 and 7 are forced, 1 to 5 have scores.
const Workload kRanges = parse_workload("scoring,l=4,d=4,l_sel=4,n_sel=5,ranges;S=64,n=5");
const Workload kIndices = parse_workload("scoring,l=4,d=4,l_sel=4,n_sel=5,blocks;S=64,n=5");
const RowScores kScores{.blocks = {0, 0.2, 0.5, 0.1, 0.5, 0.5 - 1e-8}, .relative_error = 1e-7};
constexpr std::int64_t kPosition = 30;

std::string judge(const Workload& w, bool exact, std::vector<std::int32_t> entries) {
  return find_wrong_choice(w, kPosition, kScores, exact, entries);
}

}  // namespace

TEST_CASE("the reference chooses what the paper's matrices choose") {
  for (const char* text : {"scoring,bf16,dk=32,group=3,n_sel=6,blocks;B=1,S=40,S_kv=900,G=2,n=6",
                           "scoring,fp32,dk=16,group=1,l=16,d=16,l_sel=32,n_sel=5,blocks;B=1,S=200,G=2,n=5",
                           "scoring,fp16,dk=32,group=2,l=64,d=16,l_sel=32,n_sel=40,blocks;B=1,S=300,G=1,n=40",
                           "scoring,fp32,dk=16,group=2,l=8,d=4,l_sel=16,n_sel=2,blocks;B=1,S=90,G=1,n=1"}) {
    INFO(text);
    CHECK(count_other_choices(text, InputKind::Random) == 0);
  }
}

TEST_CASE("ties are exact, many, and go to the lower index") {
  const char* text = "scoring,bf16,dk=64,group=3,n_sel=8,blocks;B=1,S=50,S_kv=2000,G=2,n=8";
  CHECK(count_other_choices(text, InputKind::Ties) == 0);
  const Workload w = parse_workload(text);
  const auto scores = naive_scores(w, make_inputs(w, {.kind = InputKind::Ties, .seed = 4}), 49, 1);
  CHECK(std::count(scores.begin(), scores.end(), 0.0) > 3);
  CHECK(std::set<double>(scores.begin(), scores.end()).size() < 10);
}

TEST_CASE("the right choice is accepted, as blocks and as merged ranges clamped to the position") {
  CHECK(choose_blocks(kIndices, kPosition, kScores) == Blocks{0, 2, 4, 6, 7});
  CHECK(judge(kIndices, true, {0, 2, 4, 6, 7}) == "");
  CHECK(judge(kRanges, true, {0, 4, 8, 12, 16, 20, 24, 31, 0, 0}) == "");
}

TEST_CASE("blocks that fp32 cannot tell apart may be exchanged, unless scores are exact") {
  CHECK(judge(kIndices, false, {0, 2, 5, 6, 7}) == "");
  CHECK_THAT(judge(kIndices, true, {0, 2, 5, 6, 7}), StartsWith("block 5"));
  CHECK_THAT(judge(kIndices, false, {0, 1, 2, 6, 7}), StartsWith("block 1"));
}

TEST_CASE("forced blocks are never exchanged and later ones never taken") {
  CHECK_THAT(judge(kIndices, false, {2, 4, 5, 6, 7}), StartsWith("block 0 is always in"));
  CHECK_THAT(judge(kIndices, false, {0, 2, 4, 5, 7}), StartsWith("block 6 is always in"));
  CHECK_THAT(judge(kIndices, false, {0, 2, 6, 7, 8}), StartsWith("block 8 cannot be chosen"));
}

TEST_CASE("a choice of another number or form is refused") {
  CHECK_THAT(judge(kIndices, false, {0, 2, 6, 7, -1}), StartsWith("4 blocks"));
  CHECK_THAT(judge(kIndices, false, {0, 2, 2, 4, 6}), StartsWith("block 7 is always in"));
  CHECK_THAT(judge(kIndices, false, {2, 0, 4, 6, 7}), StartsWith("the right blocks, but"));
  CHECK_THAT(judge(kRanges, false, {0, 4, 8, 12, 16, 20, 24, 28, 28, 31}), StartsWith("the right blocks, but"));
  CHECK_THAT(judge(kRanges, false, {0, 4, 8, 12, 16, 20, 24, 32, 0, 0}), StartsWith("the right blocks, but"));
  CHECK_THAT(judge(kRanges, false, {0, 4, 8, 12, 16, 20, 24, 30, 0, 0}), StartsWith("range [24,30)"));
}

TEST_CASE("scoring cases are valid, ask for more blocks than exist, and end with the workload") {
  for (const char* text : {"scoring;B=1,S=1024,G=1", "scoring,blocks,l=16,d=16,l_sel=16,n_sel=1,varlen;B=2,S=90,G=1",
                           "scoring,l=64,d=16,l_sel=32,n_sel=64;B=1,S=1,S_kv=8192,G=2"}) {
    const Workload workload = parse_workload(text);
    const auto cases = find_op(workload.problem).parity_cases(workload);
    for (const ParityCase& spec : cases) {
      CHECK_NOTHROW(validate(spec.workload));
      CHECK(spec.workload.n == workload.problem.n_sel);
    }
    CHECK(cases.back().workload == workload);
  }
}

TEST_CASE("the threshold of scoring counts rows, on a ladder up to the workload's") {
  const Workload w = parse_workload("scoring;B=1,S=300,S_kv=1000,G=1");
  std::vector<std::int64_t> lengths;
  for (const Workload& rung : find_op(w.problem).threshold_ladder(w)) {
    CHECK_NOTHROW(validate(rung));
    lengths.push_back(find_op(w.problem).threshold_length(rung));
  }
  CHECK(lengths == std::vector<std::int64_t>{64, 128, 256, 300});
  CHECK(find_op(w.problem).threshold_name(w.problem) == "NSA_SEL_RANGES_V2_MIN_S");
}
