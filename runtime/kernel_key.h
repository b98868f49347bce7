#pragma once
// kernel_key: the cache key of a compiled kernel, made in one place so that the tuner stores a binary under the
// key by which the dispatcher asks for it, and tuples whose kernels are the same code share them.

#include "cache/cache_key.h"
#include "codegen/compiler.h"
#include "nsajit/op.h"

namespace nsajit::runtime {

cache::CacheKey make_kernel_key(const Op& op, const Problem& problem, const Config& config, const Target& target,
                                const codegen::KernelSource& source, const codegen::CompilerIdentity& compiler);

}  // namespace nsajit::runtime
