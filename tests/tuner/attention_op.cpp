// AttentionOp: reference in float64 and in the kernel's own precision, and the kernel with its mistakes.

#include "tests/tuner/attention_op.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <set>

namespace nsajit::testing {
namespace {

std::uint16_t to_bf16(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if (std::isnan(value)) return 0x7FC0;
  return static_cast<std::uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

float from_bf16(std::uint16_t stored) {
  const std::uint32_t bits = static_cast<std::uint32_t>(stored) << 16;
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

struct RowIndex {
  std::int64_t b, s, g;
};

RowIndex split(const AttentionArgs& args, std::int64_t row) {
  return {row / args.G / args.S, row / args.G % args.S, row % args.G};
}

std::int64_t position_of(const AttentionArgs& args, const RowIndex& row) { return args.S_kv - args.S + row.s; }

std::vector<std::int64_t> selected_tokens(const AttentionArgs& args, std::int64_t row, std::int64_t last) {
  std::vector<std::int64_t> tokens;
  for (int i = 0; i < args.n; ++i) {
    const std::int32_t* range = args.sel + (row * args.n + i) * 2;
    for (std::int64_t token = range[0]; token < std::min<std::int64_t>(range[1], last + 1); ++token) tokens.push_back(token);
  }
  return tokens;
}

template <typename Real>
struct HeadResult {
  std::array<Real, kHeadSize> o{};
  Real lse = -std::numeric_limits<Real>::infinity();
};

struct HeadInputs {
  const std::uint16_t *q, *k, *v;
};

template <typename Real>
HeadResult<Real> attend(const HeadInputs& in, const std::vector<std::int64_t>& tokens, Real scale) {
  HeadResult<Real> result;
  if (tokens.empty()) return result;
  std::vector<Real> logits;
  for (const std::int64_t token : tokens) {
    Real dot = 0;
    for (int c = 0; c < kHeadSize; ++c)
      dot += static_cast<Real>(from_bf16(in.q[c])) * static_cast<Real>(from_bf16(in.k[token * kHeadSize + c]));
    logits.push_back(dot * scale);
  }
  const Real maximum = *std::max_element(logits.begin(), logits.end());
  Real sum = 0;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Real p = std::exp(logits[i] - maximum);
    sum += p;
    for (int c = 0; c < kHeadSize; ++c) result.o[c] += p * static_cast<Real>(from_bf16(in.v[tokens[i] * kHeadSize + c]));
  }
  for (Real& value : result.o) value /= sum;
  result.lse = maximum + std::log(sum);
  return result;
}

HeadInputs head_inputs(const AttentionArgs& args, std::int64_t row, int head, std::int64_t value_group) {
  const RowIndex at = split(args, row);
  const auto keys = [&](std::int64_t group) { return (at.b * args.G + group) * args.S_kv * kHeadSize; };
  return {.q = args.q + (row * args.h + head) * kHeadSize, .k = args.k + keys(at.g), .v = args.v + keys(value_group)};
}

// What each wrong kernel makes of a row's tokens.
std::vector<std::int64_t> wrong_tokens(const AttentionArgs& args, std::int64_t row, Wrong wrong) {
  const std::int64_t position = position_of(args, split(args, row));
  std::vector<std::int64_t> tokens = selected_tokens(args, row, position);
  if (wrong == Wrong::DropsOwnToken) std::erase(tokens, position);
  if (wrong == Wrong::DropsFirstToken && tokens.size() > 1) tokens.erase(tokens.begin());
  if (wrong == Wrong::ReadsNextToken && position + 1 < args.S_kv && !tokens.empty()) tokens.push_back(position + 1);
  if (wrong == Wrong::DropsLastBlock && tokens.size() > 16)
    tokens.resize(tokens.size() - tokens.size() % 16 - (tokens.size() % 16 == 0 ? 16 : 0));
  if (wrong == Wrong::MeanWhenEmpty && tokens.empty()) tokens = {0};
  if (wrong == Wrong::IgnoresSelection) {
    tokens.clear();
    for (std::int64_t token = 0; token <= position; ++token) tokens.push_back(token);
  }
  return tokens;
}

// exp(logit) without the maximum overflows fp32 beyond 88.
void forget_maximum(HeadResult<float>& result) {
  if (result.lse > 88) result.o.fill(std::numeric_limits<float>::quiet_NaN());
}

void blur(HeadResult<float>& result, const HeadInputs& in, const std::vector<std::int64_t>& tokens) {
  for (int c = 0; c < kHeadSize; ++c) {
    float sum = 0;
    for (const std::int64_t token : tokens) sum = from_bf16(to_bf16(sum + from_bf16(in.v[token * kHeadSize + c]) * 0.125f));
    result.o[c] += (sum - from_bf16(to_bf16(sum * 0.97f))) * 0.5f;
  }
}

HeadResult<float> run_head(const AttentionArgs& args, std::int64_t row, int head, Wrong wrong) {
  const std::int64_t group = row % args.G;
  const int source = wrong == Wrong::SwapsHeads ? args.h - 1 - head : head;
  const HeadInputs in = head_inputs(args, row, source, wrong == Wrong::WrongHeadOfValues ? (group + 1) % args.G : group);
  const std::vector<std::int64_t> tokens = wrong_tokens(args, row, wrong);
  const float scale = wrong == Wrong::WrongScale ? 1.0f / kHeadSize : 0.25f;
  HeadResult<float> result = attend<float>(in, tokens, scale);
  if (wrong == Wrong::LseBase2) result.lse *= 1.44269504f;
  if (wrong == Wrong::LseZeroWhenEmpty && tokens.empty()) result.lse = 0;
  if (wrong == Wrong::NoMaximum) forget_maximum(result);
  if (wrong == Wrong::BlurredSum) blur(result, in, tokens);
  if (wrong == Wrong::OneWrongRow && args.S > 100 && row == args.B * args.S * args.G / 2)
    for (float& value : result.o) value *= 1.05f;
  return result;
}

// Last bits of the log-sum-exp: far inside the tolerance, visible to a comparison of bits.
void nudge_lse(const AttentionArgs& args, std::int64_t row, float& lse, Wrong wrong, int launches) {
  const RowIndex at = split(args, row);
  const std::int64_t next = position_of(args, at) + 1;
  const bool peeks = wrong == Wrong::PeeksAhead && next < args.S_kv &&
                     (args.v[((at.b * args.G + at.g) * args.S_kv + next) * kHeadSize] & 1) != 0;
  const bool differs = wrong == Wrong::Unsteady && launches % 2 != 0 && row == 3;
  if (peeks || differs) lse = std::nextafter(lse, 1e30f);
}

void spoil_memory(const AttentionArgs& args, Wrong wrong) {
  const std::int64_t elements = args.B * args.S * args.G * args.h * kHeadSize;
  if (wrong == Wrong::WritesPastEnd) args.o[elements] = 0;
  if (wrong == Wrong::WritesBeforeStart) args.lse[-1] = 0;
  if (wrong == Wrong::ChangesInput) args.k[5] ^= 1;
  if (wrong == Wrong::OverrunsWorkspace) args.workspace[64 / sizeof(float)] = 0;
  if (wrong == Wrong::NanRow) args.o[elements / 3 + 1] = 0x7FC0;
}

template <typename Real>
void append_reference(const AttentionArgs& args, std::int64_t row, Reference& reference,
                      std::vector<std::vector<double>> Reference::*into) {
  auto& lists = reference.*into;
  const std::vector<std::int64_t> tokens = selected_tokens(args, row, position_of(args, split(args, row)));
  for (int head = 0; head < args.h; ++head) {
    const auto result = attend<Real>(head_inputs(args, row, head, row % args.G), tokens, Real{0.25});
    for (const Real value : result.o)
      lists[0].push_back(std::is_same_v<Real, float> ? from_bf16(to_bf16(static_cast<float>(value))) : value);
    lists[1].push_back(result.lse);
  }
}

AttentionArgs host_args(const Workload& workload, std::span<const HostTensor> inputs) {
  const auto words = [&](int i) {
    return reinterpret_cast<std::uint16_t*>(const_cast<std::byte*>(inputs[static_cast<std::size_t>(i)].data.data()));
  };
  return {.q = words(0),
          .k = words(1),
          .v = words(2),
          .sel = reinterpret_cast<const std::int32_t*>(inputs[3].data.data()),
          .B = workload.B,
          .S = workload.S,
          .S_kv = workload.S_kv,
          .G = workload.G,
          .h = workload.problem.group,
          .n = workload.n};
}

// Block 0, the row's own block and some at random, clipped at the row's position; ragged rows are cut short.
std::vector<std::int32_t> select(const Workload& workload, std::int64_t row, InputKind kind, std::mt19937_64& random) {
  const std::int64_t position = workload.S_kv - workload.S + row / workload.G % workload.S;
  const std::int64_t length = workload.problem.l_sel;
  std::set<std::int64_t> blocks{0, position / length};
  for (int i = 2; i < workload.n; ++i)
    blocks.insert(static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(position / length + 1)));
  std::vector<std::int32_t> ranges;
  const auto add = [&](std::int64_t begin, std::int64_t end) {
    ranges.insert(ranges.end(), {static_cast<std::int32_t>(begin), static_cast<std::int32_t>(end)});
  };
  for (const std::int64_t block : blocks) add(block * length, std::min((block + 1) * length, position + 1));
  if (kind == InputKind::Ragged && row % 4 == 0) ranges.clear();
  if (kind == InputKind::Ragged && row % 4 == 1)
    ranges = {static_cast<std::int32_t>(position), static_cast<std::int32_t>(position + 1)};
  ranges.resize(static_cast<std::size_t>(workload.n) * 2, 0);
  return ranges;
}

}  // namespace

void run_attention(std::span<const std::byte> bytes, Wrong wrong, int launches) {
  AttentionArgs args;
  std::memcpy(&args, bytes.data(), sizeof args);
  if (wrong == Wrong::WritesNothing) return;
  for (std::int64_t row = 0; row < args.B * args.S * args.G; ++row) {
    if (wrong == Wrong::LeavesRowsUnwritten && row / args.G % args.S == args.S - 1) continue;
    for (int head = 0; head < args.h; ++head) {
      HeadResult<float> result = run_head(args, row, head, wrong);
      nudge_lse(args, row, result.lse, wrong, launches);
      const std::int64_t at = row * args.h + head;
      args.lse[at] = result.lse;
      for (int c = 0; c < kHeadSize; ++c) {
        std::uint16_t& o = args.o[at * kHeadSize + c];
        const float before = wrong == Wrong::AddsToOutput ? from_bf16(o) : wrong == Wrong::ReadsWorkspace ? args.workspace[0] : 0;
        o = to_bf16(before + result.o[c]);
      }
    }
  }
  spoil_memory(args, wrong);
}

std::vector<TensorSpec> AttentionOp::tensors(const Workload& w) const {
  const std::int64_t h = w.problem.group;
  return {{.name = "q", .type = ElementType::BF16, .shape = {w.B, w.S, w.G, h, kHeadSize}},
          {.name = "k", .type = ElementType::BF16, .shape = {w.B, w.G, w.S_kv, kHeadSize}},
          {.name = "v", .type = ElementType::BF16, .shape = {w.B, w.G, w.S_kv, kHeadSize}},
          {.name = "sel", .type = ElementType::INT32, .shape = {w.B, w.S, w.G, w.n, 2}},
          {.name = "o", .type = ElementType::BF16, .shape = {w.B, w.S, w.G, h, kHeadSize}, .output = true},
          {.name = "lse", .type = ElementType::FP32, .shape = {w.B, w.S, w.G, h}, .output = true}};
}

std::vector<std::byte> AttentionOp::arguments(const Workload& w, std::span<void* const> t, void* workspace) const {
  const auto words = [&](int i) { return static_cast<std::uint16_t*>(t[static_cast<std::size_t>(i)]); };
  const AttentionArgs args{.q = words(0),
                           .k = words(1),
                           .v = words(2),
                           .o = words(4),
                           .lse = static_cast<float*>(t[5]),
                           .sel = static_cast<const std::int32_t*>(t[3]),
                           .workspace = static_cast<float*>(workspace),
                           .B = w.B,
                           .S = w.S,
                           .S_kv = w.S_kv,
                           .G = w.G,
                           .h = w.problem.group,
                           .n = w.n};
  const auto bytes = std::as_bytes(std::span(&args, 1));
  return {bytes.begin(), bytes.end()};
}

std::vector<HostTensor> AttentionOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  std::mt19937_64 random(recipe.seed);
  std::normal_distribution<float> normal;
  std::vector<HostTensor> inputs;
  for (const TensorSpec& spec : tensors(workload)) {
    if (spec.output) continue;
    HostTensor tensor{.spec = spec, .data = std::vector<std::byte>(static_cast<std::size_t>(spec.bytes()))};
    if (spec.type == ElementType::INT32) {
      auto* ranges = reinterpret_cast<std::int32_t*>(tensor.data.data());
      for (std::int64_t row = 0; row < workload.B * workload.S * workload.G; ++row)
        ranges = std::ranges::copy(select(workload, row, recipe.kind, random), ranges).out;
    } else {
      const float size = recipe.kind == InputKind::LargeLogits && spec.name == "q" ? 300.0f : 1.0f;
      auto* values = reinterpret_cast<std::uint16_t*>(tensor.data.data());
      for (std::int64_t i = 0; i < spec.elements(); ++i) values[i] = to_bf16(size * normal(random));
    }
    inputs.push_back(std::move(tensor));
  }
  return inputs;
}

