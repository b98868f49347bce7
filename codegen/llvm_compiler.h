#pragma once
// LLVM compiler: an embedded bitcode template, with its constants fixed, to an ELF object for this CPU.
// Twin: cuda_compiler.h.

#include <memory>

#include "codegen/compiler.h"

namespace nsajit::codegen {

std::unique_ptr<Compiler> make_llvm_compiler();

}  // namespace nsajit::codegen
