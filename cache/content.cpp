// Content: the order of each kind of row, and the union.

#include "cache/content.h"

#include <utility>

#include <fmt/format.h>

#include "cache/record_json.h"
#include "core/digest.h"

namespace nsajit::cache {
namespace {

// Compares the texts only where the rest ties: most rows that meet are equal or differ in their first field.
template <typename Row, typename Rank>
bool beats(const Row& row, const Row& other, Rank rank) {
  if (rank(row) != rank(other)) return rank(row) > rank(other);
  return to_line(row) < to_line(other);
}

template <typename Rows, typename Key, typename Row, typename Rank>
void take_best(Rows& rows, const Key& key, const Row& row, Rank rank) {
  const auto [place, fresh] = rows.try_emplace(key, row);
  if (!fresh && beats(row, place->second, rank)) place->second = row;
}

}  // namespace

std::string run_key(const RunRecord& run) {
  RunRecord begun = run;
  begun.finished_utc.clear();
  return digest_text(to_line(begun));
}

ThresholdKey threshold_key(const ThresholdRecord& threshold) {
  return {threshold.name, threshold.problem, threshold.workload, threshold.device};
}

void take(Content& content, const DeviceRecord& device) {
  take_best(content.devices, device.device, device, [](const DeviceRecord& row) { return !row.name.empty(); });
}

void take(Content& content, const RunRecord& run) {
  take_best(content.runs, run_key(run), run, [](const RunRecord& row) { return std::string_view(row.finished_utc); });
}

void take(Content& content, const KeyedTrial& trial) {
  take_best(content.trials, trial.record.key, trial,
            [](const KeyedTrial& row) { return std::pair(row.record.samples, std::string_view(row.record.created_utc)); });
}

void take(Content& content, const KeyedWinner& winner) {
  take_best(content.winners, winner.record.key, winner,
            [](const KeyedWinner& row) { return std::pair(row.record.candidates, std::string_view(row.record.created_utc)); });
}

void take(Content& content, const KeyedThreshold& threshold) {
  take_best(content.thresholds, threshold_key(threshold.record), threshold,
            [](const KeyedThreshold& row) { return std::string_view(row.record.created_utc); });
}

void merge(Content& content, const Content& other) {
  for (const auto& [key, device] : other.devices) take(content, device);
  for (const auto& [key, run] : other.runs) take(content, run);
  for (const auto& [key, trial] : other.trials) take(content, trial);
  for (const auto& [key, winner] : other.winners) take(content, winner);
  for (const auto& [key, threshold] : other.thresholds) take(content, threshold);
}

Content keep_decisions(const Content& content) {
  std::map<std::pair<std::string, std::string>, const KeyedWinner*> latest;
  for (const auto& [key, winner] : content.winners) {
    const TrialRecord& trial = content.trials.at(winner.trial).record;
    const KeyedWinner*& known = latest[{trial.workload, trial.device}];
    if (known == nullptr || known->record.created_utc < winner.record.created_utc) known = &winner;
  }
  Content kept{.devices = content.devices, .runs = {}, .trials = {}, .winners = {}, .thresholds = content.thresholds};
  const auto keep_run = [&](const std::string& key) {
    if (const auto run = content.runs.find(key); run != content.runs.end()) kept.runs.insert(*run);
  };
  for (const auto& [workload, winner] : latest) {
    kept.winners.emplace(winner->record.key, *winner);
    keep_run(winner->run);
    for (const std::string& key : {winner->trial, winner->baseline_trial}) {
      if (key.empty()) continue;
      KeyedTrial trial = content.trials.at(key);
      trial.record.log.clear();
      keep_run(trial.run);
      kept.trials.emplace(key, std::move(trial));
    }
  }
  for (const auto& [key, threshold] : kept.thresholds) keep_run(threshold.run);
  return kept;
}

}  // namespace nsajit::cache