std::vector<ParityCase> AttentionOp::parity_cases(const Workload& workload) const {
  Workload small = workload;
  small.S = small.S_kv = 37;
  std::vector<ParityCase> cases;
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    cases.push_back({.name = "random seed=" + std::to_string(seed), .workload = small, .recipe = {.seed = seed}});
  cases.push_back({.name = "ragged", .workload = small, .recipe = {.kind = InputKind::Ragged, .seed = 4}});
  cases.push_back({.name = "large logits", .workload = small, .recipe = {.kind = InputKind::LargeLogits, .seed = 5}});
  cases.push_back({.name = "whole", .workload = workload, .recipe = {.seed = 6}});
  cases.push_back({.name = "whole sampled", .workload = workload, .recipe = {.seed = 7}, .sampled_rows = 8});
  return cases;
}

Reference AttentionOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  const AttentionArgs args = host_args(parity_case.workload, inputs);
  Reference reference{.oracle = {{}, {}}, .same_dtype = {{}, {}}};
  const std::int64_t rows = args.B * args.S * args.G;
  const std::int64_t step = parity_case.sampled_rows == 0 ? 1 : rows / parity_case.sampled_rows;
  for (std::int64_t row = 0; row < rows; row += step) {
    reference.rows.push_back(row);
    append_reference<double>(args, row, reference, &Reference::oracle);
    append_reference<float>(args, row, reference, &Reference::same_dtype);
  }
  return reference;
}

Op::RowSlice AttentionOp::output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const {
  const std::int64_t count = tensor == "lse" ? workload.problem.group : std::int64_t{workload.problem.group} * kHeadSize;
  return {.begin = row * count, .count = count};
}

std::vector<HostTensor> AttentionOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                                   std::int64_t position) const {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  for (const std::size_t tensor : {1u, 2u}) {
    auto* values = reinterpret_cast<std::uint16_t*>(changed[tensor].data.data());
    for (std::int64_t row = 0; row < workload.B * workload.G * workload.S_kv; ++row)
      if (row % workload.S_kv > position)
        for (int c = 0; c < kHeadSize; ++c) values[row * kHeadSize + c] ^= 0x8001;
  }
  return changed;
}

}  // namespace nsajit::testing
