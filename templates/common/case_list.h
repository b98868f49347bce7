#pragma once
// Case list: the parity cases of a workload as an operation adds them, each with a seed and a name of its own.

#include <cstdint>
#include <string_view>
#include <vector>

#include "nsajit/op.h"

namespace nsajit::templates {

class CaseList {
 public:
  // `samples`: rows to compare; 0: all, or 128 of long sequences.
  void add(std::string_view what, const Workload& workload, InputKind kind, std::int64_t samples);
  const std::vector<ParityCase>& cases() const { return cases_; }

 private:
  std::vector<ParityCase> cases_;
};

// The same tuple with other sizes, on two sequences and groups; of packed sequences five, one of them empty, all of
// them with as many keys as rows.
Workload resize_workload(const Workload& workload, std::int64_t S, std::int64_t S_kv, int n);

}  // namespace nsajit::templates
