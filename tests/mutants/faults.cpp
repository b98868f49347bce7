// Faults: the rules by which a sweep counts as having gone on.

#include "tests/mutants/faults.h"

#include <algorithm>
#include <cstdio>
#include <sstream>

#include <fmt/format.h>

namespace nsajit::testing {

bool is_faulty(const FaultyTemplate& faulty, const std::string& config) {
  return std::ranges::all_of(faulty.marks, [&](const std::string& mark) { return config.find(mark) != std::string::npos; });
}

std::vector<std::string> find_fault_objections(const FaultyTemplate& faulty, cache::TrialStatus status, const std::string& words,
                                               const TuningOutcome& outcome) {
  std::vector<std::string> objections;
  bool faulted = false;
  bool went_on = false;
  for (const auto& trial : outcome.trials) {
    const bool expected = is_faulty(faulty, trial.config);
    const bool as_usual = trial.status == cache::TrialStatus::Measured || trial.status == cache::TrialStatus::Resources;
    const bool as_fault = trial.status == status && trial.reason.find(words) != std::string::npos;
    if (expected ? !as_fault : !as_usual) objections.push_back(describe(trial));
    went_on = went_on || (faulted && trial.status == cache::TrialStatus::Measured);
    faulted = faulted || expected;
  }
  if (!faulted) objections.push_back("no faulty config was tried");
  if (faulted && !went_on) objections.push_back("nothing was measured after the fault");
  if (outcome.exit_code != 0) objections.push_back(fmt::format("tune exited with {}, not 0", outcome.exit_code));
  if (outcome.winners.size() != 1) objections.push_back(fmt::format("{} winners, not 1", outcome.winners.size()));
  for (const auto& winner : outcome.winners)
    if (is_faulty(faulty, winner.config)) objections.push_back("won with " + winner.config);
  return objections;
}

void print_trials(const std::string& what, const TuningOutcome& outcome) {
  fmt::print("[faults] {}\n", what);
  for (const auto& trial : outcome.trials) fmt::print("[faults]   {}\n", describe(trial));
  std::istringstream said(outcome.output);
  for (std::string line; std::getline(said, line);)
    if (line.find("the worker is gone") != std::string::npos || line.find("the new worker") != std::string::npos)
      fmt::print("[faults]   {}\n", line);
  fmt::print("[faults]   exit code {}, {} winner, {:.1f} s\n", outcome.exit_code, outcome.winners.size(), outcome.seconds);
  std::fflush(stdout);
}

}  // namespace nsajit::testing
