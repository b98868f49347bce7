// Config kernel: see the header.

#include "cli/config_kernel.h"

#include <variant>

#include <fmt/format.h>

#include "codegen/kernel_source.h"
#include "nsajit/error.h"

namespace nsajit::cli {

std::unique_ptr<runtime::Kernel> load_config(runtime::Device& device, codegen::Compiler& compiler, const Op& op,
                                             const Problem& problem, const Config& config) {
  const Target& target = device.target();
  const auto result = compiler.compile(codegen::specialize(op, problem, config, target), target);
  if (const auto* binary = std::get_if<codegen::Binary>(&result)) return device.load(*binary);
  const auto& failure = std::get<codegen::CompileFailure>(result);
  throw Error(ErrorCode::Compile,
              fmt::format("compile {} for {}: {}\n{}", to_string(config), to_string(target), failure.reason, failure.log));
}

const runtime::Kernel& ConfigKernels::get(const Op& op, const Problem& problem, const Config& config) {
  auto& kernel = kernels_[{problem, config}];
  if (!kernel) kernel = load_config(device_, compiler_, op, problem, config);
  return *kernel;
}

}  // namespace nsajit::cli
