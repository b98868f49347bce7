// SampleContent: see sample_content.h.

#include "tests/cache/sample_content.h"

#include <random>
#include <string>

#include <fmt/format.h>

#include "tests/cache/sample_records.h"

namespace nsajit::cache {
namespace {

std::string day(std::uint64_t number) { return fmt::format("2026-02-{:02}T12:00:00Z", 1 + number % 28); }

KeyedTrial sample_keyed_trial(const TrialRecord& record, const std::string& run, std::mt19937_64& random) {
  KeyedTrial trial{.record = record, .parity = sample_parity(), .run = run};
  trial.record.time_us = 10 + static_cast<double>(random() % 1000) / 7;
  trial.record.low_us = trial.record.time_us * 0.99;
  trial.record.high_us = trial.record.time_us * 1.01;
  trial.record.samples = random() % 2 == 0 ? 7 : 25;
  trial.record.created_utc = day(random());
  return trial;
}

KeyedTrial sample_keyed_failure(const std::string& config, const std::string& run, std::mt19937_64& random) {
  KeyedTrial trial{.record = sample_failure(1, TrialStatus::Hang), .run = run};
  const TrialKey key = sample_trial_key(config);
  trial.record.config = config;
  trial.record.key = key.digest();
  trial.record.key_text = key.text();
  trial.record.kernel_key = key.kernel.digest();
  trial.record.created_utc = day(random());
  return trial;
}

}  // namespace

Content sample_content(const ContentShape& shape) {
  std::mt19937_64 random(shape.seed);
  Content content;
  take(content, sample_device());
  RunRecord run = sample_run();
  run.started_utc = day(shape.seed);
  run.finished_utc = day(shape.seed + 1);
  take(content, run);
  const std::string run_of_all = run_key(run);

  const KeyedTrial baseline = sample_keyed_trial(sample_baseline(1), run_of_all, random);
  take(content, baseline);
  for (int i = 0; i < shape.trials; ++i) {
    const std::string config = fmt::format("query_major{{warps={}}}", i);
    const bool wins = i < shape.winners;
    const bool fails = !wins && random() % 5 == 0;
    const KeyedTrial trial = fails ? sample_keyed_failure(config, run_of_all, random)
                                   : sample_keyed_trial(sample_trial(1, config), run_of_all, random);
    take(content, trial);
    if (!wins) continue;
    WinnerRecord winner = sample_winner(trial.record, std::to_string(i));
    winner.op = winner.problem = winner.workload = winner.device = winner.config = "";
    winner.candidates = 40 + static_cast<int>(random() % 3);
    winner.created_utc = day(random());
    take(content, KeyedWinner{winner, trial.record.key, baseline.record.key, run_of_all});
  }
  ThresholdRecord threshold = sample_threshold(1);
  threshold.created_utc = day(random());
  threshold.value = static_cast<std::int64_t>(64 * (1 + random() % 8));
  take(content, KeyedThreshold{threshold, run_of_all});
  return content;
}

}  // namespace nsajit::cache
