#pragma once
// ChildCompiler: the compiler of commands that compile many kernels: in child processes of this program. They share no heap,
// whose locks would cost threads that compile side by side a quarter of their time, and none that hangs or crashes takes the
// command with it.

#include <memory>
#include <string>

#include "codegen/compiler.h"
#include "core/env.h"

namespace nsajit::cli {

constexpr double kCompileLimitS = 120;  // unless the user says otherwise

std::string own_program();  // its path

// A compilation that takes longer than `limit_s` is killed, and is a failure of its source. In this process where `environment`
// is frozen: nothing is compiled then. Throws what codegen::make_compiler throws.
std::unique_ptr<codegen::Compiler> make_child_compiler(Backend backend, double limit_s, const Environment& environment);

}  // namespace nsajit::cli
