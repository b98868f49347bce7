#pragma once
// Final race: the best of the search, the default and the baseline are timed once more, interleaved, so that drift
// and lucky outliers decide nothing; then the winner is chosen by a rule that noise does not flip.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/search.h"
#include "tuner/statistics.h"

namespace nsajit::tuner {

// Medians this close count as equal: the A/A spread of careful runs on one machine.
inline constexpr double kTieBand = 0.01;

struct Finalist {
  Summary summary;
  bool is_default = false;
  std::string config;  // fixed order among equals
};

// The fastest, unless others tie with it (intervals overlap, or medians within kTieBand): then the default, else the
// first by config text. Requires: `finalists` not empty.
std::size_t choose_winner(std::span<const Finalist> finalists);

struct FinalOutcome {
  std::optional<Tried> winner;    // nullopt: nothing passed
  std::optional<Tried> baseline;  // with its newest time; as in the search where it failed
};

FinalOutcome race_finalists(Tuning& tuning, const SearchOutcome& search);

}  // namespace nsajit::tuner
