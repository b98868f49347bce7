// Registry: every operation of this build, one line each.

#include <array>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "nsajit/op.h"
#include "templates/compressed/compressed_op.h"
#include "templates/decode/decode_op.h"
#include "templates/gate/gate_op.h"
#include "templates/pooling/pooling_op.h"
#include "templates/scoring/scoring_op.h"
#include "templates/selection/selection_op.h"
#include "templates/sliding/sliding_op.h"

namespace nsajit {

std::span<const Op* const> all_ops() {
  static const templates::SelectionOp selection;
  static const templates::CompressedOp compressed;
  static const templates::ScoringOp scoring;
  static const templates::SlidingOp sliding;
  static const templates::GateOp gate;
  static const templates::PoolingOp pooling;
  static const templates::DecodeOp decode;
  static const std::array<const Op*, 7> ops{&selection, &compressed, &scoring, &sliding, &gate, &pooling, &decode};
  return ops;
}

const Op& find_op(const Problem& problem) {
  for (const Op* op : all_ops())
    if (op->supports(problem)) return *op;
  std::string names;
  for (const Op* op : all_ops()) names += fmt::format("{}{}", names.empty() ? "" : ", ", op->name());
  throw Error(ErrorCode::Unsupported,
              fmt::format("no operation serves \"{}\"; built: {} (forward pass)", to_string(problem), names));
}

}  // namespace nsajit
