#pragma once
// BackendOp: an operation that answers for each backend with that backend's functions. What the operations share of Op;
// inputs, reference and cases are their own.

#include <string>
#include <string_view>

#include "nsajit/op.h"

namespace nsajit::templates {

// Variant name of the baseline's config, the same for every operation and backend.
inline constexpr const char* kPackedSdpa = "packed_sdpa";

// The functions of one backend, with the contracts of Op. The problem is valid and supported.
struct BackendFunctions {
  SearchSpace (*space)(const Problem&, const Target&);
  Config (*default_config)(const Problem&, const Target&);
  Config (*baseline_config)(const Problem&, const Target&);
  Unit (*unit)(const Problem&, const Config&, const Target&);
  LaunchPlan (*plan)(const Workload&, const Config&, const Target&);
};

class BackendOp : public Op {
 public:
  // Requires: `name` and the functions outlive the operation.
  BackendOp(std::string_view name, Branch branch, const BackendFunctions& cpu, const BackendFunctions& cuda)
      : name_(name), branch_(branch), cpu_(cpu), cuda_(cuda) {}

  std::string_view name() const override { return name_; }
  bool supports(const Problem& problem) const override;

  SearchSpace space(const Problem& problem, const Target& target) const override;
  Config default_config(const Problem& problem, const Target& target) const override;
  Config baseline_config(const Problem& problem, const Target& target) const override;
  Unit unit(const Problem& problem, const Config& config, const Target& target) const override;
  LaunchPlan plan(const Workload& workload, const Config& config, const Target& target) const override;

 protected:
  void check_problem(const Problem& problem) const;

 private:
  const BackendFunctions& backend(const Problem& problem, const Target& target) const;

  std::string_view name_;
  Branch branch_;
  const BackendFunctions& cpu_;
  const BackendFunctions& cuda_;
};

}  // namespace nsajit::templates
