// FrozenRunner: see the header.

#include "tuner/frozen_runner.h"

#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::tuner {
namespace {

[[noreturn]] void refuse(const Workload& workload) {
  throw Error(ErrorCode::Frozen,
              fmt::format("cannot measure {}: its results are not in the cache, and frozen mode never measures; "
                          "tune without --frozen and NSAJIT_FROZEN, or name a cache that holds them",
                          to_string(workload)));
}

class FrozenRunner final : public TrialRunner {
 public:
  explicit FrozenRunner(std::unique_ptr<TrialRunner> runner) : runner_(std::move(runner)) {}

  const Target& target() const override { return runner_->target(); }
  TrialResult run(const TrialRequest& request) override { refuse(request.workload); }
  RaceResult race(const Workload& workload, std::span<const RaceEntry>, const MeasureOptions&) override { refuse(workload); }

 private:
  const std::unique_ptr<TrialRunner> runner_;
};

}  // namespace

std::unique_ptr<TrialRunner> make_frozen_runner(std::unique_ptr<TrialRunner> runner) {
  return std::make_unique<FrozenRunner>(std::move(runner));
}

}  // namespace nsajit::tuner
