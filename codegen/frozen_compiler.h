#pragma once
// FrozenCompiler: stands in for a compiler in frozen mode. It has the identity by which stored kernels are found, and
// refuses to compile one that is not stored.

#include <memory>

#include "codegen/compiler.h"

namespace nsajit::codegen {

// compile() throws Error{Frozen} that names the kernel and says what to do.
std::unique_ptr<Compiler> make_frozen_compiler(std::unique_ptr<Compiler> compiler);

}  // namespace nsajit::codegen
