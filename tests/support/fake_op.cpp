// FakeOp: see the header. Values are small multiples of 1/8, so sums are exact in every precision used.

#include "tests/support/fake_op.h"


#include <algorithm>
#include <cstring>
#include <random>
#include "nsajit/error.h"

namespace nsajit::testing {
namespace {

// Any embedded file serves as template: the fake compiler does not read it.
constexpr const char* kTemplate = "nsajit/selection_args.h";

Config make_config(std::string variant, int tile, int stages) {
  return Config{.variant = std::move(variant), .values = {{"fault", 0}, {"stages", stages}, {"tile", tile}}};
}

std::span<const float> values_of(const HostTensor& tensor) {
  return {reinterpret_cast<const float*>(tensor.data.data()), tensor.data.size() / sizeof(float)};
}

std::int64_t offset(const Workload& workload, std::int64_t b, std::int64_t s, std::int64_t g) {
  return ((b * workload.S + s) * workload.G + g) * kFakeWidth;
}

// The running sum of one row, accumulated in `Real`.
template <typename Real>
std::vector<double> row_sum(const Workload& workload, std::span<const float> q, std::int64_t row) {
  const std::int64_t g = row % workload.G;
  const std::int64_t s = row / workload.G % workload.S;
  const std::int64_t b = row / workload.G / workload.S;
  std::vector<Real> sum(kFakeWidth, Real{0});
  for (std::int64_t t = 0; t <= s; ++t)
    for (std::int64_t j = 0; j < kFakeWidth; ++j) sum[j] += static_cast<Real>(q[offset(workload, b, t, g) + j]);
  return {sum.begin(), sum.end()};
}

std::vector<std::int64_t> compared_rows(const ParityCase& parity_case) {
  const Workload& workload = parity_case.workload;
  const std::int64_t total = workload.B * workload.S * workload.G;
  const std::int64_t count = parity_case.sampled_rows == 0 ? total : std::min(parity_case.sampled_rows, total);
  std::vector<std::int64_t> rows;
  for (std::int64_t i = 0; i < count; ++i) rows.push_back(i * total / count);
  if (rows.back() != total - 1) rows.push_back(total - 1);
  return rows;
}

}  // namespace

SearchSpace FakeOp::space(const Problem&, const Target&) const {
  std::vector<int> faults;
  for (const Fault fault : faults_) faults.push_back(static_cast<int>(fault));
  VariantSpace variant("query_major");
  variant.dimension("tile", {16, 32, 64}).dimension("stages", {1, 2, 3}).dimension("fault", std::move(faults));
  variant.require("tile 64 has no stage 3", [](const Config& c) { return c.at("tile") < 64 || c.at("stages") < 3; });
  SearchSpace space;
  space.add(std::move(variant));
  return space;
}

Config FakeOp::default_config(const Problem&, const Target&) const { return make_config("query_major", 16, 1); }
Config FakeOp::baseline_config(const Problem&, const Target&) const { return make_config("packed_sdpa", 32, 1); }

Unit FakeOp::unit(const Problem& problem, const Config& config, const Target&) const {
  Unit unit{.template_path = kTemplate, .entries = {"fake_" + config.variant}};
  unit.fields.assign(config.values.begin(), config.values.end());
  unit.fields.emplace_back("dk", problem.dk);
  unit.element = "fp32";
  unit.bodies = {"nsajit::fake"};
  unit.args_type = "nsajit_selection_args";
  unit.args_header = kTemplate;
  unit.bounds = {{.threads = 128}};
  return unit;
}

LaunchPlan FakeOp::plan(const Workload& workload, const Config& config, const Target&) const {
  const std::int64_t rows = workload.B * workload.S * workload.G;
  const int tile = config.at("tile");
  if (config.variant == "query_major" && workload.S_kv > kFakeLongest) throw Error(ErrorCode::Unsupported, "too many keys");
  LaunchStep step;
  step.grid[0] = static_cast<std::uint32_t>((rows + tile - 1) / tile);
  step.block[0] = static_cast<std::uint32_t>(tile);
  step.smem_bytes = static_cast<std::uint32_t>(threshold_length(workload));
  return LaunchPlan{.steps = {step}};
}

std::vector<TensorSpec> FakeOp::tensors(const Workload& workload) const {
  const std::vector<std::int64_t> shape{workload.B, workload.S, workload.G, kFakeWidth};
  return {TensorSpec{.name = "q", .type = ElementType::FP32, .shape = shape},
          TensorSpec{.name = "o", .type = ElementType::FP32, .shape = shape, .output = true}};
}

std::vector<std::byte> FakeOp::arguments(const Workload& workload, std::span<void* const> tensors, void*) const {
  const FakeArgs args{.q = static_cast<float*>(tensors[0]), .o = static_cast<float*>(tensors[1]),
                      .B = workload.B, .S = workload.S, .G = workload.G};
  std::vector<std::byte> bytes(sizeof args);
  std::memcpy(bytes.data(), &args, sizeof args);
  return bytes;
}

std::vector<HostTensor> FakeOp::make_inputs(const Workload& workload, const InputRecipe& recipe) const {
  const TensorSpec spec = tensors(workload).front();
  std::mt19937_64 random(recipe.seed);
  std::vector<float> q(static_cast<std::size_t>(spec.elements()));
  for (float& value : q) value = static_cast<float>(static_cast<int>(random() % 64) - 32) / 8.0f;
  const auto bytes = std::as_bytes(std::span(q));
  return {HostTensor{.spec = spec, .data = {bytes.begin(), bytes.end()}}};
}

std::vector<ParityCase> FakeOp::parity_cases(const Workload& workload) const {
  std::vector<ParityCase> cases;
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    Workload small = workload;
    small.S = std::min<std::int64_t>(workload.S, 61);
    cases.push_back({.name = "random seed=" + std::to_string(seed), .workload = small, .recipe = {.seed = seed}});
  }
  cases.push_back({.name = "whole", .workload = workload, .recipe = {.seed = 4}, .sampled_rows = 16});
  return cases;
}

