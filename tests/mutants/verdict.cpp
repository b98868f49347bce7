// Verdict: the rules by which a mutant counts as caught.

#include "tests/mutants/verdict.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include <fmt/format.h>

namespace nsajit::testing {
namespace {

// A candidate whose registers spill, say, never got as far as the gate: it shows nothing of a mutant. Others take its place.
bool reached_the_gate(const cache::TrialRecord& trial) { return trial.status != cache::TrialStatus::Resources; }

bool was_tried(const TuningOutcome& outcome, const std::string& beginning) {
  return std::ranges::any_of(outcome.trials,
                             [&](const auto& trial) { return reached_the_gate(trial) && trial.config.starts_with(beginning); });
}

// A parity rejection is "<case>: <tensor>: <what>", and the stored rows of the trial say the same.
bool names_its_tensor(const cache::TrialRecord& trial, const TuningOutcome& outcome) {
  return std::ranges::any_of(outcome.failed_parity, [&](const cache::ParityRecord& row) {
    return row.trial == trial.id && !row.tensor.empty() && !row.reason.empty() &&
           trial.reason.find(fmt::format("{}: {}: {}", row.parity_case, row.tensor, row.reason)) != std::string::npos;
  });
}

std::string find_objection(const Mutant& mutant, const cache::TrialRecord& trial, const TuningOutcome& outcome) {
  // What is wrong may lie outside of the tensors, too.
  const bool outside = mutant.status == cache::TrialStatus::Parity && trial.status == cache::TrialStatus::IllegalAccess;
  if (trial.status != mutant.status && !outside)
    return fmt::format("is \"{}\", not \"{}\": {}", cache::to_string(trial.status), cache::to_string(mutant.status),
                       describe(trial));
  if (trial.reason.empty()) return fmt::format("is rejected without a reason: {}", trial.config);
  if (trial.status == cache::TrialStatus::Parity && !names_its_tensor(trial, outcome))
    return fmt::format("is rejected without naming a tensor: {}", describe(trial));
  return {};
}

std::string variant_of(const std::string& config) { return config.substr(0, config.find('{')); }

}  // namespace

std::vector<std::string> find_objections(const Mutant& mutant, const TuningOutcome& outcome) {
  std::vector<std::string> objections;
  for (const std::string& beginning : mutant.hits)
    if (!was_tried(outcome, beginning)) objections.push_back(fmt::format("no config {}... was tried", beginning));
  bool all_hit = true;
  for (const auto& trial : outcome.trials) {
    const bool hit = is_hit(mutant, trial.config);
    all_hit = all_hit && (hit || trial.baseline);
    const std::string objection = hit && reached_the_gate(trial) ? find_objection(mutant, trial, outcome) : std::string();
    if (!objection.empty()) objections.push_back(objection);
  }
  for (const auto& winner : outcome.winners)
    if (is_hit(mutant, winner.config)) objections.push_back("won with " + winner.config);
  if (all_hit && !outcome.winners.empty()) objections.push_back("there is a winner, though every candidate is wrong");
  if (all_hit && outcome.exit_code != 1) objections.push_back(fmt::format("tune exited with {}, not 1", outcome.exit_code));
  return objections;
}

void print_verdict(const char* device, const Mutant& mutant, const TuningOutcome& outcome) {
  std::set<std::string> shown;
  for (const auto& trial : outcome.trials) {
    if (!is_hit(mutant, trial.config) || !shown.insert(variant_of(trial.config)).second) continue;
    fmt::print("[mutants] {} | {} | {} | {} | {}\n", device, mutant.name, variant_of(trial.config),
               cache::to_string(trial.status), trial.reason);
  }
  std::fflush(stdout);
}

}  // namespace nsajit::testing
