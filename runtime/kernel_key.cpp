// kernel_key: field by field; cache_key.h says why each is there.

#include "runtime/kernel_key.h"

namespace nsajit::runtime {

cache::CacheKey make_kernel_key(const Op& op, const Problem& problem, const Config& config, const Target& target,
                                const codegen::KernelSource& source, const codegen::CompilerIdentity& compiler) {
  cache::CacheKey key;
  key.op = op.name();
  key.problem = to_string(op.canonical(problem));
  key.config = to_string(config);
  key.arch = arch_name(target);
  key.cpu_features = target.features;
  key.closure = source.closure_digest;
  key.generator_version = codegen::kGeneratorVersion;
  key.compiler = compiler.name;
  key.compiler_version = compiler.version;
  key.compiler_options = compiler.options;
  return key;
}

}  // namespace nsajit::runtime
