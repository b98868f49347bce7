#pragma once
// Attention reference: full softmax attention of a row over a list of its keys, on the host, on all hardware threads.
// Twice: in float64 (the oracle) and with the roundings of a kernel that works in the problem's dtype.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "nsajit/op.h"
#include "templates/common/host_elements.h"

namespace nsajit::templates {

// Operands of a row as floats, which hold every storage type exactly.
struct RowOperands {
  std::size_t keys = 0;
  std::vector<float> q;  // [h][dk]
  std::vector<float> k;  // [dk][keys]
  std::vector<float> v;  // [keys][dv]
};

// Where a row's operands lie, in rows of the tensors' second dimension (s of q, i of k and v).
struct RowPlace {
  std::int64_t b = 0, g = 0;
  std::int64_t query = 0;      // packed sequences: counted from the first one
  std::int64_t first_key = 0;  // what key 0 of the row's sequence is in k and v
};

// `qkv`: the three tensors, in this order. V is left out where `qkv` has two.
template <class Args>
RowOperands gather_operands(const Problem& p, const Args& args, std::span<const HostTensor> qkv, const RowPlace& at,
                            std::span<const std::int64_t> keys) {
  const auto read = [&](std::size_t tensor, std::int64_t index) {
    return load_element(qkv[tensor].data.data(), qkv[tensor].spec.type, index);
  };
  RowOperands row{.keys = keys.size()};
  const auto dk = static_cast<std::size_t>(p.dk), dv = static_cast<std::size_t>(p.dv);
  row.k.resize(dk * keys.size());
  for (int j = 0; j < p.group; ++j)
    for (int d = 0; d < p.dk; ++d)
      row.q.push_back(read(0, at.b * args.q_b + at.query * args.q_s + at.g * args.q_g + j * args.q_h + d));
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const std::int64_t k = at.b * args.k_b + at.g * args.k_g + (at.first_key + keys[i]) * args.k_s;
    for (std::size_t d = 0; d < dk; ++d) row.k[d * keys.size() + i] = read(1, k + static_cast<std::int64_t>(d));
    if constexpr (requires { args.v_b; }) {
      const std::int64_t v = at.b * args.v_b + at.g * args.v_g + (at.first_key + keys[i]) * args.v_s;
      for (std::size_t d = 0; d < dv; ++d) row.v.push_back(read(2, v + static_cast<std::int64_t>(d)));
    }
  }
  return row;
}

// Outputs in order: o, lse. `gather` is called from several threads.
Reference make_attention_reference(const Problem& problem, float scale, std::vector<std::int64_t> rows,
                                   const std::function<RowOperands(std::int64_t row)>& gather);

}  // namespace nsajit::templates
