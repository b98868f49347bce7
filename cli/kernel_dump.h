#pragma once
// Kernel dump: writes one compiled kernel as files that explain themselves: the binary, the unit, the compiler's log
// and a description of entries, resources, arguments and launch: all that a program without nsajit needs to launch it.

#include <string>

#include "cache/cache_key.h"
#include "codegen/compiler.h"
#include "nsajit/launch_plan.h"
#include "nsajit/op.h"

namespace nsajit::cli {

struct DumpedKernel {
  const Op& op;
  const codegen::KernelSource& source;
  const codegen::CompileResult& result;
  const cache::CacheKey& key;
  const Workload& workload;
  const Config& config;
  LaunchPlan plan;
};

// "selection_bf16_192x128_h16_64x16_sm90a_query_major_1a2b3c4d"
std::string dump_name(const Problem& problem, const Config& config, const Target& target, const cache::CacheKey& key);

// Creates `directory` where it is missing. Throws Error{Io} naming the file.
void dump_kernel(const DumpedKernel& kernel, const std::string& directory, const std::string& name);

}  // namespace nsajit::cli
