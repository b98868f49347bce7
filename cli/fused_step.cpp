// Fused step: see the header.

#include "cli/fused_step.h"

#include <span>
#include <utility>

#include "nsajit/error.h"
#include "runtime/forward_arguments.h"

namespace nsajit::cli {
std::optional<FusedStep> FusedStep::make(RaceTools& tools, const nsajit_forward_call& call) {
  const auto step = runtime::find_decode_step(call);
  if (!step) return std::nullopt;
  const auto prepared = runtime::prepare_decode(*step, tools.server.target(), runtime::CallUse::Launch);
  try {
    return FusedStep(tools, tools.server.bind(prepared.workload), prepared.args);
  } catch (const Error& error) {
    if (error.code() == ErrorCode::Unsupported) return std::nullopt;
    throw;
  }
}

FusedStep::FusedStep(RaceTools& tools, std::shared_ptr<const runtime::ServedKernel> served, const nsajit_decode_args& args)
    : server_(&tools.server),
      served_(std::move(served)),
      workspace_(tools.kernels.device().allocate(served_->plan.workspace_bytes)),
      args_(args) {
  args_.workspace = served_->plan.workspace_bytes > 0 ? workspace_->address() : nullptr;
}

void FusedStep::launch(runtime::Stream stream) const { server_->launch(*served_, std::as_bytes(std::span(&args_, 1)), stream); }

}  // namespace nsajit::cli
