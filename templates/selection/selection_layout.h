#pragma once
// Selection layout: shapes and strides of the tensors of a selection launch, by Problem::layout. One place, shared by
// inputs, arguments and reference. Offsets are 64-bit: 2^31 elements are not rare.

#include <array>
#include <cstdint>
#include <vector>

#include "nsajit/op.h"
#include "nsajit/selection_args.h"
#include "templates/common/attention_layout.h"

namespace nsajit::templates {

// Index of each tensor in SelectionOp::tensors(); kSequences with packed sequences only.
enum SelectionTensor : std::size_t { kQ, kK, kV, kSel, kO, kLse, kSequences };

std::vector<TensorSpec> make_selection_tensors(const Workload& workload);

// Everything but the addresses.
nsajit_selection_args make_selection_args(const Workload& workload);

// The tokens that a row's entries select at `position`, in the order of the entries: what lies after the position
// or outside the sequence is left out.
std::vector<std::int64_t> selected_tokens(const Workload& workload, const std::int32_t* entries, std::int64_t position);

}  // namespace nsajit::templates
