#pragma once
// SlidingOp: sliding forward, attention of each query row over the last w tokens up to its own (arXiv 2502.11089, section
// 3.3.3), on K and V of the branch's own.

#include "templates/dense/dense_op.h"

namespace nsajit::templates {

class SlidingOp : public dense::DenseOp {
 public:
  SlidingOp() : DenseOp("sliding", Branch::Sliding) {}

  Problem canonical(const Problem& problem) const override;
  std::string_view threshold_name(const Problem& problem) const override;
  std::int64_t threshold_length(const Workload& workload) const override;  // keys of the last row's window

 protected:
  std::int64_t tokens_for(const Problem& problem, std::int64_t length) const override;
  std::vector<std::int64_t> turning_points(const Problem& problem) const override;
};

}  // namespace nsajit::templates
