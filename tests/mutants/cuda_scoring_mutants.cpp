// The wrong CUDA kernels of scoring: mistakes in the choice of blocks, in the scores, and where they are given or shared.

#include "tests/mutants/mutant.h"

namespace nsajit::testing {
namespace {

constexpr const char* kBlockRule = "scoring/block_rule.cuh";
constexpr const char* kRing = "scoring/block_ring.cuh";
constexpr const char* kSorted = "scoring/sorted_choice.cuh";
constexpr const char* kTileScores = "scoring/tile_scores.cuh";
constexpr const char* kScoreMma = "scoring/score_mma.cuh";
constexpr const char* kBestBlocks = "scoring/best_blocks.cuh";
constexpr const char* kChosen = "scoring/chosen_blocks.cuh";

constexpr const char* kScoring = "scoring,bf16,dk=64,group=4,n_sel=6;S=200,S_kv=3000,G=2";
constexpr const char* kScoringFp32 = "scoring,fp32,dk=64,group=4,n_sel=6;S=100,S_kv=3000,G=1";
constexpr const char* kManyRows = "scoring,bf16,dk=64,group=4,n_sel=6;S=100,S_kv=40000,G=1";    // longer than every row of scores
constexpr const char* kManyBlocks = "scoring,bf16,dk=64,group=4,n_sel=40;S=100,S_kv=9000,G=1";  // too many for sorted lists
constexpr const char* kWideGroup = "scoring,bf16,dk=64,group=40,n_sel=6;S=100,S_kv=3000,G=1";   // lanes share a query

using Hits = std::vector<std::string>;

}  // namespace

std::vector<Mutant> cuda_scoring_mutants() {
  const Hits kAll{"score_mma{", "score_wgmma{", "packed_sdpa{"}, kTunedForms{"score_mma{", "score_wgmma{"};
  return {
      {"a block's score lacks the keys that begin before it",
       {kRing, "const float weight = static_cast<float>(overlap)",
        "const float weight = o < 0 ? 0.0f : static_cast<float>(overlap)"},
       kAll,
       kScoring},
      {"overlap of a key and a block is not weighted",
       {kRing, "total = fmaf(weight, row[at], total);", "total += row[at];"},
       kAll,
       kScoring},
      {"ties are broken against the lower block",
       {kSorted, "tied &= ~(0x80000000u >> __clz(tied))", "tied &= tied - 1"},
       kAll,
       kScoring},
      {"as many blocks are in as reach the highest score",
       {kSorted, "least = min(least, top.bits[i]);", "least = max(least, top.bits[i]);"},
       kAll,
       kScoring},
      {"blocks of an earlier row are forgotten", {kSorted, "if (best.first > 1) keeper.keep_old();", ""}, kAll, kManyRows},
      {"the filter breaks ties against the lower block",
       {kBestBlocks, "__popc(ties & before) < equal", "__popc(ties & ~before) <= equal"},
       {"score_mma{", "packed_sdpa{"},
       kManyBlocks},
      {"the filter's threshold is not raised",
       {kBestBlocks, "make_int2(wanted, static_cast<int>(least));", "make_int2(wanted - 1, -1);"},
       {"score_mma{", "packed_sdpa{"},
       kManyBlocks},
      {"the last candidate is not scored",
       {kBlockRule, "return max(local - 1, 1); }", "return max(local - 2, 1); }"},
       kAll,
       kScoring},
      {"the block before the local one is not forced", {kBlockRule, "(local > 1 && n > 2 ? 1 : 0)", "0"}, kAll, kScoring},
      {"softmax sums have seen too many keys",
       {kTileScores, "if (8 * half >= seen)", "if (8 * half >= seen + 16)"},
       kAll,
       kScoring},
      {"the last head of a query is left out",
       {kTileScores, "place < (nth + 1) * Columns::kHeads; ++place) {\n        if (place % 2 == 0)",
        "place < (nth + 1) * Columns::kHeads - 1; ++place) {\n        if (place % 2 == 0)"},
       kAll,
       kScoring},
      {"softmax sums of the other warps are lost",
       {kTileScores, "for (int other = 1; other < kWarps; ++other) {", "for (int other = 1; other < 2; ++other) {"},
       kAll,
       kScoring},
      {"the caller's log-sum-exp is another head's",
       {kTileScores, "at.head * args.lse_h] * -kLog2E", "at.head / 2 * args.lse_h] * -kLog2E"},
       kAll,
       kScoring},
      {"lanes that share a query are not added up",
       {kTileScores, "sum[half] = reduce_sum<1, Columns::kLanes / 2>(sum[half]);", ""},
       kAll,
       kWideGroup},
      {"the last element of four is not multiplied, fp32",
       {kScoreMma, "sum = fmaf(q.w, k[half].w, sum);", ""},
       {"score_fp32{", "packed_sdpa{"},
       kScoringFp32},
      {"neighbouring ranges are not merged", {kChosen, "(i == 0 || at(i - 1) + 1 != block)", "true"}, kTunedForms, kScoring},
      {"the last range is not clamped to the position",
       {kChosen, "min(block * Fields::l_sel + (Fields::l_sel - 1), position) + 1", "block * Fields::l_sel + Fields::l_sel"},
       kAll,
       kScoring},
  };
}

}  // namespace nsajit::testing
