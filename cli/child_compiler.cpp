// ChildCompiler: a KillableCompiler whose children are `nsajit worker --compile`.

#include "cli/child_compiler.h"

#include <filesystem>

#include "tuner/killable_compiler.h"

namespace nsajit::cli {

std::string own_program() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

std::unique_ptr<codegen::Compiler> make_child_compiler(Backend backend, double limit_s, const Environment& environment) {
  auto compiler = codegen::make_compiler(backend, environment);
  if (environment.frozen) return compiler;
  return tuner::make_killable_compiler(
      compiler->identity(),
      {.command = {own_program(), "worker", "--compile", std::string(to_string(backend))}, .limit_s = limit_s});
}

}  // namespace nsajit::cli
