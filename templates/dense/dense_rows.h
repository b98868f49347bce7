#pragma once
// Dense rows: which keys a row of the sliding or the compressed branch sees, and where its tensors lie. One place,
// shared by inputs, arguments and reference. Offsets are 64-bit.

#include <cstdint>
#include <vector>

#include "nsajit/dense_args.h"
#include "nsajit/op.h"

namespace nsajit::templates::dense {

// Index of each tensor in DenseOp::tensors(); the starts with packed sequences only, those of keys with the compressed
// branch only.
enum Tensor : std::size_t { kQ, kK, kV, kO, kLse, kStarts, kKeyStarts };

struct KeyRange {
  std::int64_t begin = 0, end = 0;  // empty: nothing is seen
};
// Of the row at `position`, in a sequence with `keys` keys.
KeyRange visible_keys(const Problem& problem, std::int64_t position, std::int64_t keys);

// Keys of a sequence of `length` tokens.
std::int64_t count_keys(const Problem& problem, std::int64_t length);
std::int64_t count_keys(const Workload& workload, std::int64_t b);
// Keys before each packed sequence, then those of all.
std::vector<std::int32_t> key_starts(const Workload& workload);

std::vector<TensorSpec> make_tensors(const Workload& workload);
// Everything but the addresses.
nsajit_dense_args make_args(const Workload& workload);

}  // namespace nsajit::templates::dense
