// The wrong CPU kernels. Edits of a header reach both templates, those of a template only itself.

#include "tests/mutants/mutant.h"

namespace nsajit::testing {
namespace {

constexpr const char* kRow = "selection/selection_cpu_row.h";
constexpr const char* kPlace = "common/cpu_row.h";
constexpr const char* kScores = "common/cpu_scores.h";
constexpr const char* kMath = "common/cpu_attention.h";
constexpr const char* kTemplate = "selection/selection_cpu.cpp";
constexpr const char* kScoreKeys = "scoring/scoring_cpu_sums.h";
constexpr const char* kChoice = "scoring/scoring_cpu_choice.h";
constexpr const char* kDense = "dense/dense_cpu.cpp";
constexpr const char* kGate = "gate/gate_cpu.cpp";
constexpr const char* kDecode = "decode/decode_cpu.cpp";
constexpr const char* kPooling = "pooling/pooling_cpu.cpp";
constexpr const char* kBaseline = "selection/packed_sdpa_cpu.cpp";

constexpr const char* kRanges = "fp32,dk=32,dv=32,group=4,l_sel=64,n_sel=4;S=48,S_kv=256,G=2";
constexpr const char* kScoring = "scoring,fp32,dk=32,group=2,n_sel=6;S=48,S_kv=1200,G=2";
constexpr const char* kSliding = "sliding,fp32,dk=32,dv=32,group=2,w=20;S=48,S_kv=80,G=2";
constexpr const char* kCompressed = "compressed,fp32,dk=32,dv=32,group=2;S=48,S_kv=120,G=2";
constexpr const char* kBlocks = "fp32,dk=32,dv=32,group=4,l_sel=64,n_sel=4,blocks;S=48,S_kv=256,G=2";

const std::vector<std::string> kBoth{"query_major{", "packed_sdpa{"};
const std::vector<std::string> kTuned{"query_major{"};
const std::vector<std::string> kPacked{"packed_sdpa{"};

std::vector<Mutant> selection_mutants() {
  return {
      {"the causal limit is one token late, ranges",
       {kRow, "args->n, 0, 0, position + 1}", "args->n, 0, 0, position + 2}"},
       kBoth,
       kRanges},
      {"the causal limit is one token late, blocks",
       {kRow, "args->n, 0, 0, position + 1}", "args->n, 0, 0, position + 2}"},
       kBoth,
       kBlocks},
      {"the causal limit is one token early", {kRow, "args->n, 0, 0, position + 1}", "args->n, 0, 0, position}"}, kBoth, kRanges},
      {"the last selected block is dropped",
       {kRow, "args->n, 0, 0, position + 1}", "args->n - 1, 0, 0, position + 1}"},
       kBoth,
       kRanges},
      {"the first selected block is dropped",
       {kRow, "g * args->sel_g, args->n, 0, 0,", "g * args->sel_g + (nsajit_field_ranges ? 2 : 1), args->n - 1, 0, 0,"},
       kBoth,
       kRanges},
      {"the last key of every block is dropped",
       {kRow, "if (cursor.end > cursor.limit)", "--cursor.end;\n  if (cursor.end > cursor.limit)"},
       kBoth,
       kRanges},
      {"K has another batch stride", {kPlace, "row.k = b * args->k_b", "row.k = b * args->k_g"}, kBoth, kRanges},
      {"V is read from the first group",
       {kPlace, "row.v = b * args->v_b", "row.v = -g * args->v_g + b * args->v_b"},
       kBoth,
       kRanges},
      {"the last partial tile is dropped",
       {kTemplate, "if (!attended) Math::begin(row);",
        "if (attended && count < nsajit_field_tile) break;\n    if (!attended) Math::begin(row);"},
       kTuned,
       kRanges},
      {"the first row of every task is skipped",
       {kTemplate, "long long index = begin;", "long long index = begin + 1;"},
       kTuned,
       kRanges},
      {"empty rows are not written",
       {kTemplate, "Math::finish(row, attended);", "if (attended) Math::finish(row, attended);"},
       kTuned,
       kRanges},
      {"packed values lack the last one",
       {kBaseline, "Math::pack_values(row, gathered);", "Math::pack_values(row, gathered - 1);"},
       kPacked,
       kRanges},
      {"packed keys past the first tile are not attended",
       {kBaseline, "first < gathered;", "first < nsajit_field_tile;"},
       kPacked,
       kRanges},
  };
}

std::vector<Mutant> arithmetic_mutants() {
  return {
      {"empty rows are NaN",
       {kMath, "/ L::splat(sum) : Vec{};", "/ L::splat(sum) : L::splat(__builtin_nanf(\"\"));"},
       kBoth,
       kRanges},
      {"heads are swapped",
       {kScores, "head % nsajit_field_group * row.args->q_h",
        "(nsajit_field_group - 1 - head % nsajit_field_group) * row.args->q_h"},
       kBoth,
       kRanges},
      {"the softmax scale is 1 % off",
       {kScores, "L::splat(row.args->scale)", "L::splat(row.args->scale * 1.01f)"},
       kBoth,
       kRanges},
      {"the log-sum-exp is of base 2",
       {kMath, "row.row_max[Base::head_lane(head, 1)] + log_positive(sum)",
        "(row.row_max[Base::head_lane(head, 1)] + log_positive(sum)) * 1.44269504f"},
       kBoth,
       kRanges},
      {"a partial vector of keys is not masked",
       {kScores, "const bool whole = count % p == 0;", "const bool whole = true;"},
       kBoth,
       kRanges},
      {"outputs do not follow a new maximum",
       {kScores, "L::store(row.rescale + group * W, rescale);", "L::store(row.rescale + group * W, L::splat(1.0f));"},
       kBoth,
       kRanges},
      {"sums do not follow a new maximum",
       {kScores, "L::load(row.row_sum + group * W) * rescale", "L::load(row.row_sum + group * W)"},
       kBoth,
       kRanges},
      {"the last probabilities are not summed",
       {kScores, "sum += probability;", "if (i + 1 < vectors) sum += probability;"},
       kBoth,
       kRanges},
      {"a row is written beyond its end",
       {kMath, "if (row.args->lse)",
        "L::store_element(row.args->o, row.o + head * row.args->o_h + nsajit_field_dv, Vec{}, nsajit_field_element);\n      if "
        "(row.args->lse)"},
       kBoth,
       kRanges},
      {"the result depends on the clock",
       {kMath, "/ L::splat(sum) : Vec{};", "/ L::splat(sum * (__builtin_readcyclecounter() & 64 ? 1.00000012f : 1.0f)) : Vec{};"},
       kBoth,
       kRanges},
      {"the selection is overwritten",
       {kMath, "if (row.args->lse)",
        "if constexpr (requires { row.args->sel; }) const_cast<int*>(row.args->sel)[0] = 1 << 20;\n      if (row.args->lse)"},
       kBoth,
       kRanges},
  };
}

std::vector<Mutant> dense_mutants() {
  const std::vector<std::string> both{"query_tile{", "packed_sdpa{"};
  return {
      {"the window is one token short",
       {kDense, "position - nsajit_field_w + 1", "position - nsajit_field_w + 2"},
       both,
       kSliding},
      {"the window is one token long", {kDense, "position - nsajit_field_w + 1", "position - nsajit_field_w"}, both, kSliding},
      {"the window does not hold the row's own token", {kDense, "tokens = position + 1;", "tokens = position;"}, both, kSliding},
      {"a compressed token is seen before its block is whole",
       {kDense, "tokens < nsajit_field_l ? 0 : (tokens - nsajit_field_l)",
        "tokens < nsajit_field_d ? 0 : (tokens - nsajit_field_d)"},
       both,
       kCompressed},
      {"the newest compressed token is not seen", {kDense, "/ nsajit_field_d + 1", "/ nsajit_field_d"}, both, kCompressed},
      {"every query of a tile sees what the last one sees",
       {kDense, "end_key(position + query, keys)", "end_key(position + row.present - 1, keys)"},
       kPacked,
       kSliding},
      {"keys before the window are not hidden", {kScores, "key >= begins ? seen", "key >= 0 ? seen"}, kPacked, kSliding},
      {"hidden keys count a little", {kScores, "kHiddenScore = -1e37f", "kHiddenScore = 0.0f"}, kPacked, kSliding},
      {"packed keys are those of the first sequence",
       {kDense, "args->cu_keys ? args->cu_keys[b] : 0", "args->cu_keys ? 0 * args->cu_keys[b] : 0"},
       {"query_tile{", "packed_sdpa{"},
       "compressed,fp32,dk=32,dv=32,group=2,l=8,d=8,varlen;B=3,S=40,G=2"},
  };
}

std::vector<Mutant> scoring_mutants() {
  const std::vector<std::string> both{"top_n{", "packed_sdpa{"};
  return {
      {"equal scores go to the higher index",
       {kChoice, "!(score > choice.scores[kept - 1])", "!(score >= choice.scores[kept - 1])"},
       both,
       kScoring},
      {"equal scores are kept in falling order",
       {kChoice, "choice.scores[at - 1] < score", "choice.scores[at - 1] <= score"},
       both,
       kScoring},
      {"a compressed token counts whole for every block it touches",
       {kChoice, "static_cast<float>(overlap) / static_cast<float>(nsajit_field_l)", "static_cast<float>(overlap > 0)"},
       both,
       kScoring},
      {"the block before the local one is not forced",
       {kChoice, "if (local > 1 && count < n)", "if (local > 3 && count < n)"},
       both,
       kScoring},
      {"the last range is not cut at the position", {kChoice, "end < position + 1 ? end : position + 1", "end"}, both, kScoring},
      {"neighbouring blocks are not merged", {kChoice, "chosen[i] != chosen[i - 1] + 1", "chosen[i] >= 0"}, {"top_n{"}, kScoring},
      {"only the first head is scored", {kScoreKeys, "j < nsajit_field_group", "j < 1"}, both, kScoring},
      {"sums of exponentials are not divided by", {kScoreKeys, "L::splat(1.0f) / whole", "L::splat(1.0f)"}, both, kScoring},
  };
}

std::vector<Mutant> gate_mutants() {
  const std::vector<std::string> both{"gate_rows{", "packed_sdpa{"};
  const char* const tuple = "gate,fp32,dv=32,group=3;B=2,S=40,G=2";
  return {
      {"every head has the first one's gate",
       {kGate, "row.g * source.gate_g + head * source.gate_h", "row.g * source.gate_g + 0 * source.gate_h"},
       both,
       tuple},
      {"the sliding branch is left out",
       {kGate, "for (int branch = 0; branch < 3; ++branch) {\n        const void* o",
        "for (int branch = 0; branch < 2; ++branch) {\n        const void* o"},
       both,
       tuple},
      {"an absent branch is weighed with its gate of 0",
       {kGate, "if (o) sum = sum +", "sum = sum +"},
       both,
       tuple,
       cache::TrialStatus::Crash},
      {"a forced branch is multiplied by its gate", {kGate, "if (args->forced >= 0)", "if (args->forced >= 3)"}, both, tuple},
      {"the first sequence's rows are taken for all",
       {kGate, "const GateRow row{args, b, start + s,", "const GateRow row{args, b, s,"},
       both,
       "gate,fp32,dv=32,group=3,varlen;B=5,S=40,G=2"},
  };
}

std::vector<Mutant> pooling_mutants() {
  const std::vector<std::string> all{"pool_chunks{", "packed_sdpa{"};
  const char* const tuple = "pooling,fp32,dk=32,dv=16;B=2,S=300,G=2";
  return {
      {"the mean is of one token more", {kPooling, "1.0f / nsajit_field_l", "1.0f / (nsajit_field_l + 1)"}, all, tuple},
      {"the window begins one token late",
       {kPooling, "side.raw_at + first * side.raw_stride", "side.raw_at + (first + 1) * side.raw_stride"},
       all,
       tuple},
      {"the newest chunk is not kept",
       {kPooling, "keep_chunk(side, first + i + window - 1)", "keep_chunk(side, first + i)"},
       {"pool_chunks{"},
       tuple},
      {"V has the rows of K", {kPooling, "b * args->v_b + g * args->v_g", "b * args->v_b + 0 * args->v_g"}, all, tuple},
      {"a launch of the last positions starts at token 0",
       {kPooling, "side.size; at += W)\n      store(side, i, at, sum_tokens(side, (first + i)",
        "side.size; at += W)\n      store(side, i, at, sum_tokens(side, (0 * first + i)"},
       {"packed_sdpa{"},
       tuple},
  };
}

std::vector<Mutant> decode_mutants() {
  const std::vector<std::string> both{"decode_row{", "packed_sdpa{"};
  const char* const tuple = "decode,bf16,dk=32,dv=32,group=3,n_sel=5;B=2,S=1,S_kv=700,G=2";
  return {
      {"a token is looked up in the page before",
       {kDecode, "row.b * step->table_b + token / page", "row.b * step->table_b + (token > page) * (token / page - 1)"},
       both,
       tuple},
      {"a short sequence is as long as the longest",
       {kDecode, "args->lengths ? args->lengths[row.b] : args->S_kv", "args->S_kv"},
       both,
       tuple},
      {"the window begins one token late", {kDecode, "length - window + i;", "length - window + i + (i == 0);"}, both, tuple},
      {"the window reads the cache of the selection", {kDecode, "attend(row, step->win,", "attend(row, step->sel,"}, both, tuple},
      {"blocks are chosen by keys that no longer are normalised",
       {kDecode, "Sums::normalise_tile(row, count);", ""},
       both,
       tuple},
      {"the last block is attended to as a whole",
       {kDecode, "last < nsajit_field_l_sel ? last : nsajit_field_l_sel", "nsajit_field_l_sel"},
       both,
       tuple},
      {"every head has the first one's gate", {kDecode, "row.g * step->gate_g + head", "row.g * step->gate_g + 0"}, both, tuple},
  };
}

}  // namespace

const std::vector<Mutant>& cpu_mutants() {
  static const std::vector<Mutant> all = [] {
    std::vector<Mutant> mutants = selection_mutants();
    for (Mutant& mutant : arithmetic_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : dense_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : scoring_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : gate_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : pooling_mutants()) mutants.push_back(std::move(mutant));
    for (Mutant& mutant : decode_mutants()) mutants.push_back(std::move(mutant));
    return mutants;
  }();
  return all;
}

}  // namespace nsajit::testing
