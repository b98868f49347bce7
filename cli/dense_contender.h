#pragma once
// Dense contender: dense causal attention on the heads of a forward pass, the alternative that a model without sparsity
// would run: the sliding kernel with a window that holds every key. Of the configs that are worth a try the fastest.

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "cache/cache.h"
#include "cli/config_kernel.h"
#include "nsajit/dense_args.h"
#include "nsajit/forward.h"
#include "nsajit/op.h"
#include "runtime/decision.h"

namespace nsajit::cli {

// Decisions of the cache, each tuple read once.
class StoredDecisions {
 public:
  explicit StoredDecisions(cache::Cache& cache) : cache_(cache) {}
  runtime::Decision find(const Op& op, const Workload& workload, const Target& target);

 private:
  cache::Cache& cache_;
  std::unordered_map<Problem, runtime::TupleWinners> tuples_;
};

class DenseContender {
 public:
  // On the q, k_win and v_win of `call`, which outlive it; its output goes to the call's o. `longest`: the window; kernels of
  // one longest length are the same code at every S up to it. Compiles. Throws Error where no kernel serves the tuple.
  DenseContender(ConfigKernels& kernels, StoredDecisions& decisions, const nsajit_forward_call& call, std::int64_t longest);

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
