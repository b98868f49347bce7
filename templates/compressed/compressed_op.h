#pragma once
// CompressedOp: compressed forward, attention of each query row over the compressed tokens that end at or before it (arXiv
// 2502.11089, section 3.3.1). Its K and V have one row per compressed token.

#include "templates/dense/dense_op.h"

namespace nsajit::templates {

class CompressedOp : public dense::DenseOp {
 public:
  CompressedOp() : DenseOp("compressed", Branch::Compressed) {}

  Problem canonical(const Problem& problem) const override;
  std::string_view threshold_name(const Problem& problem) const override;
  std::int64_t threshold_length(const Workload& workload) const override;  // compressed tokens of a sequence

 protected:
  std::int64_t tokens_for(const Problem& problem, std::int64_t length) const override;
  std::vector<std::int64_t> turning_points(const Problem& problem) const override;
};

}  // namespace nsajit::templates
