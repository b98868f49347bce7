// The C interface: handles over a server, calls over prepared arguments. include/nsajit/nsajit.h has the contracts.

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <span>
#include <string>

#include "core/env.h"
#include "core/log.h"
#include "nsajit/error.h"
#include "nsajit/nsajit.h"
#include "runtime/c_context.h"
#include "runtime/c_status.h"
#include "runtime/call_arguments.h"
#include "runtime/server.h"

using nsajit::Error;
using nsajit::ErrorCode;
using nsajit::Target;
using nsajit::runtime::CallUse;
using nsajit::runtime::copy_sized;
using nsajit::runtime::PreparedCall;
using nsajit::runtime::require;
using nsajit::runtime::run_guarded;
using nsajit::runtime::ServedKernel;
using nsajit::runtime::Server;

struct nsajit_kernel {
  std::shared_ptr<Server> server;  // owns what `served` points to
  std::shared_ptr<const ServedKernel> served;
  std::string workload, config, grade;
  std::size_t args_bytes = 0;  // of the branch's argument struct
};

namespace {

template <class Call>
constexpr const char* kTypeName = "nsajit_call";
template <>
constexpr const char* kTypeName<nsajit_combine_call> = "nsajit_combine_call";
template <>
constexpr const char* kTypeName<nsajit_compress_call> = "nsajit_compress_call";
template <>
constexpr const char* kTypeName<nsajit_decode_call> = "nsajit_decode_call";

std::size_t args_bytes_of(nsajit::Branch branch) {
  switch (branch) {
    case nsajit::Branch::Selection: return sizeof(nsajit_selection_args);
    case nsajit::Branch::Compressed:
    case nsajit::Branch::Sliding: return sizeof(nsajit_dense_args);
    case nsajit::Branch::Scoring: return sizeof(nsajit_scoring_args);
    case nsajit::Branch::Gate: return sizeof(nsajit_gate_args);
    case nsajit::Branch::Pooling: return sizeof(nsajit_pooling_args);
    case nsajit::Branch::Decode: return sizeof(nsajit_decode_args);
  }
  return 0;  // known to the kernel alone
}

nsajit_kernel* make_handle(const nsajit_context& context, const nsajit::Workload& workload) {
  auto kernel = std::make_unique<nsajit_kernel>();
  kernel->server = context.server;
  kernel->served = context.server->bind(workload);
  kernel->workload = to_string(workload);
  kernel->config = to_string(kernel->served->decision.config);
  kernel->grade = to_string(kernel->served->decision.grade);
  kernel->args_bytes = args_bytes_of(workload.problem.branch);
  return kernel.release();
}

template <class Call>
void check_workspace(const Call& call, const ServedKernel& served, const char* function) {
  const std::int64_t needed = served.plan.workspace_bytes;
  if (needed == 0 || (call.workspace != nullptr && call.workspace_bytes >= needed)) return;
  throw Error(
      ErrorCode::InvalidArgument,
      fmt::format("{}: {} needs a workspace of {} bytes, {} were given; ask for the size with its _workspace_bytes function",
                  function, to_string(served.decision.config), needed, call.workspace == nullptr ? 0 : call.workspace_bytes));
}

template <class Call, class Args>
using Prepare = PreparedCall<Args> (*)(const Call&, const Target&, CallUse);

// What the environment asks of gates that the call leaves open; of branches without gates nothing.
template <class Args>
void apply_environment(const Server&, Args&) {}
template <>
void apply_environment(const Server& server, nsajit_gate_args& args) {
  if (args.forced < 0) args.forced = server.forced_branch();
}

template <>
void apply_environment(const Server& server, nsajit_decode_args& args) {
  if (args.forced < 0) args.forced = server.forced_branch();
}

template <class Call, class Args>
nsajit_status launch(nsajit_context* context, const Call* call, Prepare<Call, Args> prepare, const char* function) {
  return run_guarded([&] {
    Server& server = *require(context, function, "context").server;
    const Call own = copy_sized(require(call, function, "call"), function, kTypeName<Call>);
    PreparedCall<Args> prepared = prepare(own, server.target(), CallUse::Launch);
    if (prepared.is_empty) return;
    const Server::Lease served = server.find(prepared.workload);
    check_workspace(own, *served, function);
    apply_environment(server, prepared.args);
    prepared.args.workspace = served->plan.workspace_bytes > 0 ? own.workspace : nullptr;
    server.launch(*served, std::as_bytes(std::span(&prepared.args, 1)), own.stream);
  });
}

template <class Call, class Args>
nsajit_status ask_workspace(nsajit_context* context, const Call* call, std::int64_t* bytes, Prepare<Call, Args> prepare,
                            const char* function) {
  return run_guarded([&] {
    Server& server = *require(context, function, "context").server;
    const Call own = copy_sized(require(call, function, "call"), function, kTypeName<Call>);
    const PreparedCall<Args> prepared = prepare(own, server.target(), CallUse::Plan);
    require(bytes, function, "bytes") = prepared.is_empty ? 0 : server.find(prepared.workload)->plan.workspace_bytes;
  });
}

template <class Call, class Args>
nsajit_status bind_call(nsajit_context* context, const Call* call, nsajit_kernel** kernel, Prepare<Call, Args> prepare,
                        const char* function) {
  return run_guarded([&] {
    const nsajit_context& owner = require(context, function, "context");
    const Call own = copy_sized(require(call, function, "call"), function, kTypeName<Call>);
    const PreparedCall<Args> prepared = prepare(own, owner.server->target(), CallUse::Plan);
    if (prepared.is_empty)
      throw Error(ErrorCode::InvalidArgument, fmt::format("{}: there are no rows, so no kernel serves it", function));
    require(kernel, function, "kernel") = make_handle(owner, prepared.workload);
  });
}

}  // namespace

