// Gate combine on the CPU: one row of a (b, s, g) after the other, a vector of the output at a time. Compiled to bitcode;
// the JIT fixes the fields and drops the other vector width.

#include "nsajit/gate_args.h"
#include "templates/common/cpu_fields.h"
#include "templates/common/cpu_lanes.h"

namespace nsajit::cpu {

// Where a row lies; s counts from the first packed sequence.
struct GateRow {
  const nsajit_gate_args* args;
  long long b, s, g;
};

NSAJIT_INLINE long long element_bytes() { return nsajit_field_element == kFp32 ? 4 : 2; }

NSAJIT_INLINE long long output_of(const GateRow& row, const nsajit_gate_source& source, int head) {
  return row.b * source.o_b + row.s * source.o_s + row.g * source.o_g + head * source.o_h;
}

NSAJIT_INLINE long long result_of(const GateRow& row, int head) {
  return row.b * row.args->o_b + row.s * row.args->o_s + row.g * row.args->o_g + head * row.args->o_h;
}

// The bits of one branch, which may hold NaN as the others may.
NSAJIT_INLINE void copy_row(const GateRow& row, const nsajit_gate_source& source) {
  for (int head = 0; head < nsajit_field_group; ++head) {
    char* to = static_cast<char*>(row.args->o) + result_of(row, head) * element_bytes();
    if (source.o)
      __builtin_memcpy(to, static_cast<const char*>(source.o) + output_of(row, source, head) * element_bytes(),
                       static_cast<unsigned long>(nsajit_field_dv * element_bytes()));
    else
      __builtin_memset(to, 0, static_cast<unsigned long>(nsajit_field_dv * element_bytes()));
  }
}

NSAJIT_INLINE float gate_of(const GateRow& row, const nsajit_gate_source& source, int head) {
  const long long at = row.b * source.gate_b + row.s * source.gate_s + row.g * source.gate_g + head * source.gate_h;
  return load_scalar(source.gate, at, row.args->fp32_gates ? static_cast<int>(kFp32) : nsajit_field_element);
}

template <int W>
NSAJIT_INLINE void combine_row(const GateRow& row) {
  using L = Lanes<W>;
  for (int head = 0; head < nsajit_field_group; ++head) {
    float gates[3] = {};
    long long from[3] = {};
    for (int branch = 0; branch < 3; ++branch) {
      const nsajit_gate_source& source = row.args->source[branch];
      if (!source.o) continue;
      gates[branch] = gate_of(row, source, head);
      from[branch] = output_of(row, source, head);
    }
    for (int at = 0; at < nsajit_field_dv; at += W) {
      typename L::Vec sum{};
      for (int branch = 0; branch < 3; ++branch) {
        const void* o = row.args->source[branch].o;
        if (o) sum = sum + L::load_element(o, from[branch] + at, nsajit_field_element) * L::splat(gates[branch]);
      }
      L::store_element(row.args->o, result_of(row, head) + at, sum, nsajit_field_element);
    }
  }
}

}  // namespace nsajit::cpu

extern "C" void gate_combine(const nsajit_gate_args* args, long long begin, long long end, void*) {
  using namespace nsajit::cpu;
  const long long rows = args->B * args->S * args->G, last = end < rows ? end : rows;
  for (long long index = begin; index < last; ++index) {
    const long long query = index / args->G, b = query / args->S, s = query % args->S;
    const long long start = args->cu_seqlens ? args->cu_seqlens[b] : 0;
    if (args->cu_seqlens && start + s >= args->cu_seqlens[b + 1]) continue;
    const GateRow row{args, b, start + s, index % args->G};
    if (args->forced >= 0)
      copy_row(row, args->source[args->forced]);
    else if (nsajit_field_width == 16)
      combine_row<16>(row);
    else
      combine_row<8>(row);
  }
}
