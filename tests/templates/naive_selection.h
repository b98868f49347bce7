#pragma once
// Naive selection: naive attention over the tokens that a row's entries select.

#include <cstdint>
#include <vector>

#include "tests/templates/naive_attention.h"

namespace nsajit::templates_test {

NaiveRow naive_selection(const Workload& workload, const std::vector<HostTensor>& inputs, std::int64_t b, std::int64_t s,
                         std::int64_t g);

}  // namespace nsajit::templates_test
