#pragma once
// PoolingOp: compressed K and V as means of their blocks of l raw tokens, every d: for host apps without a learned
// compressor. It has no threshold: its baseline computes the same, so whatever won is served.

#include "templates/common/backend_op.h"

namespace nsajit::templates {

class PoolingOp : public BackendOp {
 public:
  PoolingOp();

  Problem canonical(const Problem& problem) const override;
  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;

  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

  Work work(const Workload& workload) const override;
  std::optional<Prediction> predict(const Workload& workload, const Config& config, const Target& target) const override;
};

}  // namespace nsajit::templates
