#pragma once
// Decode rows: the tensors of a decode step, where each token lies in them, and what a parity case varies. Shared by
// inputs, arguments and reference. Offsets are 64-bit.

#include <cstdint>
#include <span>
#include <vector>

#include "nsajit/decode_args.h"
#include "nsajit/op.h"

namespace nsajit::templates::decode {

// Index of each tensor in DecodeOp::tensors(). The window's caches are there where has_own_window(), else it reads those of
// the selection.
enum Tensor : std::size_t { kQ, kKCmp, kVCmp, kKSel, kVSel, kGates, kLengths, kTable, kO, kBlocks, kKWin, kVWin };

// Two copies of a cache of gigabytes would only cost memory.
bool has_own_window(const Workload& workload);

// Tokens of a page of the generated caches, and pages of a sequence.
std::int64_t page_tokens(const Problem& problem);
std::int64_t count_pages(const Workload& workload);

// How a case lays out its sequences. Ragged: the seed says whether they lie in pages.
struct DecodeMode {
  bool ragged = false;
  bool paged = false;
};
DecodeMode mode_of(const InputRecipe& recipe);
std::int64_t sequence_tokens(const Workload& workload, const InputRecipe& recipe, std::int64_t b);

std::vector<TensorSpec> make_tensors(const Workload& workload);
// Everything but the addresses.
nsajit_decode_args make_args(const Workload& workload, const DecodeMode& mode);

// The page of the pool that is page `nth` of sequence b: a fixed shuffle.
std::int32_t page_of(const Workload& workload, std::int64_t b, std::int64_t nth);

// Rows of K or V, counted in token strides from the first one of a cache, of tokens [0, count) of sequence b; `compressed`:
// of compressed tokens.
std::vector<std::int64_t> cache_rows(const Workload& workload, const DecodeMode& mode, bool compressed, std::int64_t b,
                                     std::int64_t count);

}  // namespace nsajit::templates::decode
