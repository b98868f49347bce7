// ForwardPlan: prepare -> find kernels -> place what lies between them -> launch in the order of the parts.

#include "runtime/forward_plan.h"

#include <fmt/format.h>

#include "nsajit/error.h"
#include "nsajit/op.h"
#include "runtime/fork_pool.h"
#include "runtime/memory_plan.h"

namespace nsajit::runtime {
namespace {

constexpr int kFirst = 0, kLast = kForwardParts - 1;

int step_of(ForwardPart part) { return static_cast<int>(part); }

// What the call says wins over the environment.
int choose_branch(const nsajit_forward_call& call, const Server& server) {
  if (call.only_branch < 0 || call.only_branch > 3)
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("forward: only_branch is {}; 0 is all, 1 compressed, 2 selection, 3 sliding", call.only_branch));
  return call.only_branch > 0 ? call.only_branch - 1 : server.forced_branch();
}

template <class Args>
std::span<const std::byte> as_bytes(const Args& args) {
  return std::as_bytes(std::span(&args, 1));
}

}  // namespace

ForwardPlan::ForwardPlan(Server& server, const nsajit_forward_call& call, CallUse use, Pieces pieces)
    : server_(server), side_stream_(call.side_stream) {
  const int branch = choose_branch(call, server);
  is_step_ = pieces == Pieces::Fused && branch < 0 && server.fuses_steps() && find_step(call, use);
  if (!is_step_) {
    prepared_ = prepare_forward(call, branch, server.target(), use);
    find_kernels();
    place(pieces);
  }
  if (use == CallUse::Plan) return;
  if (workspace_bytes_ > 0 && (call.workspace == nullptr || call.workspace_bytes < workspace_bytes_))
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("nsajit_forward: a workspace of {} bytes is needed, {} were given; ask for the size with "
                            "nsajit_forward_workspace_bytes",
                            workspace_bytes_, call.workspace == nullptr ? 0 : call.workspace_bytes));
  set_pointers(static_cast<std::byte*>(call.workspace));
}

// What a step refuses, the parts refuse in their own words.
bool ForwardPlan::find_step(const nsajit_forward_call& call, CallUse use) {
  const auto step = find_decode_step(call);
  if (!step) return false;
  try {
    step_ = prepare_decode(*step, server_.target(), use);
  } catch (const Error&) { return false; }
  if (step_.is_empty) return true;
  const Problem& problem = step_.workload.problem;
  if (!find_op(problem).serves(problem, server_.target())) return false;
  step_lease_.emplace(server_.find(step_.workload));
  workspace_bytes_ = (*step_lease_)->plan.workspace_bytes;
  return true;
}

void ForwardPlan::find_kernels() {
  const auto find = [this](ForwardPart part, const auto& prepared) {
    if (!prepared.is_empty) leases_[index(part)].emplace(server_.find(prepared.workload));
  };
  find(ForwardPart::Compressed, prepared_.compressed);
  find(ForwardPart::Scoring, prepared_.scoring);
  find(ForwardPart::Selection, prepared_.selection);
  find(ForwardPart::Sliding, prepared_.sliding);
  find(ForwardPart::Gate, prepared_.gate);
}

void ForwardPlan::place(Pieces sharing) {
  enum Piece : int { kOutputCmp = kForwardParts, kLse, kSel, kOutputSel, kPieces };
  std::array<MemoryPiece, kPieces> pieces{};
  for (int step = kFirst; step <= kLast; ++step) {
    const auto& lease = leases_[static_cast<std::size_t>(step)];
    pieces[static_cast<std::size_t>(step)] = {.bytes = lease ? (*lease)->plan.workspace_bytes : 0, .first = step, .last = step};
  }
  MemoryPiece& sliding = pieces[index(ForwardPart::Sliding)];
  if (side_stream_ != nullptr) sliding.first = kFirst, sliding.last = kLast;  // beside all others
  const std::int64_t output = prepared_.output_bytes;
  pieces[kOutputCmp] = {.bytes = output, .first = step_of(ForwardPart::Compressed), .last = step_of(ForwardPart::Gate)};
  pieces[kLse] = {.bytes = prepared_.lse_bytes, .first = step_of(ForwardPart::Compressed), .last = step_of(ForwardPart::Scoring)};
  pieces[kSel] = {.bytes = prepared_.sel_bytes, .first = step_of(ForwardPart::Scoring), .last = step_of(ForwardPart::Selection)};
  pieces[kOutputSel] = {.bytes = output, .first = step_of(ForwardPart::Selection), .last = step_of(ForwardPart::Gate)};
  if (sharing == Pieces::Apart)
    for (MemoryPiece& piece : pieces) piece.first = kFirst, piece.last = kLast;
  workspace_bytes_ = place_pieces(pieces);
  for (std::size_t part = 0; part < offsets_.own.size(); ++part) offsets_.own[part] = pieces[part].offset;
  offsets_.o_cmp = pieces[kOutputCmp].offset, offsets_.lse = pieces[kLse].offset;
  offsets_.sel = pieces[kSel].offset, offsets_.o_sel = pieces[kOutputSel].offset;
}

