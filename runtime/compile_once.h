#pragma once
// CompileOnce: single flight. Of all processes and threads that want a kernel which is not in the cache, one
// compiles it and the others take what it stored. Used by the tuner and by the dispatcher. Thread-safe as the compiler is.

#include <string>

#include "cache/cache.h"
#include "cache/cache_key.h"
#include "codegen/compiler.h"

namespace nsajit::runtime {

struct Built {
  codegen::CompileResult result;
  bool compiled_here = true;  // false: another one did, and this is what it stored
};

// The path under which compile_once shares what it compiles; "" where `cache` cannot be written.
std::string shared_cache_path(const cache::Cache& cache);

// `cache_path`: a cache that may be written; "": there is none, and the kernel is compiled here and now. Trouble with
// the cache or its lock is a warning at most. A kernel that does not compile is not stored: each one finds out.
Built compile_once(codegen::Compiler& compiler, const codegen::KernelSource& source, const Target& target,
                   const cache::CacheKey& key, const std::string& cache_path);

}  // namespace nsajit::runtime
