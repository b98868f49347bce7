#pragma once
// Config kernel: configs of a tuple, compiled and loaded, whatever the cache says.

#include <map>
#include <memory>
#include <utility>
#include <vector>

#include "codegen/compiler.h"
#include "nsajit/op.h"
#include "runtime/device.h"

namespace nsajit::cli {

// Throws Error{Compile} with the whole log.
std::unique_ptr<runtime::Kernel> load_config(runtime::Device& device, codegen::Compiler& compiler, const Op& op,
                                             const Problem& problem, const Config& config);

// The same for a command that comes back to its kernels: each is compiled once. Not thread-safe.
class ConfigKernels {
 public:
  ConfigKernels(runtime::Device& device, codegen::Compiler& compiler) : device_(device), compiler_(compiler) {}
  runtime::Device& device() const { return device_; }
  // Compiles those that are new, each on a thread of its own.
  void prepare(const Op& op, const Problem& problem, const std::vector<Config>& configs);
  // Lives as long as this object.
  const runtime::Kernel& get(const Op& op, const Problem& problem, const Config& config);

 private:
  runtime::Device& device_;
  codegen::Compiler& compiler_;
  std::map<std::pair<Problem, Config>, std::unique_ptr<runtime::Kernel>> kernels_;
};

}  // namespace nsajit::cli
