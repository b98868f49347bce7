// A candidate that hangs, crashes or loses its worker in the middle of a sweep costs its own trial and no other.

#include <catch2/catch_all.hpp>

#include <chrono>
#include <csignal>
#include <thread>

#include "tests/mutants/faults.h"
#include "tests/mutants/mutant_templates.h"

using namespace nsajit::testing;
using nsajit::cache::TrialStatus;

namespace {

constexpr const char* kRowCount = "const long long rows = args->B * args->S * args->G;";
constexpr double kEndlessSeconds = 8;  // more processor time than a trial of this size takes
const std::string kSweep = "--device cpu --max-trials 6 --problem 'fp32,dk=32,dv=32,group=4,l_sel=64,n_sel=4;S=48,S_kv=256,G=2'";

// Faults where the tile is of 64 keys: one of the candidates, neither the default nor the baseline.
FaultyTemplate with_fault(const std::string& statement) {
  return {.edit = {"selection/selection_cpu.cpp", kRowCount,
                   std::string(kRowCount) + "\n  if (nsajit_field_tile == 64) " + statement},
          .marks = {"query_major{", "tile=64,"}};
}

FaultyTemplate endless() { return with_fault("for (volatile int forever = 1; forever;) {\n  }"); }

// Kills the worker once it has been at one and the same trial for longer than a trial takes.
pid_t kill_worker_in_mid_trial(Tuning& tuning) {
  std::size_t stored = 0;
  double before = 0;
  while (tuning.running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const auto worker = tuning.find_worker();
    if (!worker) continue;
    const double taken = processor_seconds(*worker);
    const std::size_t now_stored = tuning.trials().size();
    if (now_stored != stored) before = taken;
    stored = now_stored;
    if (stored > 0 && taken - before > kEndlessSeconds && kill(*worker, SIGKILL) == 0) return *worker;
  }
  return -1;
}

}  // namespace

TEST_CASE("a CPU kernel that never ends is recorded as a hang and the sweep goes on", "[slow]") {
  const TemporaryFolder templates;
  write_cpu_templates(templates.path(), endless().edit);
  const TuningOutcome outcome = tune_with(templates.path(), kSweep + " --worker-timeout 2");
  print_trials("a CPU kernel that never ends, --worker-timeout 2", outcome);
  CHECK(find_fault_objections(endless(), TrialStatus::Hang, "no answer within 2 s", outcome) == std::vector<std::string>{});
}

TEST_CASE("a CPU kernel that writes to no address is recorded as a crash and the sweep goes on", "[slow]") {
  const FaultyTemplate faulty = with_fault("*reinterpret_cast<volatile int*>(8) = 1;");
  const TemporaryFolder templates;
  write_cpu_templates(templates.path(), faulty.edit);
  const TuningOutcome outcome = tune_with(templates.path(), kSweep);
  print_trials("a CPU kernel that writes to address 8", outcome);
  CHECK(find_fault_objections(faulty, TrialStatus::Crash, "signal 11", outcome) == std::vector<std::string>{});
}

TEST_CASE("a worker killed from outside is recorded as a crash and the sweep goes on", "[slow]") {
  const TemporaryFolder templates;
  write_cpu_templates(templates.path(), endless().edit);
  Tuning tuning(templates.path(), kSweep + " --worker-timeout 120");
  CHECK(kill_worker_in_mid_trial(tuning) > 0);
  const TuningOutcome outcome = tuning.wait();
  print_trials("kill -9 of the worker in mid-trial", outcome);
  CHECK(find_fault_objections(endless(), TrialStatus::Crash, "signal 9", outcome) == std::vector<std::string>{});
}
