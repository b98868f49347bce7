#pragma once
// ScoringOp: probabilities of the compressed branch summed to scores of selection blocks, and the best n of each row (arXiv
// 2502.11089, equations 8 to 12), as block indices or ranges. Nothing of size rows x keys or rows x blocks is stored.

#include "templates/common/backend_op.h"

namespace nsajit::templates {

class ScoringOp : public BackendOp {
 public:
  ScoringOp();

  Problem canonical(const Problem& problem) const override;
  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  // With the log-sum-exp of the compressed branch, as a forward pass hands it on; parity cases are mostly without.
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;
  std::vector<std::byte> case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                        void* workspace) const override;

  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

  // The tuned kernels form ranges the vectorised way, the baseline row by row: the threshold says from which S on.
  std::string_view threshold_name(const Problem& problem) const override;
  std::int64_t threshold_length(const Workload& workload) const override;
  std::vector<Workload> threshold_ladder(const Workload& workload) const override;
  Work work(const Workload& workload) const override;
  std::optional<Prediction> predict(const Workload& workload, const Config& config, const Target& target) const override;
};

}  // namespace nsajit::templates
