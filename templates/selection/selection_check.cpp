// Selection check: sizes, then addresses and strides, then packed sequences, then every entry.

#include "nsajit/selection_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "nsajit/error.h"
#include "templates/selection/selection_row_check.h"

namespace nsajit {
namespace {

constexpr std::int64_t kCudaAlignment = 16;  // a lane loads 16 bytes at a time

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("selection arguments: {}", why));
}

struct Stride {
  std::string_view dimension;
  long long elements = 0;
};

struct CheckedTensor {
  std::string_view name;
  const void* address = nullptr;
  std::int64_t element_bytes = 0;
  std::vector<Stride> strides;
  bool wide = false;  // read or written 16 bytes at a time on CUDA
};

std::vector<CheckedTensor> list_tensors(const Problem& problem, const nsajit_selection_args& a) {
  const auto bytes = static_cast<std::int64_t>(element_bytes(problem.dtype));
  return {{"q", a.q, bytes, {{"b", a.q_b}, {"s", a.q_s}, {"g", a.q_g}, {"h", a.q_h}}, true},
          {"k", a.k, bytes, {{"b", a.k_b}, {"g", a.k_g}, {"s", a.k_s}}, true},
          {"v", a.v, bytes, {{"b", a.v_b}, {"g", a.v_g}, {"s", a.v_s}}, true},
          {"o", a.o, bytes, {{"b", a.o_b}, {"s", a.o_s}, {"g", a.o_g}, {"h", a.o_h}}, true},
          {"lse", a.lse, 4, {}},
          {"sel", a.sel, 4, {{"b", a.sel_b}, {"s", a.sel_s}, {"g", a.sel_g}}}};
}

void check_sizes(const Problem& problem, const nsajit_selection_args& args) {
  const std::array<Stride, 5> sizes{{{"B", args.B}, {"S", args.S}, {"S_kv", args.S_kv}, {"G", args.G}, {"n", args.n}}};
  for (const Stride& size : sizes)
    if (size.elements < 1) refuse(fmt::format("{}={} is too small; at least 1", size.dimension, size.elements));
  if (args.S > args.S_kv)
    refuse(fmt::format("S={} is larger than S_kv={}; the queries are the last S of S_kv positions", args.S, args.S_kv));
  if (args.S_kv > std::numeric_limits<std::int32_t>::max())
    refuse(fmt::format("S_kv={} does not fit the 32-bit positions of sel", args.S_kv));
  if (args.n > problem.n_sel)
    refuse(fmt::format("n={} entries a row are more than n_sel={}, which the kernel was built for", args.n, problem.n_sel));
  if (!std::isfinite(args.scale)) refuse(fmt::format("scale={} is not a number; 1/sqrt(dk) is usual", args.scale));
}

bool misaligned(const void* address, std::int64_t bytes) {
  return reinterpret_cast<std::uintptr_t>(address) % static_cast<std::uintptr_t>(bytes) != 0;
}

void check_tensor(const CheckedTensor& tensor, Backend backend) {
  if (tensor.address == nullptr && tensor.name != "lse") refuse(fmt::format("{} is a null pointer", tensor.name));
  const bool wide = backend == Backend::Cuda && tensor.wide;
  const std::int64_t alignment = wide ? kCudaAlignment : tensor.element_bytes;
  if (misaligned(tensor.address, alignment))
    refuse(fmt::format("{} begins at {}, which is not a multiple of {} bytes", tensor.name, tensor.address, alignment));
  for (const Stride& stride : tensor.strides) {
    if (!wide || stride.elements * tensor.element_bytes % kCudaAlignment == 0) continue;
    refuse(
        fmt::format("{}, dimension {}: the stride {}_{}={} elements is {} bytes, not a multiple of {}; pad the dimension "
                    "inside it, or copy to a dense tensor",
                    tensor.name, stride.dimension, tensor.name, stride.dimension, stride.elements,
                    stride.elements * tensor.element_bytes, kCudaAlignment));
  }
}