extern "C" {

int nsajit_abi_version(void) { return NSAJIT_ABI_VERSION; }
const char* nsajit_version(void) { return NSAJIT_VERSION; }

nsajit_status nsajit_context_create(const nsajit_context_options* options, nsajit_context** context) {
  return run_guarded([&] {
    constexpr const char* kFunction = "nsajit_context_create";
    nsajit_context*& out = require(context, kFunction, "context");
    const nsajit_context_options own = options == nullptr
                                           ? nsajit_context_options{sizeof(nsajit_context_options), nullptr, nullptr, 0}
                                           : copy_sized(*options, kFunction, "nsajit_context_options");
    if ((own.flags & ~(NSAJIT_READ_ONLY | NSAJIT_FROZEN)) != 0)
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("{}: flags 0x{:x} have bits that this library (ABI version {}) does not know", kFunction, own.flags,
                              NSAJIT_ABI_VERSION));
    nsajit::Environment environment = nsajit::read_environment();
    if (environment.log_level) nsajit::set_log_level(nsajit::parse_log_level(*environment.log_level));
    environment.frozen = environment.frozen || (own.flags & NSAJIT_FROZEN) != 0;
    const nsajit::runtime::ServerOptions server{.device = own.device == nullptr ? "auto" : own.device,
                                                .cache_path = own.cache_path == nullptr ? "" : own.cache_path,
                                                .read_only = (own.flags & NSAJIT_READ_ONLY) != 0};
    auto made = std::make_unique<nsajit_context>();
    made->server = std::make_shared<Server>(server, environment);
    made->device = to_string(made->server->target());
    out = made.release();
  });
}

nsajit_status nsajit_context_destroy(nsajit_context* context) {
  return run_guarded([&] { std::unique_ptr<nsajit_context>(context).reset(); });
}

nsajit_status nsajit_context_device(const nsajit_context* context, const char** text) {
  return run_guarded([&] {
    require(text, "nsajit_context_device", "text") = require(context, "nsajit_context_device", "context").device.c_str();
  });
}

nsajit_status nsajit_refresh(nsajit_context* context, int64_t* changed) {
  return run_guarded([&] {
    const int count = require(context, "nsajit_refresh", "context").server->refresh();
    if (changed != nullptr) *changed = count;
  });
}

