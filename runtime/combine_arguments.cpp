// Combine arguments: the outputs of three branches and their gates.

#include <fmt/format.h>

#include <array>
#include <utility>

#include "runtime/call_arguments.h"

namespace nsajit::runtime {
namespace {

constexpr std::int64_t kBranches = 3;

struct Reading : CallReader {
  const nsajit_combine_call& call;
  DType dtype = DType::BF16;
  std::int64_t B = 0, S = 0, G = 0, h = 0, dv = 0;
  bool grouped = true;  // o is [B,S,G,h,dv]
};

Reading read_sizes(const nsajit_combine_call& call, const Target& target, CallUse use) {
  Reading reading{{.function = "combine", .target = target, .use = use}, call};
  const nsajit_tensor& o = call.o;
  if (o.ndim != 4 && o.ndim != 5)
    refuse(reading, fmt::format("o has {} dimensions; it has to be [B,S,G,h,dv] or [B,S,H,dv]", o.ndim));
  reading.dtype = check_float(reading, "o", o);
  reading.grouped = o.ndim == 5;
  reading.B = o.shape[0], reading.S = o.shape[1], reading.dv = o.shape[o.ndim - 1];
  reading.G = reading.grouped ? o.shape[2] : call.groups;
  if (!reading.grouped && (reading.G < 1 || o.shape[2] % reading.G != 0))
    refuse(reading, fmt::format("groups is {} and o has {} heads, which have to be a multiple of it", reading.G, o.shape[2]));
  reading.h = reading.grouped ? o.shape[3] : o.shape[2] / reading.G;
  if (call.only_branch < 0 || call.only_branch > kBranches)
    refuse(reading, fmt::format("only_branch is {}; 0 is all, 1 compressed, 2 selection, 3 sliding", call.only_branch));
  return reading;
}

QueryStrides read_output(const Reading& reading, std::string_view name, const nsajit_tensor& tensor) {
  if (reading.grouped)
    check_tensor(reading, name, tensor, reading.call.o.dtype, {reading.B, reading.S, reading.G, reading.h, reading.dv},
                 "[B,S,G,h,dv]");
  else
    check_tensor(reading, name, tensor, reading.call.o.dtype, {reading.B, reading.S, reading.G * reading.h, reading.dv},
                 "[B,S,H,dv]");
  check_vectors(reading, name, tensor);
  return query_strides(tensor, reading.grouped, reading.h);
}

// One tensor for all branches, the last dimension counts them.
void set_gates(const Reading& reading, nsajit_gate_args& args) {
  const nsajit_tensor& gates = reading.call.gates;
  if (reading.grouped)
    check_shape(reading, "gates", gates, {reading.B, reading.S, reading.G, reading.h, kBranches}, "[B,S,G,h,3]");
  else
    check_shape(reading, "gates", gates, {reading.B, reading.S, reading.G * reading.h, kBranches}, "[B,S,H,3]");
  if (gates.dtype != reading.call.o.dtype && gates.dtype != NSAJIT_FP32)
    refuse(reading, "gates have another dtype than o; they have to have the same, or fp32");
  check_pointer(reading, "gates", gates);
  args.fp32_gates = gates.dtype == NSAJIT_FP32 ? 1 : 0;
  const QueryStrides strides = query_strides(gates, reading.grouped, reading.h);
  const std::int64_t bytes = gates.dtype == NSAJIT_FP32 ? 4 : 2;
  for (std::int64_t branch = 0; branch < kBranches; ++branch) {
    nsajit_gate_source& source = args.source[branch];
    source.gate = static_cast<const std::byte*>(gates.data) + branch * gates.strides[gates.ndim - 1] * bytes;
    source.gate_b = strides.b, source.gate_s = strides.s, source.gate_g = strides.g, source.gate_h = strides.h;
  }
}

}  // namespace

PreparedCall<nsajit_gate_args> prepare_combine(const nsajit_combine_call& call, const Target& target, CallUse use) {
  const Reading reading = read_sizes(call, target, use);
  if (reading.B * reading.S * reading.G * reading.h == 0) return {.is_empty = true};
  PreparedCall<nsajit_gate_args> prepared;
  nsajit_gate_args& args = prepared.args;
  const std::array<std::pair<const char*, const nsajit_tensor*>, kBranches> branches{
      {{"o_cmp", &call.o_cmp}, {"o_sel", &call.o_sel}, {"o_win", &call.o_win}}};
  for (std::size_t branch = 0; branch < branches.size(); ++branch) {
    const auto [name, tensor] = branches[branch];
    if (tensor->data == nullptr) continue;
    const QueryStrides strides = read_output(reading, name, *tensor);
    nsajit_gate_source& source = args.source[branch];
    source.o = tensor->data, source.o_b = strides.b, source.o_s = strides.s, source.o_g = strides.g, source.o_h = strides.h;
  }
  set_gates(reading, args);
  const QueryStrides o = read_output(reading, "o", call.o);
  check_pointer(reading, "o", call.o);
  args.o = call.o.data, args.o_b = o.b, args.o_s = o.s, args.o_g = o.g, args.o_h = o.h;
  args.B = reading.B, args.S = reading.S, args.G = reading.G;
  args.forced = call.only_branch - 1;
  const nsajit_sparsity& sparsity = call.sparsity;
  prepared.workload = make_workload({.branch = Branch::Gate,
                                     .dtype = reading.dtype,
                                     .layout = reading.grouped ? Layout::Grouped : Layout::Flash,
                                     .B = reading.B,
                                     .S = reading.S,
                                     .S_kv = call.S_kv != 0 ? call.S_kv : reading.S,
                                     .G = reading.G,
                                     .group = reading.h,
                                     .dk = call.dk != 0 ? call.dk : reading.dv,
                                     .dv = reading.dv},
                                    sparsity);
  return prepared;
}

}  // namespace nsajit::runtime