void check_workspace(const nsajit_selection_args& args, const CheckedLaunch& launch) {
  if (launch.workspace_bytes > 0 && args.workspace == nullptr)
    refuse(fmt::format("workspace is a null pointer; the launch plan needs {} bytes", launch.workspace_bytes));
  if (launch.backend == Backend::Cuda && misaligned(args.workspace, kCudaAlignment))
    refuse(fmt::format("workspace begins at {}, which is not a multiple of {} bytes", args.workspace, kCudaAlignment));
}

// Every stride of b is 0: cu_seqlens says where a sequence begins.
void check_packed(const Problem& problem, const nsajit_selection_args& args, const CheckedLaunch& launch) {
  if (args.cu_seqlens == nullptr) refuse("cu_seqlens is a null pointer; layout varlen needs the B + 1 starts of its sequences");
  if (args.S != args.S_kv)
    refuse(fmt::format("S={} is not S_kv={}; packed sequences have as many keys as rows", args.S, args.S_kv));
  for (const CheckedTensor& tensor : list_tensors(problem, args))
    for (const Stride& stride : tensor.strides)
      if (stride.dimension == "b" && stride.elements != 0)
        refuse(fmt::format("{}, dimension b: the stride {}_b={} is to be 0, sequences are packed", tensor.name, tensor.name,
                           stride.elements));
  const auto starts = launch.cu_seqlens;
  if (static_cast<std::int64_t>(starts.size()) != args.B + 1)
    refuse(fmt::format("the copy of cu_seqlens has {} values; {} sequences have {}", starts.size(), args.B, args.B + 1));
  if (starts[0] != 0) refuse(fmt::format("cu_seqlens, b=0: begins at {}; the first sequence begins at 0", starts[0]));
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) {
    const std::int64_t length = std::int64_t{starts[b + 1]} - starts[b];
    if (length < 0 || length > args.S)
      refuse(fmt::format("cu_seqlens, b={}: from {} to {} are {} rows; 0 to S={} are possible", b, starts[b], starts[b + 1],
                         length, args.S));
  }
}

void check_entries(const Problem& problem, const nsajit_selection_args& args, const CheckedLaunch& launch) {
  const bool packed = problem.layout == Layout::Varlen;
  const std::int64_t ints = std::int64_t{args.n} * (problem.input == SelectionInput::Ranges ? 2 : 1);
  const auto reach = static_cast<std::int64_t>(launch.sel.size());
  for (std::int64_t b = 0; b < args.B; ++b) {
    const std::int64_t start = packed ? launch.cu_seqlens[static_cast<std::size_t>(b)] : 0;
    const std::int64_t rows = packed ? launch.cu_seqlens[static_cast<std::size_t>(b) + 1] - start : args.S;
    const std::int64_t keys = packed ? rows : args.S_kv;
    for (std::int64_t s = 0; s < rows; ++s) {
      for (std::int64_t g = 0; g < args.G; ++g) {
        const std::int64_t at = b * args.sel_b + (start + s) * args.sel_s + g * args.sel_g;
        if (at < 0 || at + ints > reach)
          refuse(fmt::format("sel, row (b={}, s={}, g={}): its {} ints begin at {} by the strides, but the copy has {}", b, s, g,
                             ints, at, reach));
        const std::string fault = templates::find_row_fault(problem, {.b = b,
                                                                      .s = s,
                                                                      .g = g,
                                                                      .position = keys - rows + s,
                                                                      .keys = keys,
                                                                      .entries = &launch.sel[static_cast<std::size_t>(at)],
                                                                      .n = args.n});
        if (!fault.empty()) refuse("sel, " + fault);
      }
    }
  }
}

}  // namespace

void check_selection_arguments(const Problem& problem, const nsajit_selection_args& args, const CheckedLaunch& launch) {
  validate(problem);
  check_sizes(problem, args);
  for (const CheckedTensor& tensor : list_tensors(problem, args)) check_tensor(tensor, launch.backend);
  check_workspace(args, launch);
  if (problem.layout == Layout::Varlen) check_packed(problem, args, launch);
  if (!launch.sel.empty()) check_entries(problem, args, launch);
}

}  // namespace nsajit
