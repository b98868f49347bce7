#pragma once
// Naive attention: the formula of the paper written down again, in the slowest and plainest way, over logical indices.
// Shares no code with the references: it is what they are tested against.

#include <cstdint>
#include <functional>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates_test {

struct NaiveRow {
  std::vector<double> o;    // [h][dv]
  std::vector<double> lse;  // [h]
};

struct NaivePlace {
  std::int64_t b = 0, g = 0;
  std::int64_t query = 0;      // row of q, counted over all sequences
  std::int64_t first_key = 0;  // of the sequence, in packed k and v
  std::int64_t keys = 0;       // of the sequence
};

// `qkv`: q, k and v, in this order.
NaiveRow naive_attention(const Workload& workload, const std::vector<HostTensor>& qkv, const NaivePlace& at,
                         const std::function<bool(std::int64_t key)>& sees);

}  // namespace nsajit::templates_test
