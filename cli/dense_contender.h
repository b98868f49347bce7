#pragma once
// Dense contender: dense causal attention on the heads of a forward pass, the alternative that a model without sparsity
// would run: the sliding kernel with a window that holds every key. Of the configs that are worth a try the fastest.

#include <cstdint>
#include <memory>

#include "cache/cache.h"
#include "cli/config_kernel.h"
#include "nsajit/dense_args.h"
#include "nsajit/forward.h"
#include "nsajit/op.h"

namespace nsajit::cli {

class DenseContender {
 public:
  // On the q, k_win and v_win of `call`, which outlive it; its output goes to the call's o. `longest`: the window; kernels of
  // one longest length are the same code at every S up to it. Compiles. Throws Error where no kernel serves the tuple.
  DenseContender(ConfigKernels& kernels, cache::Cache& cache, const nsajit_forward_call& call, std::int64_t longest);

  const Config& config() const { return fastest_.config; }
  void launch(runtime::Stream stream) const;

 private:
  struct Built {
    Config config;
    LaunchPlan plan;
    const runtime::Kernel* kernel = nullptr;
    std::unique_ptr<runtime::Buffer> workspace;
    nsajit_dense_args args{};
  };
  Built build(ConfigKernels& kernels, const Config& config) const;

  const Op* op_ = nullptr;
  Workload workload_;
  nsajit_dense_args args_{};
  Built fastest_;
};

}  // namespace nsajit::cli
