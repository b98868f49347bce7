#pragma once
// DecodeOp: a whole decode step in one launch: compressed attention, scores and choice of blocks, selection, sliding window,
// gate. S is 1; sequences may have lengths of their own and lie in pages (decode_args.h).

#include "templates/common/backend_op.h"

namespace nsajit::templates {

class DecodeOp : public BackendOp {
 public:
  DecodeOp();

  bool serves(const Problem& problem, const Target& target) const override;
  std::optional<Config> untuned_config(const Workload& workload, const Target& target) const override;
  LaunchPlan plan(const Workload& workload, const Config& config, const Target& target) const override;

  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;
  std::vector<std::byte> case_arguments(const ParityCase& parity_case, std::span<void* const> tensors,
                                        void* workspace) const override;

  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  // The new position has no future; what lies behind it in the caches is NaN in all inputs.
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

  Work work(const Workload& workload) const override;
  std::optional<Prediction> predict(const Workload& workload, const Config& config, const Target& target) const override;
};

// What a step has to read of each group: compressed tokens, selected tokens, the window.
struct DecodeReads {
  std::int64_t compressed = 0, selected = 0, window = 0;
  std::int64_t total() const { return compressed + selected + window; }
};
// num_cmp + n * l_sel + min(w, S) of a sequence of `length` tokens: the count that decode benches expect.
DecodeReads expected_decode_reads(const Problem& problem, std::int64_t length, int n);
// What there is to read: blocks that do not exist, and tokens behind the position, are not.
DecodeReads actual_decode_reads(const Problem& problem, std::int64_t length, int n);

}  // namespace nsajit::templates
