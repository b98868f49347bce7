#pragma once
// Scoring rows: where the tensors of a scoring launch lie, and how chosen blocks are written. One place, shared by
// inputs, arguments and reference.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"
#include "nsajit/scoring_args.h"

namespace nsajit::templates::scoring {

// Index of each tensor in ScoringOp::tensors(); the starts with packed sequences only.
enum Tensor : std::size_t { kQ, kK, kSel, kLse, kStarts, kKeyStarts };

std::vector<TensorSpec> make_tensors(const Workload& workload);
// Everything but the addresses.
nsajit_scoring_args make_args(const Workload& workload);

// `chosen`, ascending, as the entries of a row at `position`, in the form of Problem::input.
std::vector<std::int32_t> write_entries(const Workload& workload, std::span<const std::int64_t> chosen, std::int64_t position);

}  // namespace nsajit::templates::scoring