// The three functions of a branch: launch, size of the workspace, bound kernel.
#define NSAJIT_DEFINE_CALL(name, forward, prepare, Call)                                            \
  nsajit_status forward(nsajit_context* context, const Call* call) {                                \
    return launch(context, call, nsajit::runtime::prepare, #forward);                               \
  }                                                                                                 \
  nsajit_status name##_workspace_bytes(nsajit_context* context, const Call* call, int64_t* bytes) { \
    return ask_workspace(context, call, bytes, nsajit::runtime::prepare, #name "_workspace_bytes"); \
  }                                                                                                 \
  nsajit_status name##_kernel(nsajit_context* context, const Call* call, nsajit_kernel** kernel) {  \
    return bind_call(context, call, kernel, nsajit::runtime::prepare, #name "_kernel");             \
  }
NSAJIT_DEFINE_CALL(nsajit_selection, nsajit_selection_forward, prepare_selection, nsajit_call)
NSAJIT_DEFINE_CALL(nsajit_sliding, nsajit_sliding_forward, prepare_sliding, nsajit_call)
NSAJIT_DEFINE_CALL(nsajit_compressed, nsajit_compressed_forward, prepare_compressed, nsajit_call)
NSAJIT_DEFINE_CALL(nsajit_select_blocks, nsajit_select_blocks, prepare_select_blocks, nsajit_call)
NSAJIT_DEFINE_CALL(nsajit_combine, nsajit_combine, prepare_combine, nsajit_combine_call)
NSAJIT_DEFINE_CALL(nsajit_compress, nsajit_compress, prepare_compress, nsajit_compress_call)
NSAJIT_DEFINE_CALL(nsajit_decode, nsajit_decode, prepare_decode, nsajit_decode_call)
#undef NSAJIT_DEFINE_CALL

nsajit_status nsajit_bind(nsajit_context* context, const char* workload, nsajit_kernel** kernel) {
  return run_guarded([&] {
    const nsajit_context& owner = require(context, "nsajit_bind", "context");
    require(workload, "nsajit_bind", "workload");
    require(kernel, "nsajit_bind", "kernel") = make_handle(owner, nsajit::parse_workload(workload));
  });
}

nsajit_status nsajit_kernel_launch(const nsajit_kernel* kernel, const void* args, size_t args_bytes, void* stream) {
  return run_guarded([&] {
    const nsajit_kernel& own = require(kernel, "nsajit_kernel_launch", "kernel");
    const auto* bytes = static_cast<const std::byte*>(args);
    require(bytes, "nsajit_kernel_launch", "args");
    if (own.args_bytes != 0 && args_bytes != own.args_bytes)
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("nsajit_kernel_launch: {} bytes of arguments were given; the struct of {} has {}", args_bytes,
                              own.workload, own.args_bytes));
    own.server->launch(*own.served, {bytes, args_bytes}, stream);
  });
}

nsajit_status nsajit_kernel_info(const nsajit_kernel* kernel, nsajit_kernel_facts* facts) {
  return run_guarded([&] {
    const nsajit_kernel& own = require(kernel, "nsajit_kernel_info", "kernel");
    nsajit_kernel_facts& out = require(facts, "nsajit_kernel_info", "facts");
    const std::size_t bytes = copy_sized(out, "nsajit_kernel_info", "nsajit_kernel_facts").struct_bytes;
    const nsajit::runtime::Decision& decision = own.served->decision;
    const nsajit_kernel_facts whole{.struct_bytes = bytes,
                                    .workload = own.workload.c_str(),
                                    .config = own.config.c_str(),
                                    .grade = own.grade.c_str(),
                                    .reason = decision.why.c_str(),
                                    .time_ms = decision.time_us / 1e3,
                                    .baseline_ms = decision.baseline_us / 1e3,
                                    .workspace_bytes = own.served->plan.workspace_bytes,
                                    .threshold = decision.threshold};
    std::memcpy(&out, &whole, bytes);
  });
}

nsajit_status nsajit_kernel_release(nsajit_kernel* kernel) {
  return run_guarded([&] { std::unique_ptr<nsajit_kernel>(kernel).reset(); });
}

}  // extern "C"