Reference FakeOp::reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const {
  Reference reference{.rows = compared_rows(parity_case), .oracle = {{}}, .same_dtype = {{}}};
  const auto q = values_of(inputs.front());
  for (const std::int64_t row : reference.rows) {
    const auto exact = row_sum<double>(parity_case.workload, q, row);
    const auto rounded = row_sum<float>(parity_case.workload, q, row);
    reference.oracle[0].insert(reference.oracle[0].end(), exact.begin(), exact.end());
    reference.same_dtype[0].insert(reference.same_dtype[0].end(), rounded.begin(), rounded.end());
  }
  return reference;
}

Op::RowSlice FakeOp::output_row(const Workload&, std::string_view, std::int64_t row) const {
  return {.begin = row * kFakeWidth, .count = kFakeWidth};
}

std::vector<HostTensor> FakeOp::change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                              std::int64_t position) const {
  std::vector<HostTensor> changed(inputs.begin(), inputs.end());
  auto* q = reinterpret_cast<float*>(changed.front().data.data());
  for (std::int64_t b = 0; b < workload.B; ++b)
    for (std::int64_t s = position + 1; s < workload.S; ++s)
      std::fill_n(q + offset(workload, b, s, 0), workload.G * kFakeWidth, 77.0f);
  return changed;
}

std::int64_t FakeOp::threshold_length(const Workload& workload) const {
  return static_cast<std::int64_t>(workload.n) * workload.problem.l_sel;
}

std::vector<Workload> FakeOp::threshold_ladder(const Workload& workload) const {
  std::vector<Workload> ladder;
  for (int n = 1; n <= workload.problem.n_sel; n *= 2) {
    ladder.push_back(workload);
    ladder.back().n = n;
  }
  return ladder;
}

Op::Work FakeOp::work(const Workload& workload) const {
  const double elements = static_cast<double>(workload.B * workload.S * workload.G * kFakeWidth);
  return {.flops = elements, .bytes = 8 * elements};
}

}  // namespace nsajit::testing
