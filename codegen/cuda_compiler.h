#pragma once
// CUDA compiler: made by nvrtc_compiler.cpp, or refused by cuda_compiler_absent.cpp in a build without CUDA's
// headers. CMake picks the file. Twin: llvm_compiler.h.

#include <memory>

#include "codegen/compiler.h"

namespace nsajit {
struct Environment;
}

namespace nsajit::codegen {

// Throws Error{NotFound} where no libnvrtc is found, Error{Unsupported} where this build or that library is too old.
std::unique_ptr<Compiler> make_cuda_compiler(const Environment& environment);

}  // namespace nsajit::codegen
