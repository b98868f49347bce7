#pragma once
// FrozenRunner: stands in for a runner in frozen mode. It has the target by which results are found, and refuses to
// gate or time anything.

#include <memory>

#include "tuner/trial_runner.h"

namespace nsajit::tuner {

// run() and race() throw Error{Frozen} that names the workload and says what to do.
std::unique_ptr<TrialRunner> make_frozen_runner(std::unique_ptr<TrialRunner> runner);

}  // namespace nsajit::tuner
