#pragma once
// Faults: a real template that hangs or crashes for some configs only, and whether a tuning outlived them.

#include <string>
#include <vector>

#include "tests/mutants/mutant.h"
#include "tests/mutants/tuning.h"

namespace nsajit::testing {

struct FaultyTemplate {
  Edit edit;
  std::vector<std::string> marks;  // all of them are in the text of a config that faults, and in no other's
};

bool is_faulty(const FaultyTemplate& faulty, const std::string& config);

// What is wrong with how a tuning went; empty where the faulty trials were recorded as `status` with a reason that
// contains `words`, all others were judged as usual, some of them after a fault, and a winner was found.
std::vector<std::string> find_fault_objections(const FaultyTemplate& faulty, cache::TrialStatus status, const std::string& words,
                                               const TuningOutcome& outcome);

// "[faults] <config> <status> <reason>" for every trial, and how the run ended.
void print_trials(const std::string& what, const TuningOutcome& outcome);

}  // namespace nsajit::testing
