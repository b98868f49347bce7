#pragma once
// Problem: the tuple that a kernel is specialised for (arXiv 2502.11089, symbols as there).
// First noun of the data flow: Problem + Target -> SearchSpace -> Config -> KernelSource -> Binary -> Kernel.
// Plain values; safe to share between threads.

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace nsajit {

enum class Branch : std::uint8_t { Selection, Compressed, Scoring, Sliding, Gate, Pooling, Decode };
enum class Pass : std::uint8_t { Forward, Backward, Decode };
enum class DType : std::uint8_t { BF16, FP16, FP32 };
// Grouped: Q[B,S,G,h,dk] K[B,G,S_kv,dk]. Flash: Q[B,S,H,dk] K[B,S_kv,G,dk]. Kernels take strides, so
// the layout decides only which strides inputs are made with.
enum class Layout : std::uint8_t { Grouped, Flash, Varlen };
// Ranges: ranges[B,S,G,n,2] half-open. Blocks: block_indices[B,S,G,n], -1 = unused.
enum class SelectionInput : std::uint8_t { Ranges, Blocks };

struct Problem {
  Branch branch = Branch::Selection;
  Pass pass = Pass::Forward;
  DType dtype = DType::BF16;
  int dk = 128;     // head size of Q and K
  int dv = 128;     // head size of V and O
  int l = 32;       // compression block length
  int d = 16;       // compression stride; divides l and l_sel
  int l_sel = 64;   // selection block length, tokens
  int n_sel = 16;   // selected blocks per query row
  int w = 512;      // sliding window, tokens
  int group = 16;   // query heads per KV head (h)
  Layout layout = Layout::Grouped;
  SelectionInput input = SelectionInput::Ranges;

  auto operator<=>(const Problem&) const = default;
};

std::string_view to_string(Branch branch);
std::string_view to_string(Pass pass);
std::string_view to_string(DType dtype);
std::string_view to_string(Layout layout);
std::string_view to_string(SelectionInput input);

// "selection,forward,bf16,dk=128,dv=128,l=32,d=16,l_sel=64,n_sel=16,w=512,group=16,grouped,ranges"
std::string to_string(const Problem& problem);

// Reads the form above in any order; what is left out keeps its default. "h" is an alias of "group".
// The word "decode" is the branch where it comes first, else the pass.
// Throws Error{InvalidArgument} that names the unknown or malformed part.
Problem parse_problem(std::string_view text);
Branch parse_branch(std::string_view text);
Pass parse_pass(std::string_view text);
DType parse_dtype(std::string_view text);
Layout parse_layout(std::string_view text);
SelectionInput parse_selection_input(std::string_view text);

// Throws Error{InvalidArgument} for a tuple that no kernel can serve: dk or dv not a multiple of 16 in
// 16..256, l or l_sel not a multiple of d, group outside 1..64, n_sel < 1, w < 0.
void validate(const Problem& problem);

std::size_t element_bytes(DType dtype);

}  // namespace nsajit

template <>
struct std::hash<nsajit::Problem> {
  std::size_t operator()(const nsajit::Problem& problem) const noexcept;
};
