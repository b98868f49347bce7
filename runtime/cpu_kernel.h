#pragma once
// CpuKernel: an ORC-loaded object whose entries run over the rows of a plan. load_cpu_kernel() is the way in.

#include <memory>

#include "codegen/compiler.h"
#include "runtime/device.h"
#include "runtime/thread_pool.h"

namespace nsajit::runtime {

// What an entry looks like: rows [begin, end) of a step, with the thread's scratch.
using CpuEntry = void (*)(const void* args, long long begin, long long end, void* scratch);

// Throws Error{Driver}: a binary of another machine, a damaged object, a missing entry.
std::unique_ptr<Kernel> load_cpu_kernel(std::shared_ptr<ThreadPool> pool, const codegen::Binary& binary);

}  // namespace nsajit::runtime