void ForwardPlan::set_pointers(std::byte* workspace) {
  step_.args.workspace = is_step_ && workspace_bytes_ > 0 ? workspace : nullptr;
  const auto set_own = [&](ForwardPart part, auto& prepared) {
    const bool has_own = runs(part) && kernel(part).plan.workspace_bytes > 0;
    prepared.args.workspace = has_own ? workspace + offsets_.own[index(part)] : nullptr;
  };
  set_own(ForwardPart::Compressed, prepared_.compressed);
  set_own(ForwardPart::Scoring, prepared_.scoring);
  set_own(ForwardPart::Selection, prepared_.selection);
  set_own(ForwardPart::Sliding, prepared_.sliding);
  set_own(ForwardPart::Gate, prepared_.gate);
  if (prepared_.sel_bytes > 0) {
    prepared_.scoring.args.sel = reinterpret_cast<int*>(workspace + offsets_.sel);
    prepared_.selection.args.sel = prepared_.scoring.args.sel;
  }
  if (!runs(ForwardPart::Gate)) return;  // one branch alone writes o itself
  prepared_.compressed.args.lse = reinterpret_cast<float*>(workspace + offsets_.lse);
  prepared_.scoring.args.lse = prepared_.compressed.args.lse;
  prepared_.compressed.args.o = workspace + offsets_.o_cmp;
  prepared_.selection.args.o = workspace + offsets_.o_sel;
  prepared_.gate.args.source[0].o = prepared_.compressed.args.o;
  prepared_.gate.args.source[1].o = prepared_.selection.args.o;
}

void ForwardPlan::launch(Stream stream) {
  if (is_step_) {
    if (step_lease_) server_.launch(**step_lease_, as_bytes(step_.args), stream);
    return;
  }
  if (side_stream_ != nullptr && runs(ForwardPart::Gate)) {
    const ForkPool::Loan loan = server_.forks().borrow();
    if (loan.get() != nullptr) return launch_beside(*loan.get(), stream);
  }
  launch_chain(stream);
  launch_if_needed(ForwardPart::Sliding, stream);
  launch_if_needed(ForwardPart::Gate, stream);
}

void ForwardPlan::launch_beside(StreamFork& fork, Stream stream) {
  fork.begin(stream, side_stream_);
  try {
    launch(ForwardPart::Sliding, side_stream_);
    launch_chain(stream);
  } catch (...) {
    fork.end(stream, side_stream_);  // the caller may free its memory behind `stream`
    throw;
  }
  fork.end(stream, side_stream_);
  launch(ForwardPart::Gate, stream);
}

void ForwardPlan::launch_chain(Stream stream) {
  for (const ForwardPart part : {ForwardPart::Compressed, ForwardPart::Scoring, ForwardPart::Selection})
    launch_if_needed(part, stream);
}

void ForwardPlan::launch(ForwardPart part, Stream stream) {
  const ServedKernel& served = kernel(part);
  switch (part) {
    case ForwardPart::Compressed: return server_.launch(served, as_bytes(prepared_.compressed.args), stream);
    case ForwardPart::Scoring: return server_.launch(served, as_bytes(prepared_.scoring.args), stream);
    case ForwardPart::Selection: return server_.launch(served, as_bytes(prepared_.selection.args), stream);
    case ForwardPart::Sliding: return server_.launch(served, as_bytes(prepared_.sliding.args), stream);
    case ForwardPart::Gate: return server_.launch(served, as_bytes(prepared_.gate.args), stream);
  }
}

}  // namespace nsajit::runtime
