// make_compiler: the one place where a backend picks its compiler.

#include "codegen/compiler.h"
#include "codegen/cuda_compiler.h"
#include "codegen/dump.h"
#include "codegen/embedded_templates.h"
#include "codegen/frozen_compiler.h"
#include "codegen/llvm_compiler.h"
#include "core/env.h"

namespace nsajit::codegen {

std::unique_ptr<Compiler> make_compiler(Backend backend, const Environment& environment) {
  if (environment.template_dir) use_template_directory(*environment.template_dir);
  auto compiler = backend == Backend::Cuda ? make_cuda_compiler(environment) : make_llvm_compiler();
  if (environment.frozen) return make_frozen_compiler(std::move(compiler));
  if (environment.dump_dir) return make_dumping_compiler(std::move(compiler), *environment.dump_dir);
  return compiler;
}

}  // namespace nsajit::codegen
