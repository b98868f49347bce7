#pragma once
// ForwardPlan: a whole forward pass, bound: compressed, scoring, selection, sliding and gate, the kernels that serve them,
// and one workspace for all; or, where one query has one kernel for all of it (branch decode), that. Over the server, under nsajit_forward; made anew for each call, on the stack: it allocates
// nothing. Keep it for a call, not for a program's life: it holds leases of the server. Not thread-safe.

#include <array>
#include <cstdint>
#include <optional>
#include <span>

#include "nsajit/forward.h"
#include "runtime/forward_arguments.h"
#include "runtime/server.h"

namespace nsajit::runtime {

class ForwardPlan {
 public:
  // Fused: one kernel where there is one. Shared: always the parts. Apart: no piece shares memory with another, so that each
  // part can be run by itself, as often as one likes.
  enum class Pieces : std::uint8_t { Fused, Shared, Apart };
  // Launch: the call's pointers and workspace are looked at, and launch() may follow. Plan: sizes alone.
  // Throws Error{InvalidArgument} for a call that cannot be and a workspace that is too small, and as Server::find does.
  ForwardPlan(Server& server, const nsajit_forward_call& call, CallUse use, Pieces pieces = Pieces::Fused);

  // The whole pass is one launch, and no part runs; step_kernel() is what serves it.
  bool is_one_step() const { return is_step_; }
  // Requires: is_one_step(). Null: there are no rows.
  const ServedKernel* step_kernel() const { return step_lease_ ? &**step_lease_ : nullptr; }

  bool runs(ForwardPart part) const { return leases_[index(part)].has_value(); }  // false: nobody needs its output
  // Requires: runs(part).
  const ServedKernel& kernel(ForwardPart part) const { return **leases_[index(part)]; }
  std::int64_t workspace_bytes() const { return workspace_bytes_; }

  // All parts, on `stream` and, where the call has one, its side stream.
  void launch(Stream stream);
  // One part, which reads what those before it have left. Requires: runs(part).
  void launch(ForwardPart part, Stream stream);

 private:
  static std::size_t index(ForwardPart part) { return static_cast<std::size_t>(part); }
  bool find_step(const nsajit_forward_call& call, CallUse use);
  void find_kernels();
  void place(Pieces sharing);
  void set_pointers(std::byte* workspace);
  void launch_beside(StreamFork& fork, Stream stream);
  void launch_chain(Stream stream);  // the parts that hand something to each other
  void launch_if_needed(ForwardPart part, Stream stream) {
    if (runs(part)) launch(part, stream);
  }

  Server& server_;
  Stream side_stream_;
  PreparedForward prepared_;
  bool is_step_ = false;
  PreparedCall<nsajit_decode_args> step_;
  std::optional<Server::Lease> step_lease_;
  std::array<std::optional<Server::Lease>, kForwardParts> leases_;
  // Of each part's own workspace, then the compressed output, its log-sum-exp, the choice, selection's output.
  struct Offsets {
    std::array<std::int64_t, kForwardParts> own{};
    std::int64_t o_cmp = 0, lse = 0, sel = 0, o_sel = 0;
  } offsets_;
  std::int64_t workspace_bytes_ = 0;
};

}  // namespace nsajit::runtime
