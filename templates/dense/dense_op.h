#pragma once
// DenseOp: attention over an unbroken range of keys, what the sliding and the compressed branch have in common. A branch
// adds its threshold and the lengths at which its rows change.

#include "templates/common/backend_op.h"

namespace nsajit::templates::dense {

class DenseOp : public BackendOp {
 public:
  DenseOp(std::string_view name, Branch branch);

  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;

  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

  // The same queries at the ends of sequences of growing length.
  std::vector<Workload> threshold_ladder(const Workload& workload) const override;
  Work work(const Workload& workload) const override;
  std::optional<Prediction> predict(const Workload& workload, const Config& config, const Target& target) const override;

 protected:
  // Tokens of the shortest sequence whose last row has `length` keys, as the threshold counts them.
  virtual std::int64_t tokens_for(const Problem& problem, std::int64_t length) const = 0;
  // Lengths of a sequence around which rows begin to see another number of keys than the row before.
  virtual std::vector<std::int64_t> turning_points(const Problem& problem) const = 0;
};

}  // namespace nsajit::templates::dense
