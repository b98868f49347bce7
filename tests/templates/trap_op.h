#pragma once
// Trap op: selection with traps as its parity cases, and with its tensors laid out as callers may have them. Everything
// else is the operation's own, so kernels compiled for the one run under the other. The gate sees no difference.

#include "nsajit/op.h"
#include "tests/templates/trap.h"

namespace nsajit::templates_test {

enum class TensorForm {
  Dense,       // as the operation lays them out
  Strided,     // every input padded in every dimension (with NaN, or with block 0), outputs in the order [B,G,S,h,dv]
  WithoutLse,  // the log-sum-exp is not asked for
};

class TrapOp final : public Op {
 public:
  TrapOp(const Problem& problem, std::vector<Trap> traps, TensorForm form)
      : inner_(find_op(problem)), traps_(std::move(traps)), form_(form) {}

  std::string_view name() const override { return inner_.name(); }
  bool supports(const Problem& problem) const override { return inner_.supports(problem); }
  SearchSpace space(const Problem& p, const Target& t) const override { return inner_.space(p, t); }
  Config default_config(const Problem& p, const Target& t) const override { return inner_.default_config(p, t); }
  Config baseline_config(const Problem& p, const Target& t) const override { return inner_.baseline_config(p, t); }
  Unit unit(const Problem& p, const Config& c, const Target& t) const override { return inner_.unit(p, c, t); }
  LaunchPlan plan(const Workload& w, const Config& c, const Target& t) const override { return inner_.plan(w, c, t); }
  std::string_view threshold_name(const Problem& problem) const override { return inner_.threshold_name(problem); }
  std::int64_t threshold_length(const Workload& workload) const override { return inner_.threshold_length(workload); }
  std::vector<Workload> threshold_ladder(const Workload& workload) const override { return inner_.threshold_ladder(workload); }
  Work work(const Workload& workload) const override { return inner_.work(workload); }

  std::vector<TensorSpec> tensors(const Workload& workload) const override;
  std::vector<std::byte> arguments(const Workload& workload, std::span<void* const> tensors, void* workspace) const override;
  std::vector<HostTensor> make_inputs(const Workload& workload, const InputRecipe& recipe) const override;
  std::vector<ParityCase> parity_cases(const Workload& workload) const override;
  Reference reference(const ParityCase& parity_case, std::span<const HostTensor> inputs) const override;
  RowSlice output_row(const Workload& workload, std::string_view tensor, std::int64_t row) const override;
  std::vector<HostTensor> change_future(const Workload& workload, std::span<const HostTensor> inputs,
                                        std::int64_t position) const override;

 private:
  std::vector<HostTensor> to_form(const Workload& workload, std::vector<HostTensor> dense) const;
  std::vector<HostTensor> from_form(const Workload& workload, std::span<const HostTensor> inputs) const;

  const Op& inner_;
  std::vector<Trap> traps_;
  TensorForm form_;
};

}  // namespace nsajit::templates_test
