#pragma once
// KillableCompiler: a Compiler whose compilations run in child processes, so that one that hangs is killed at its time
// limit and one that crashes takes nothing with it; either is a failure of its source. A child serves one compilation
// at a time and is kept for the next. compile() may be called from several threads: there are as many children as callers.

#include <memory>
#include <string>
#include <vector>

#include "codegen/compiler.h"

namespace nsajit::tuner {

struct KillableOptions {
  std::vector<std::string> command;  // starts a child that calls serve_compiler (worker_server.h)
  double limit_s = 60;               // per compilation
};

// `identity`: of the compiler that the children run.
std::unique_ptr<codegen::Compiler> make_killable_compiler(codegen::CompilerIdentity identity, const KillableOptions& options);

}  // namespace nsajit::tuner
