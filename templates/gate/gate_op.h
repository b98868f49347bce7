#pragma once
// GateOp: the sum of the branches' outputs, each times its gate. It has no threshold: its baseline computes the same in the
// same pass, so whatever won is served.

#include "templates/common/backend_op.h"
#include "templates/gate/gate_rows.h"

namespace nsajit::templates {

class GateOp : public BackendOp {
 public:
  // `gates`: what its launches have; a kernel takes both.
  explicit GateOp(gate::GateStorage gates = gate::GateStorage::Element);

  Problem canonical(const Problem& problem) const override;
  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;
  std::vector<std::byte> case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                        void* workspace) const override;

  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

  Work work(const Workload& workload) const override;
  std::optional<Prediction> predict(const Workload& workload, const Config& config, const Target& target) const override;

 private:
  gate::GateStorage gates_;
};

}  // namespace nsajit::templates
