#pragma once
// CudaKernel: a cubin in a context, its entries ready to launch. load_cuda_kernel() is the way in.

#include <memory>

#include "codegen/compiler.h"
#include "runtime/cuda_context.h"
#include "runtime/device.h"

namespace nsajit::runtime {

// Throws Error{Driver}: a cubin for another SM, a driver older than the cubin, a missing entry.
std::unique_ptr<Kernel> load_cuda_kernel(std::shared_ptr<const CudaContext> context, const codegen::Binary& binary);

}  // namespace nsajit::runtime
