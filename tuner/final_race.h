#pragma once
// Final race: the best of the search, the default and the baseline are timed once more, interleaved, so that drift
// and lucky outliers decide nothing; while the lead is not confirmed pair by pair, further races add rounds; then the
// winner is chosen by a rule that noise does not flip.

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
  std::string config;                // fixed order among equals
  std::vector<double> samples_us{};  // by round, with the others'; empty: only the summary is known
};

// The fastest, unless others tie with it: the time is within kTieBand of it, or not known to be longer, by the ratio
// within rounds where both have samples of the same rounds, else by medians and overlapping intervals. Of those that
// tie the default, else the first by config text. Requires: `finalists` not empty.
std::size_t choose_winner(std::span<const Finalist> finalists);

// Whether more rounds could separate the fastest from one that now ties with it only because the samples are few.
bool wants_more_rounds(std::span<const Finalist> finalists);

struct FinalOutcome {
  std::optional<Tried> winner;    // nullopt: nothing passed
  std::optional<Tried> baseline;  // with its newest time; as in the search where it failed
};

FinalOutcome race_finalists(Tuning& tuning, const SearchOutcome& search);

}  // namespace nsajit::tuner
