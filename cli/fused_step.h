#pragma once
// Fused step: a whole decode step as the one kernel of branch decode, on the tensors of a forward pass with one query: the
// contender of five launches.

#include <memory>
#include <optional>

#include "cli/forward_race.h"
#include "nsajit/decode_args.h"

namespace nsajit::cli {

class FusedStep {
 public:
  // Binds what the cache serves. nullopt: no kernel of this build or device does the tuple's step in one launch. `call`:
  // grouped or flash tensors of S = 1, which outlive it.
  static std::optional<FusedStep> make(RaceTools& tools, const nsajit_forward_call& call);

  const runtime::ServedKernel& kernel() const { return *served_; }
  void launch(runtime::Stream stream) const;

 private:
  FusedStep(RaceTools& tools, std::shared_ptr<const runtime::ServedKernel> served, const nsajit_decode_args& args);

  runtime::Server* server_;
  std::shared_ptr<const runtime::ServedKernel> served_;
  std::unique_ptr<runtime::Buffer> workspace_;
  nsajit_decode_args args_;
};

}  // namespace nsajit::cli
