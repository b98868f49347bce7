// The wrong CUDA kernels: mistakes in what all variants share first, then in each variant's own code.

#include "tests/mutants/mutant.h"

namespace nsajit::testing {
namespace {

constexpr const char* kRow = "selection/row.cuh";
constexpr const char* kTiles = "selection/row_tiles.cuh";
constexpr const char* kQueryMajor = "selection/query_major.cuh";
constexpr const char* kColumns = "selection/heads_as_columns.cuh";
constexpr const char* kRows = "common/heads_as_rows.cuh";
constexpr const char* kSoftmax = "common/softmax_rows.cuh";
constexpr const char* kUnion = "selection/query_union.cuh";
constexpr const char* kPacked = "selection/packed_sdpa.cuh";
constexpr const char* kSplit = "selection/query_split.cuh";
constexpr const char* kUnionWgmma = "selection/query_union_wgmma.cuh";
constexpr const char* kMap = "selection/selection_map.cuh";
constexpr const char* kWarpgroup = "common/warpgroup_attention.cuh";
constexpr const char* kWindow = "dense/row_window.cuh";
constexpr const char* kSequence = "common/sequence.cuh";
constexpr const char* kDenseTiles = "dense/dense_tiles.cuh";
constexpr const char* kDenseMma = "dense/dense_mma.cuh";
constexpr const char* kDenseFp32 = "dense/dense_fp32.cuh";
constexpr const char* kLanes = "common/heads_as_lanes.cuh";
constexpr const char* kDenseWgmma = "dense/dense_wgmma.cuh";

constexpr const char* kGate = "gate/gate_rows.cuh";
constexpr const char* kPoolingSpan = "pooling/pooling_span.cuh";
constexpr const char* kPoolChunks = "pooling/pool_chunks.cuh";
constexpr const char* kDecodeStep = "decode/decode_step.cuh";
constexpr const char* kBlockScores = "decode/block_scores.cuh";
constexpr const char* kCacheTiles = "decode/cache_tiles.cuh";

constexpr const char* kGroup4 =
    "bf16,dk=64,dv=64,group=4,l_sel=64,n_sel=6;S=200,S_kv=512,G=2";  // heads as columns, kv_major as rows
constexpr const char* kGroup4Blocks = "bf16,dk=64,dv=64,group=4,l_sel=64,n_sel=6,blocks;S=200,S_kv=512,G=2";
constexpr const char* kGroup16 = "bf16,dk=64,dv=64,group=16,l_sel=64,n_sel=6;S=200,S_kv=512,G=2";  // query_major in both forms

constexpr const char* kSliding = "sliding,bf16,dk=64,dv=64,group=4,w=70;S=200,S_kv=512,G=2";
constexpr const char* kSlidingFp32 = "sliding,fp32,dk=64,dv=64,group=4,w=70;S=200,S_kv=512,G=2";
constexpr const char* kCompressed = "compressed,bf16,dk=64,dv=64,group=4,l=32,d=16;S=200,S_kv=1200,G=2";

using Hits = std::vector<std::string>;
const Hits kTuned{"query_major{", "query_union{", "kv_major{", "kv_major_wgmma{", "kv_near_wgmma{"};
const Hits kMerged{"query_major{", "query_union{", "packed_sdpa{"};
const Hits kStreamed{"query_major{", "packed_sdpa{"};

std::vector<Mutant> row_mutants() {
  return {
      {"the causal limit is one token late, ranges",
       {kRow, "args.S_kv - args.S + s + 1);", "args.S_kv - args.S + s + 2);"},
       kTuned,
       kGroup4},
      {"the causal limit is one token late, blocks",
       {kRow, "args.S_kv - args.S + s + 1);", "args.S_kv - args.S + s + 2);"},
       kTuned,
       kGroup4Blocks},
      {"the causal limit is one token early",
       {kRow, "args.S_kv - args.S + s + 1);", "args.S_kv - args.S + s);"},
       kTuned,
       kGroup4},
      {"the last selected block is dropped", {kRow, "row.n = args.n;", "row.n = args.n - 1;"}, kTuned, kGroup4},
      {"K has another batch stride", {kRow, "args.k) + b * args.k_b", "args.k) + b * args.k_g"}, kTuned, kGroup4},
      {"V is read from the first group",
       {kRow, "args.v) + b * args.v_b", "args.v) - g * args.v_g + b * args.v_b"},
       kTuned,
       kGroup4},
      {"empty rows are NaN", {kRow, "sum > 0.0f ? 1.0f / sum : 0.0f", "1.0f / sum"}, kMerged, kGroup4},
      {"heads are swapped",
       {kRow, "row.o + head * row.o_head + column", "row.o + (kGroup - 1 - head) * row.o_head + column"},
       kMerged,
       kGroup4},
      {"the log-sum-exp mixes bases", {kRow, "top * scale + logf(sum)", "top * scale + log2f(sum)"}, kMerged, kGroup4},
      {"a row is written beyond its end",
       {kRow, "store_8(row.o + head * row.o_head + column, o);",
        "store_8(row.o + head * row.o_head + column, o);\n    if (column == kDv - 8) store_8(row.o + head * row.o_head + kDv, "
        "o);"},
       kMerged,
       kGroup4},
      {"the log-sum-exp depends on the clock",
       {kRow, "top * scale + logf(sum)", "(top * scale + logf(sum)) * ((clock64() & 1) != 0 ? 1.0000002f : 1.0f)"},
       kMerged,
       kGroup4},
      {"a row is written a terabyte away",
       {kRow, "row.o + head * row.o_head + column", "row.o + (int64{1} << 39) + head * row.o_head + column"},
       kMerged,
       kGroup4,
       cache::TrialStatus::IllegalAccess},
  };
}

std::vector<Mutant> query_major_mutants() {
  return {
      {"the first selected block is dropped",
       {kTiles, "const int entry = base_ + lane_;", "const int entry = base_ + lane_ + 1;"},
       kStreamed,
       kGroup4},
      {"tiles behind a partial one are dropped",
       {kQueryMajor, "while (counts[0] > 0) {", "while (counts[0] == kKeys) {"},
       kStreamed,
       kGroup4},
      {"the softmax scale is wrong",
       {kQueryMajor, "const float scale2 = scale * 1.4426950408889634f;", "const float scale2 = scale * 1.4f;"},
       kStreamed,
       kGroup4},
      {"the first row is not written", {kQueryMajor, "if (s < 0) return;", "if (s <= 0) return;"}, {"query_major{"}, kGroup4},
      {"a partial tile is not masked",
       {kColumns, "if (first > 0 || count < kKeys) mask", "if (first > 0) mask"},
       {"query_major{columns=1", "query_union{columns=1", "packed_sdpa{columns=1"},
       kGroup4},
      {"outputs do not follow a new maximum, heads as columns",
       {kColumns, "o_[m][tile][i] *= shrink;", ""},
       {"query_major{columns=1", "query_union{columns=1", "packed_sdpa{columns=1"},
       kGroup4},
      {"the last keys are not summed, heads as columns",
       {kColumns, "sum_[tile][i % 2] += s[m][tile][i];", "if (m + 1 < kKeys / 16 || i < 2) sum_[tile][i % 2] += s[m][tile][i];"},
       {"query_major{columns=1", "query_union{columns=1", "packed_sdpa{columns=1"},
       kGroup4},
      {"sums do not follow a new maximum, heads as rows",
       {kSoftmax, "sum_[half] *= shrink;", ""},
       {"query_major{columns=0", "packed_sdpa{columns=0"},
       kGroup16},
      {"heads beyond the eighth are read as the first, heads as rows",
       {kRows, "const int head = lane / 4 + 8 * (part % 2);", "const int head = lane / 4;"},
       {"query_major{columns=0", "packed_sdpa{columns=0"},
       kGroup16},
  };
}

std::vector<Mutant> hopper_mutants() {
  const Hits kUnionHits{"query_union_wgmma{"}, kSplitHits{"query_split{"};
  return {
      {"a row weighs tiles that it did not select",
       {kUnionWgmma, "view.seen[half] = view.units[half] != 0;", "view.seen[half] = true;"},
       kUnionHits,
       kGroup4},
      {"the tile with the row's own position is not masked",
       {kUnionWgmma, "(tile + 1) * kTile <= rows[half].limit", "tile * kTile <= rows[half].limit"},
       kUnionHits,
       kGroup4},
      {"a query's last tokens are not marked",
       {kMap, "start / kUnit, ceil_div(end, kUnit));", "start / kUnit, max(start / kUnit + 1, end / kUnit));"},
       kUnionHits,
       kGroup4},
      {"outputs do not follow a new reference, warpgroups",
       {kWarpgroup, "for (int j = 0; j < 4; ++j) o_[i][j] *= shrink_[j / 2];", "for (int j = 0; j < 4; ++j) o_[i][j] *= 1.0f;"},
       kUnionHits,
       kGroup4},
      {"sums do not follow a new reference, warpgroups", {kWarpgroup, "sum_[half] *= shrink_[half];", ""}, kUnionHits, kGroup4},
      {"every block of a cluster takes the first tiles",
       {kQueryMajor, "team * kSplits + split,", "team * kSplits,"},
       kSplitHits,
       kGroup4},
      {"a cluster's partial results are merged unweighted",
       {kSplit, "const float weight = own > 0.0f ? exp2_fast((maxima[part] - top) * scale2) : 0.0f;",
        "const float weight = own > 0.0f ? 1.0f : 0.0f;"},
       kSplitHits,
       kGroup4},
  };
}

std::vector<Mutant> dense_mutants() {
  const Hits kAll{"dense_mma{", "dense_wgmma{", "packed_sdpa{"}, kMma{"dense_mma{", "packed_sdpa{"}, kWgmma{"dense_wgmma{"},
      kFp32{"dense_fp32{", "packed_sdpa{"};
  return {
      {"the window is one token longer", {kWindow, "max(0, t - Fields::w + 1)", "max(0, t - Fields::w)"}, kAll, kSliding},
      {"the window lacks the row's own position", {kWindow, "min(t + 1, keys)", "min(t, keys)"}, kAll, kSliding},
      {"a row sees one compressed token too many",
       {kSequence, "(tokens - Fields::l) / Fields::d + 1", "(tokens - Fields::l) / Fields::d + 2"},
       kAll,
       kCompressed},
      {"compressed tokens are seen before they are complete",
       {kSequence, "tokens < Fields::l ? 0", "tokens < Fields::d ? 0"},
       kAll,
       kCompressed},
      {"the last tile of a window is not masked, warps",
       {kDenseTiles, "tile < inner.first || tile >= inner.last);", "tile < inner.first);"},
       kMma,
       kSliding},
      {"the log-sum-exp has base 2, warps", {kDenseMma, "log2_sum * 0.6931471805599453f", "log2_sum"}, kMma, kSliding},
      {"the first tile of a window is not masked, warpgroups",
       {kDenseWgmma, "(tile < spans.inner.first) | (tile >= spans.inner.last)", "tile >= spans.inner.last"},
       kWgmma,
       kSliding},
      {"a lane's second column of eight is masked with the next ones, warpgroups",
       {kDenseWgmma, "from_own / 8 * 2 + min(from_own % 8, 2)", "from_own / 8 * 2 + min(from_own % 8, 1)"},
       kWgmma,
       kSliding},
      {"every warpgroup reads the queries of the next one",
       {kDenseWgmma, "cta.row(warpgroup * 64 + row);", "cta.row((warpgroup + 1) * 64 + row);"},
       kWgmma,
       kSliding},
      {"every row has the window of its neighbour, fp32",
       {kDenseFp32, "cta.row(first + lane % kRows).query);", "cta.row(first + (lane + 1) % kRows).query);"},
       kFp32,
       kSlidingFp32},
      {"outputs do not follow a new maximum, fp32",
       {kLanes, "o_[head][column][i] *= shrink;", "o_[head][column][i] *= 1.0f;"},
       kFp32,
       kSlidingFp32},
      {"lanes of a column are not added up, fp32",
       {kLanes, "turn < kValueParts; ++turn) all", "turn < kValueParts - 1; ++turn) all"},
       kFp32,
       kSlidingFp32},
  };
}

std::vector<Mutant> other_variant_mutants() {
  return {
      {"the union misses the first entry's tiles",
       {kUnion, "for (int entry = lane; entry < row.n; entry += 32) {",
        "for (int entry = lane + 1; entry < row.n; entry += 32) {"},
       {"query_union{"},
       kGroup4},
      {"a row of the union is not merged",
       {kUnion, "const bool real = s >= 0;", "const bool real = s > 0;"},
       {"query_union{"},
       kGroup4},
      {"packed rows lack their last token",
       {kPacked, "min(tokens, Fields::max_tokens);", "min(tokens - 1, Fields::max_tokens);"},
       {"packed_sdpa{"},
       kGroup4},
      {"values are packed from the wrong tokens",
       {kPacked, "v + tile.token * args.v_s", "v + tile.packed * args.v_s"},
       {"packed_sdpa{"},
       kGroup4},
  };
}

std::vector<Mutant> streaming_mutants() {
  const Hits gate{"gate_rows{", "packed_sdpa{"}, pooling{"pool_chunks{", "pool_tokens{", "packed_sdpa{"};
  const char* const gate_tuple = "gate,bf16,dv=80,group=3;B=2,S=200,G=2";
  const char* const pooling_tuple = "pooling,bf16,dk=64,dv=32;B=2,S=700,G=2";
  return {
      {"a gate is of the head before",
       {kGate, "at.head * source.gate_h", "(at.head - (at.head > 0)) * source.gate_h"},
       gate,
       gate_tuple},
      {"the sliding branch is not added",
       {kGate, "branch < 3; ++branch)\n        if", "branch < 2; ++branch)\n        if"},
       gate,
       gate_tuple},
      {"a forced branch is multiplied by its gate", {kGate, "if (args.forced >= 0)", "if (args.forced >= 3)"}, gate, gate_tuple},
      {"rows behind the last one are written", {kGate, "row < rows_};", "true};"}, gate, gate_tuple},
      {"the mean is of one token more", {kPoolingSpan, "1.0f / Fields::l;", "1.0f / (Fields::l + 1);"}, pooling, pooling_tuple},
      {"values are pooled from the first group",
       {kPoolingSpan, "b * (values ? args.v_b : args.k_b) + g * (values ? args.v_g",
        "b * (values ? args.v_b : args.k_b) + g * (values ? 0"},
       pooling,
       pooling_tuple},
      {"a window lacks its last chunk",
       {kPoolChunks, "chunk < token + kWindow; ++chunk", "chunk < token + kWindow - 1; ++chunk"},
       {"pool_chunks{"},
       pooling_tuple},
      {"a block reads its chunks from the launch's first token",
       {kPoolChunks, "sum_chunks(span, span.first + begin,", "sum_chunks(span, begin,"},
       {"pool_chunks{"},
       pooling_tuple},
  };
}

std::vector<Mutant> decode_mutants() {
  const Hits all{"decode_single{", "decode_cluster{"};
  const char* const tuple = "decode,bf16,dk=64,dv=64,group=4,n_sel=6;B=2,S=1,S_kv=4000,G=2";
  return {
      {"keys that reach into the next CTA's blocks stay at home",
       {kBlockScores, "to * keys.chunk - Shared::kBefore);\n      if (begin", "to * keys.chunk);\n      if (begin"},
       {"decode_cluster{"},
       tuple},
      {"candidates are told as the blocks before them",
       {kBlockScores, "push_candidate(place, to, bits, first + nth)", "push_candidate(place, to, bits, max(first + nth - 1, 1))"},
       all,
       tuple},
      {"the best of the CTA are the first",
       {kBlockScores, "if (mask != 0) best.keep(state, bits, base + lane",
        "if (mask != 0 && state.x == 0) best.keep(state, bits, base + lane"},
       {"decode_single{"},
       "decode,bf16,dk=64,dv=64,group=4,n_sel=6;B=2,S=1,S_kv=60000,G=2"},
      {"of equal blocks the higher one stays",
       {kBlockScores, "(other == bits && other_place < place)", "(other == bits && other_place > place)"},
       all,
       tuple},
      {"a token is looked up in the page before",
       {kCacheTiles, "token / static_cast<uint32>(page);\n    return", "(token - 1) / static_cast<uint32>(page);\n    return"},
       all,
       tuple},
      {"outputs are weighed by the first warp's maximum",
       {kDecodeStep, "top = fmaxf(top, shared.warp_maxima(phase, of)[head]);", "top = top;"},
       all,
       tuple},
      {"the window and the selection have each other's gates",
       {kDecodeStep, "phase == 1 ? kSliding : kSelection;", "phase == 1 ? kSelection : kSliding;"},
       all,
       tuple},
      {"the window reads the cache of the selection",
       {kDecodeStep, "phase == 1 ? args.win : args.sel;", "args.sel;"},
       all,
       tuple},
      {"a short sequence is as long as the longest",
       {kDecodeStep, "arguments.lengths == nullptr ? arguments.S_kv : arguments.lengths[b]", "arguments.S_kv"},
       all,
       tuple},
  };
}

}  // namespace

const std::vector<Mutant>& cuda_mutants() {
  static const std::vector<Mutant> all = [] {
    std::vector<Mutant> mutants = row_mutants();
    for (Mutant& mutant : query_major_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : hopper_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : dense_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : cuda_scoring_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : streaming_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : decode_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : other_variant_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : cuda_kv_mutants()) mutants.push_back(std::move(mutant));
    return mutants;
  }();
  return all;
}

}  // namespace nsajit::testing
