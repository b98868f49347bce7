// Fused step: see the header.

#include "cli/fused_step.h"

#include <span>
#include <utility>

#include "nsajit/error.h"
#include "runtime/call_arguments.h"

namespace nsajit::cli {
namespace {

nsajit_decode_call make_call(const nsajit_forward_call& call) {
  nsajit_decode_call made{};
  made.struct_bytes = sizeof made;
  made.q = call.q, made.gates = call.gates, made.o = call.o;
  made.k_cmp = call.k_cmp, made.v_cmp = call.v_cmp;
  made.k_sel = call.k_sel, made.v_sel = call.v_sel;
  made.k_win = call.k_win, made.v_win = call.v_win;
  made.sparsity = call.sparsity;
  made.scale = call.scale;
  return made;
}

}  // namespace

std::optional<FusedStep> FusedStep::make(RaceTools& tools, const nsajit_forward_call& call) {
  const auto prepared = runtime::prepare_decode(make_call(call), tools.server.target(), runtime::CallUse::Launch);
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
