#pragma once
// Mutant: a real template with one deliberate mistake, made by replacing a piece of its text. The piece has to occur
// exactly once, so that a mutant cannot silently become the original when the template changes.

#include <string>
#include <string_view>
#include <vector>

#include "cache/records.h"

namespace nsajit::testing {

struct Edit {
  std::string file;  // below templates/: "selection/row.cuh"
  std::string find;
  std::string replace;
};

struct Mutant {
  std::string name;  // the mistake
  Edit edit;
  std::vector<std::string> hits;                           // beginnings of the texts of the configs that run the edited code
  std::string tuple;                                       // a small workload on which the mistake shows
  cache::TrialStatus status = cache::TrialStatus::Parity;  // how it has to be rejected
};

// `text` with the edit made. Throws std::runtime_error where the pattern does not occur exactly once.
std::string apply_edit(std::string_view text, const Edit& edit);

bool is_hit(const Mutant& mutant, std::string_view config);

const std::vector<Mutant>& cpu_mutants();
const std::vector<Mutant>& cuda_mutants();
std::vector<Mutant> cuda_kv_mutants();       // of these, those of the KV-major variants
std::vector<Mutant> cuda_scoring_mutants();  // and those of scoring

}  // namespace nsajit::testing
