// KernelSource: asks the operation for its unit, writes it out and digests what it will read.

#include "codegen/kernel_source.h"

#include <fmt/format.h>

#include "codegen/cpu_unit.h"
#include "codegen/cuda_unit.h"
#include "codegen/include_closure.h"

namespace nsajit::codegen {
namespace {

// A CPU module is self-contained; a CUDA unit also reads the header of its arguments.
std::vector<std::string> roots(const Unit& unit, Backend backend) {
  std::vector<std::string> paths{unit.template_path};
  if (backend == Backend::Cuda) paths.push_back(unit.args_header);
  return paths;
}

}  // namespace

KernelSource specialize(const Op& op, const Problem& problem, const Config& config, const Target& target) {
  // What the kernel does not read must not make another one of it: the cache keeps one for all such tuples.
  const Problem kept = op.canonical(problem);
  const Unit unit = op.unit(kept, config, target);
  const bool cuda = target.backend == Backend::Cuda;
  KernelSource source;
  source.name = fmt::format("{}.{}", op.name(), config.variant);
  const std::string purpose = fmt::format("{}: {}; {}", source.name, to_string(kept), to_string(config));
  source.text = cuda ? write_cuda_unit(unit, purpose) : write_cpu_unit(unit, purpose);
  source.template_path = unit.template_path;
  source.closure_digest = digest_files(include_closure(roots(unit, target.backend), source.name));
  source.entries = unit.entries;
  source.fields = cuda ? unit.fields : cpu_fields(unit);
  return source;
}

}  // namespace nsajit::codegen
