// Config kernel: see the header.

#include "cli/config_kernel.h"

#include <future>
#include <utility>
#include <variant>

#include <fmt/format.h>

#include "codegen/kernel_source.h"
#include "nsajit/error.h"

namespace nsajit::cli {

namespace {

codegen::Binary compile_config(codegen::Compiler& compiler, const Op& op, const Problem& problem, const Config& config,
                               const Target& target) {
  auto result = compiler.compile(codegen::specialize(op, problem, config, target), target);
  if (auto* binary = std::get_if<codegen::Binary>(&result)) return std::move(*binary);
  const auto& failure = std::get<codegen::CompileFailure>(result);
  throw Error(ErrorCode::Compile,
              fmt::format("compile {} for {}: {}\n{}", to_string(config), to_string(target), failure.reason, failure.log));
}

}  // namespace

std::unique_ptr<runtime::Kernel> load_config(runtime::Device& device, codegen::Compiler& compiler, const Op& op,
                                             const Problem& problem, const Config& config) {
  return device.load(compile_config(compiler, op, problem, config, device.target()));
}

void ConfigKernels::prepare(const Op& op, const Problem& problem, const std::vector<Config>& configs) {
  std::vector<std::pair<Config, std::future<codegen::Binary>>> compiling;
  for (const Config& config : configs) {
    if (kernels_.contains({problem, config})) continue;
    compiling.emplace_back(config, std::async(std::launch::async, [&, config] {
                             return compile_config(compiler_, op, problem, config, device_.target());
                           }));
  }
  for (auto& [config, binary] : compiling) kernels_[{problem, config}] = device_.load(binary.get());
}

const runtime::Kernel& ConfigKernels::get(const Op& op, const Problem& problem, const Config& config) {
  auto& kernel = kernels_[{problem, config}];
  if (!kernel) kernel = load_config(device_, compiler_, op, problem, config);
  return *kernel;
}

}  // namespace nsajit::cli
