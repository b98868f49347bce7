#pragma once
// Naive selection: the formula of the paper written down again, in the slowest and plainest way, over logical indices.
// Shares no code with the reference: it is what the reference is tested against.

#include <cstdint>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates_test {

struct NaiveRow {
  std::vector<double> o;    // [h][dv]
  std::vector<double> lse;  // [h]
};

NaiveRow naive_selection(const Workload& workload, const std::vector<HostTensor>& inputs, std::int64_t b, std::int64_t s,
                         std::int64_t g);

}  // namespace nsajit::templates_test
