// Engine: the story of one tuning. Each stage is a file of its own: candidates, search, final_race, ladder.

#include "tuner/engine.h"

#include <optional>
#include <utility>

#include "cache/utc_time.h"
#include "core/assert.h"
#include "tuner/candidates.h"
#include "tuner/final_race.h"
#include "tuner/ladder.h"
#include "tuner/search.h"

namespace nsajit::tuner {
namespace {

// What an earlier run decided under the same key.
struct Stored {
  cache::WinnerRecord record;
  Tried winner;
  Tried baseline;
};

std::optional<Stored> find_stored(Tuning& tuning, const SearchKey& key);
cache::WinnerRecord make_winner(const Tuning& tuning, const SearchKey& key, const FinalOutcome& final, std::size_t tried);
std::optional<cache::ThresholdRecord> find_threshold(const Tuning& tuning, const cache::WinnerRecord& winner);
void count_stored_trials(Tuning& tuning);

}  // namespace

TuneReport tune(Engine& engine, const Workload& asked, const TuneOptions& options) {
  validate(asked);
  const Workload workload = canonical(engine.op, asked);
  const Stopwatch clock;
  const Target& target = engine.runner.target();
  Tuning tuning{engine, workload, options, make_candidates(engine.op, workload, target, engine.compiler.identity()), {}, {}};
  const SearchKey key = make_search_key(engine.op, workload, target, tuning.set, options);
  tuning.counts.candidates = static_cast<std::int64_t>(tuning.set.offered.size());

  TuneReport report;
  const auto finish = [&] {
    report.counts = tuning.counts;
    report.phases = tuning.phases;
    report.phases.total_s = clock.seconds();
    return std::move(report);
  };

  auto decided = options.fresh ? std::nullopt : find_stored(tuning, key);
  const bool stored = decided.has_value();
  if (stored) {
    count_stored_trials(tuning);
  } else {
    const SearchOutcome search = run_search(tuning);
    report.interrupted = search.interrupted || stop_requested(engine);
    if (report.interrupted) return finish();
    const FinalOutcome final = race_finalists(tuning, search);
    if (!final.winner) return finish();
    NSAJIT_ASSERT(final.baseline.has_value(), "the baseline is always tried");
    decided = Stored{make_winner(tuning, key, final, search.tried.size()), *final.winner, *final.baseline};
    engine.cache.store_winner(decided->record);
  }
  report.winner = decided->record;
  report.winner_trial = decided->winner.trial;

  if (engine.op.threshold_name(workload.problem).empty()) {
    report.from_cache = stored;
  } else if (const auto known = find_threshold(tuning, report.winner); stored && known) {
    report.threshold = *known;
    report.from_cache = true;
  } else if (decided->baseline.trial.status != cache::TrialStatus::Measured) {
    report.threshold = make_unknown_threshold(tuning);
    report.from_cache = stored;
  } else if (const auto fitted = climb_ladder(tuning, decided->winner, decided->baseline)) {
    engine.cache.store_threshold(*fitted);
    report.threshold = *fitted;
  } else {
    report.interrupted = true;
  }
  return finish();
}

namespace {

const Candidate* find_candidate(const CandidateSet& set, const std::string& config) {
  if (set.baseline.text == config) return &set.baseline;
  for (const auto& candidate : set.offered) {
    if (candidate.text == config) return &candidate;
  }
  return nullptr;
}

// A winner whose trials are gone, or are not of this space, is a miss: the search finds what is left of them.
std::optional<Stored> find_stored(Tuning& tuning, const SearchKey& key) {
  auto& cache = tuning.engine.cache;
  const auto record = cache.find_winner(key.digest);
  if (!record || record->key_text != key.text) return std::nullopt;
  auto winner = cache.find_trial(record->trial);
  auto baseline = cache.find_trial(tuning.set.baseline.trial_key.digest());
  if (!winner || !baseline) return std::nullopt;
  const Candidate* candidate = find_candidate(tuning.set, winner->config);
  if (candidate == nullptr) return std::nullopt;
  return Stored{*record, {candidate, std::move(*winner)}, {&tuning.set.baseline, std::move(*baseline)}};
}

cache::WinnerRecord make_winner(const Tuning& tuning, const SearchKey& key, const FinalOutcome& final, std::size_t tried) {
  const auto& trial = final.winner->trial;
  const auto& baseline = final.baseline->trial;
  const bool compared = baseline.status == cache::TrialStatus::Measured;
  return {
      .key = key.digest,
      .key_text = key.text,
      .op = trial.op,
      .problem = trial.problem,
      .workload = trial.workload,
      .device = trial.device,
      .config = trial.config,
      .trial = trial.id,
      .baseline_trial = compared ? baseline.id : 0,
      .run = tuning.engine.run,
      .time_us = trial.time_us,
      .baseline_us = compared ? baseline.time_us : 0,
      .candidates = static_cast<int>(tried),
      .created_utc = cache::utc_now(),
  };
}

// One that is older than the winner was fitted for another.
std::optional<cache::ThresholdRecord> find_threshold(const Tuning& tuning, const cache::WinnerRecord& winner) {
  const auto& engine = tuning.engine;
  const auto& problem = tuning.workload.problem;
  auto threshold = engine.cache.find_threshold(std::string(engine.op.threshold_name(problem)), winner);
  if (!threshold || threshold->run < winner.run || threshold->margin != tuning.options.margin) return std::nullopt;
  return threshold;
}

// So that a run that had nothing to do still says what its decision rests on.
void count_stored_trials(Tuning& tuning) {
  const auto count = [&](const Candidate& candidate) {
    const auto trial = tuning.engine.cache.find_trial(candidate.trial_key.digest());
    if (!trial) return;
    ++tuning.counts.reused;
    if (trial->status != cache::TrialStatus::Measured) ++tuning.counts.rejected;
  };
  for (const auto& candidate : tuning.set.offered) count(candidate);
  count(tuning.set.baseline);
}

}  // namespace
}  // namespace nsajit::tuner
