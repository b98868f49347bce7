// Gated kernels: see the header.

#include "tests/templates/gated_kernels.h"

#include <map>

#include <fmt/format.h>
#include <catch2/catch_all.hpp>

#include "codegen/kernel_source.h"
#include "nsajit/error.h"
#include "templates/common/host_elements.h"
#include "tuner/parity.h"

namespace nsajit::templates_test {
namespace {

bool can_be_planned(const Op& op, const Workload& workload, const Candidate& candidate) {
  try {
    for (const ParityCase& parity_case : op.parity_cases(workload))
      op.plan(parity_case.workload, candidate.config, candidate.target);
    return true;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Unsupported) throw;
    return false;
  }
}

std::string find_gate_failure(tuner::ParityChecker& checker, const Workload& workload, const Candidate& candidate,
                              const codegen::CompileResult& compiled, runtime::Device& device) {
  if (const auto* failure = std::get_if<codegen::CompileFailure>(&compiled)) return "does not compile: " + failure->reason;
  try {
    const auto kernel = device.load(std::get<codegen::Binary>(compiled));
    return checker.check(workload, candidate.config, *kernel).reason;
  } catch (const Error& error) { return std::string("cannot be run: ") + error.what(); }
}

}  // namespace

std::unique_ptr<codegen::Compiler> find_cuda_compiler() {
  try {
    return codegen::make_compiler(Backend::Cuda, read_environment());
  } catch (const Error& error) {
    if (error.code() != ErrorCode::NotFound && error.code() != ErrorCode::Unsupported) throw;
    WARN("skipped: " << error.what());
    return nullptr;
  }
}

int spilled_bytes(const codegen::Binary& binary) {
  int bytes = 0;
  for (const codegen::EntryResources& entry : binary.resources) bytes += entry.spill_store_bytes + entry.spill_load_bytes;
  return bytes;
}

std::string CpuGate::gate(const char* text, std::size_t per_variant) const {
  const Workload w = parse_workload(text);
  return find_gate_failures(find_op(w.problem), w, choose_candidates(w.problem, device->target(), per_variant), *compiler,
                            *device);
}

void CpuGate::launch(const Workload& w, std::span<const std::byte> args) const {
  const Op& op = find_op(w.problem);
  const Target& target = device->target();
  const Config config = op.default_config(w.problem, target);
  const auto compiled = compiler->compile(codegen::specialize(op, w.problem, config, target), target);
  const auto kernel = device->load(std::get<codegen::Binary>(compiled));
  kernel->launch(op.plan(w, config, target), args, nullptr);
  device->synchronize();
}

std::string to_string(const Candidate& candidate) {
  return fmt::format("{} {} on {}", nsajit::to_string(candidate.problem), nsajit::to_string(candidate.config),
                     arch_name(candidate.target));
}

std::vector<Candidate> choose_candidates(const Problem& problem, const Target& target, std::size_t per_variant) {
  const Op& op = find_op(problem);
  std::vector<Candidate> chosen{{problem, op.default_config(problem, target), target},
                                {problem, op.baseline_config(problem, target), target}};
  std::map<std::string, std::vector<Config>> by_variant;
  for (Config& config : op.space(problem, target).valid_configs()) by_variant[config.variant].push_back(std::move(config));
  for (const auto& [variant, configs] : by_variant) {
    const std::size_t count = std::min(per_variant, configs.size());
    for (std::size_t i = 0; i < count; ++i)
      chosen.push_back({problem, configs[(2 * i + 1) * configs.size() / (2 * count)], target});
  }
  return chosen;
}

std::vector<Candidate> default_candidates(std::span<const Problem> problems) {
  std::vector<Candidate> candidates;
  for (const char* arch : kArchs)
    for (const Problem& problem : problems) {
      const Target target = cuda_profile(arch);
      candidates.push_back({problem, find_op(problem).default_config(problem, target), target});
    }
  return candidates;
}

std::vector<Candidate> baseline_candidates(std::span<const Problem> problems) {
  std::vector<Candidate> candidates;
  const Target target = cuda_profile("90a");
  for (const Problem& problem : problems)
    candidates.push_back({problem, find_op(problem).baseline_config(problem, target), target});
  return candidates;
}

std::vector<codegen::CompileResult> compile_all(std::span<const Candidate> candidates, codegen::Compiler& compiler) {
  std::vector<codegen::CompileResult> results(candidates.size());
  templates::for_each_piece(static_cast<std::int64_t>(candidates.size()), 1, [&](std::int64_t begin, std::int64_t) {
    const auto i = static_cast<std::size_t>(begin);
    const Candidate& candidate = candidates[i];
    const Op& op = find_op(candidate.problem);
    results[i] =
        compiler.compile(codegen::specialize(op, candidate.problem, candidate.config, candidate.target), candidate.target);
  });
  return results;
}

std::string find_spilling(std::span<const Candidate> candidates, codegen::Compiler& compiler) {
  const std::vector<codegen::CompileResult> results = compile_all(candidates, compiler);
  std::string failures;
  for (std::size_t i = 0; i < results.size(); ++i) {
    const auto* binary = std::get_if<codegen::Binary>(&results[i]);
    if (binary != nullptr && spilled_bytes(*binary) == 0) continue;
    failures += fmt::format("{}: {}\n", to_string(candidates[i]),
                            binary != nullptr ? "spills" : std::get<codegen::CompileFailure>(results[i]).reason);
  }
  return failures;
}

std::string find_gate_failures(const Op& op, const Workload& workload, std::span<const Candidate> candidates,
                               codegen::Compiler& compiler, runtime::Device& device) {
  std::vector<Candidate> planned;
  for (const Candidate& candidate : candidates)
    if (can_be_planned(op, workload, candidate)) planned.push_back(candidate);
  if (planned.empty()) return "no candidate can be planned for " + nsajit::to_string(workload) + "\n";
  const std::vector<codegen::CompileResult> compiled = compile_all(planned, compiler);
  tuner::ParityChecker checker(op, device);
  std::string failures;
  for (std::size_t i = 0; i < planned.size(); ++i) {
    const std::string failure = find_gate_failure(checker, workload, planned[i], compiled[i], device);
    if (!failure.empty()) failures += fmt::format("{}: {}\n", to_string(planned[i]), failure);
  }
  return failures;
}

}  // namespace nsajit::templates_test
