#pragma once
// Forward arguments: the call of a whole forward pass -> the calls of its parts, with strides for what goes between them and
// the sizes of that. On the launch path: allocates and formats only to say what is wrong. Pure; safe to call from any thread.

#include <cstdint>
#include <optional>

#include "nsajit/forward.h"
#include "runtime/call_arguments.h"

namespace nsajit::runtime {

enum class ForwardPart : std::uint8_t { Compressed, Scoring, Selection, Sliding, Gate };
inline constexpr int kForwardParts = 5;

// Pointers into the workspace are not set yet. A part that nobody needs is empty.
struct PreparedForward {
  PreparedCall<nsajit_dense_args> compressed{.is_empty = true};
  PreparedCall<nsajit_scoring_args> scoring{.is_empty = true};
  PreparedCall<nsajit_selection_args> selection{.is_empty = true};
  PreparedCall<nsajit_dense_args> sliding{.is_empty = true};
  PreparedCall<nsajit_gate_args> gate{.is_empty = true};
  std::int64_t output_bytes = 0;  // of one branch's o
  std::int64_t lse_bytes = 0;
  std::int64_t sel_bytes = 0;  // 0: the caller takes the choice
};

// The same pass as a decode step. nullopt: it is none that one kernel could do: more than one query, a choice that the caller
// wants, fewer compressed tokens than there are.
std::optional<nsajit_decode_call> find_decode_step(const nsajit_forward_call& call);

// `forced`: -1, or the one branch whose output is o (0 compressed, 1 selection, 2 sliding).
// Throws Error{InvalidArgument} that names the function, the tensor, the dimension, what it is and what it has to be.
PreparedForward prepare_forward(const nsajit_forward_call& call, int forced, const Target& target, CallUse use);

}  // namespace nsajit::runtime
