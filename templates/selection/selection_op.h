#pragma once
// SelectionOp: selection forward, attention of each query row over the tokens of its selected blocks (arXiv
// 2502.11089, section 3.3.2). Joins the backends, inputs and reference of this folder behind Op.

#include "templates/common/backend_op.h"

namespace nsajit::templates {

class SelectionOp : public BackendOp {
 public:
  SelectionOp();

  Problem canonical(const Problem& problem) const override;
  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;

  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

  std::string_view threshold_name(const Problem& problem) const override;
  std::int64_t threshold_length(const Workload& workload) const override;
  std::vector<Workload> threshold_ladder(const Workload& workload) const override;
  Work work(const Workload& workload) const override;
  Work recorded_work(const Workload& workload, const Recordings& recordings) const override;
  std::optional<Prediction> predict(const Workload& workload, const Config& config, const Target& target) const override;
};

}  // namespace nsajit::templates
