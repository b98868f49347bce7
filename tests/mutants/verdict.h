#pragma once
// Verdict: what the product made of a mutant. Prints one line per mutant and variant, for the report of a run.

#include <string>
#include <vector>

#include "tests/mutants/mutant.h"
#include "tests/mutants/tuning.h"

namespace nsajit::testing {

// What is wrong with how a mutant was received; empty where each of its configs that was tried was rejected as it has
// to be, for a reason that names the tensor, and none of them won.
std::vector<std::string> find_objections(const Mutant& mutant, const TuningOutcome& outcome);

// "[mutants] <device> | <mutant> | <variant> | <status> | <reason>"
void print_verdict(const char* device, const Mutant& mutant, const TuningOutcome& outcome);

}  // namespace nsajit::testing
