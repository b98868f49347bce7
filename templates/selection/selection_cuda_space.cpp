// The CUDA half of selection: joins the variants, chooses the configs that always exist, and refuses what no kernel
// serves. First and second step of the data flow.

#include <limits>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/selection/cuda_variants.h"
#include "templates/selection/selection_backends.h"

namespace nsajit::templates {
namespace {

constexpr std::int64_t kMaxGridYz = 65535;

// The variants of the problem's storage type, packed SDPA last; the first one has the default.
std::vector<const CudaVariant*> variants_of(const Problem& problem) {
  if (problem.dtype == DType::FP32) return {&kCudaQueryMajorFp32, &kCudaPackedSdpaFp32};
  return {&kCudaQueryMajor, &kCudaQuerySplit,   &kCudaQueryUnion,  &kCudaQueryUnionWgmma,
          &kCudaKvMajor,    &kCudaKvMajorWgmma, &kCudaKvNearWgmma, &kCudaPackedSdpa};
}

void require_supported(const Target& target) {
  if (target.arch < 80) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("selection on {}: the kernels need SM 80 or newer (bf16 mma and cp.async), this is SM {}",
                            target.name, target.arch));
  }
}

const CudaVariant& find_variant(const Problem& problem, const Config& config) {
  std::string known;
  for (const CudaVariant* variant : variants_of(problem)) {
    if (config.variant == variant->name) return *variant;
    known += fmt::format("{}{}", known.empty() ? "" : ", ", variant->name);
  }
  throw Error(ErrorCode::InvalidArgument, fmt::format("selection config {}: CUDA has no variant \"{}\" for {}; there are {}",
                                                      to_string(config), config.variant, to_string(problem.dtype), known));
}

SearchSpace make_space(const Problem& problem, const Target& target) {
  require_supported(target);
  SearchSpace space;
  std::vector<const CudaVariant*> candidates = variants_of(problem);
  candidates.pop_back();  // packed SDPA is what they are compared with
  for (const CudaVariant* variant : candidates) space.add(variant->space(problem, target));
  return space;
}

Config make_default(const Problem& problem, const Target& target) {
  require_supported(target);
  const VariantSpace space = variants_of(problem).front()->space(problem, target);
  for (const Config& config : problem.dtype == DType::FP32 ? query_major_fp32_defaults() : query_major_defaults(problem))
    if (!space.find_violation(config)) return config;
  throw Error(
      ErrorCode::Unsupported,
      fmt::format("selection on {} for {}: no tile of the query-major kernel fits its {} bytes of shared memory per block",
                  target.name, to_string(problem), target.smem_bytes));
}

Config make_baseline(const Problem& problem, const Target& target) {
  require_supported(target);
  return problem.dtype == DType::FP32 ? packed_sdpa_fp32_config(problem, target) : packed_sdpa_config(problem, target);
}

Unit make_unit(const Problem& problem, const Config& config, const Target& target) {
  require_supported(target);
  return find_variant(problem, config).unit(problem, config, target);
}

LaunchPlan make_plan(const Workload& workload, const Config& config, const Target& target) {
  if (workload.G > kMaxGridYz || workload.B > kMaxGridYz || workload.S_kv > std::numeric_limits<int>::max()) {
    throw Error(ErrorCode::Unsupported,
                fmt::format("launch selection for {}: B and G go up to {}, S_kv up to {}; split the batch", to_string(workload),
                            kMaxGridYz, std::numeric_limits<int>::max()));
  }
  return find_variant(workload.problem, config).plan(workload, config, target);
}

}  // namespace

const BackendFunctions selection::kCudaFunctions{make_space, make_default, make_baseline, make_unit, make_plan};

Unit start_cuda_unit(const Problem& problem, const Config& config) {
  Unit unit;
  unit.element = std::string(to_string(problem.dtype));
  unit.args_type = "nsajit_selection_args";
  unit.args_header = "nsajit/selection_args.h";
  unit.fields = {{"dk", problem.dk},
                 {"dv", problem.dv},
                 {"group", problem.group},
                 {"block", problem.input == SelectionInput::Ranges ? 0 : problem.l_sel}};
  for (const auto& [name, value] : config.values) unit.fields.emplace_back(name, value);
  return unit;
}

}  // namespace nsajit::templates
