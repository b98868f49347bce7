// The C interface of the whole forward pass. include/nsajit/forward.h has the contracts.

#include "nsajit/forward.h"
#include "runtime/c_context.h"
#include "runtime/c_status.h"
#include "runtime/forward_plan.h"

using nsajit::runtime::CallUse;
using nsajit::runtime::copy_sized;
using nsajit::runtime::ForwardPlan;
using nsajit::runtime::require;
using nsajit::runtime::run_guarded;

namespace {

constexpr const char* kType = "nsajit_forward_call";

}  // namespace

extern "C" {

nsajit_status nsajit_forward(nsajit_context* context, const nsajit_forward_call* call) {
  return run_guarded([&] {
    constexpr const char* kFunction = "nsajit_forward";
    nsajit::runtime::Server& server = *require(context, kFunction, "context").server;
    const nsajit_forward_call own = copy_sized(require(call, kFunction, "call"), kFunction, kType);
    ForwardPlan(server, own, CallUse::Launch).launch(own.stream);
  });
}

nsajit_status nsajit_forward_workspace_bytes(nsajit_context* context, const nsajit_forward_call* call, int64_t* bytes) {
  return run_guarded([&] {
    constexpr const char* kFunction = "nsajit_forward_workspace_bytes";
    nsajit::runtime::Server& server = *require(context, kFunction, "context").server;
    const nsajit_forward_call own = copy_sized(require(call, kFunction, "call"), kFunction, kType);
    require(bytes, kFunction, "bytes") = ForwardPlan(server, own, CallUse::Plan).workspace_bytes();
  });
}

}  // extern "C"
