#pragma once
// Pooling rows: which compressed tokens a launch makes, where its tensors lie, and what the tokens are. A row of the launch
// (b, s, g) stands for the compressed token that ends at its position, if one does. Shared by inputs, arguments, reference.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/op.h"
#include "nsajit/pooling_args.h"

namespace nsajit::templates::pooling {

// Index of each tensor in PoolingOp::tensors(); the starts with packed sequences only.
enum Tensor : std::size_t { kK, kV, kKCmp, kVCmp, kStarts, kKeyStarts };

struct TokenRange {
  std::int64_t first = 0, end = 0;  // compressed tokens
  std::int64_t count() const { return end - first; }
};
// Those that end within the last S of S_kv positions; of packed sequences, those of the longest.
TokenRange launch_tokens(const Workload& workload);
// Of one sequence.
std::int64_t count_tokens(const Workload& workload, std::int64_t b);

std::vector<TensorSpec> make_tensors(const Workload& workload);
// Everything but the addresses.
nsajit_pooling_args make_args(const Workload& workload);

// Flattened rows (b, s, g) of `count` tokens, spread evenly over sequences and groups, and of the last; of all where `count`
// is 0 or covers them. A row without a token where there are none.
std::vector<std::int64_t> sample_tokens(const Workload& workload, std::int64_t count);

// Where the token of a row lies in an output whose tokens have `size` elements; nothing where none ends there.
Op::RowSlice slice_of_token(const Workload& workload, std::int64_t row, std::int64_t size);

Reference make_reference(const Workload& workload, std::span<const HostTensor> inputs, std::vector<std::int64_t> rows);

}  // namespace nsajit::templates::pooling
