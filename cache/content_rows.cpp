// ContentRows: row numbers become keys on the way out, and keys row numbers on the way in.

#include "cache/content_rows.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "cache/cache.h"
#include "cache/record_json.h"
#include "cache/row_check.h"
#include "cache/run_table.h"
#include "cache/sqlite_database.h"
#include "cache/threshold_table.h"
#include "cache/trial_table.h"
#include "cache/warn_once.h"
#include "cache/winner_table.h"

namespace nsajit::cache {
namespace {

// Which row of the file stands for a key.
struct RowNumbers {
  std::unordered_map<std::string, std::int64_t> runs;
  std::unordered_map<std::string, std::int64_t> trials;
};

struct Stored {
  Content content;
  RowNumbers rows;
};

void read_runs(SqliteDatabase& database, Stored& stored, std::unordered_map<std::int64_t, std::string>& keys) {
  for (const RunRecord& run : find_all_runs(database)) {
    const std::string key = run_key(run);
    keys[run.id] = key;
    stored.rows.runs[key] = run.id;
    take(stored.content, run);
  }
}

void read_trials(SqliteDatabase& database, WarnOnce& warnings, Stored& stored,
                 const std::unordered_map<std::int64_t, std::string>& runs, std::unordered_map<std::int64_t, std::string>& keys) {
  for (TrialRecord& record : find_all_trials(database, warnings)) {
    const std::int64_t id = record.id;
    const auto run = runs.find(record.run);
    if (run == runs.end()) continue;
    keys[id] = record.key;
    const std::string key = record.key;
    take(stored.content, KeyedTrial{std::move(record), find_parity_rows(database, id), run->second});
    if (stored.content.trials.at(key).record.id == id) stored.rows.trials[key] = id;
  }
}

void read_winners(SqliteDatabase& database, WarnOnce& warnings, Stored& stored,
                  const std::unordered_map<std::int64_t, std::string>& runs,
                  const std::unordered_map<std::int64_t, std::string>& trials) {
  for (WinnerRecord& record : find_all_winners(database, warnings)) {
    const auto run = runs.find(record.run);
    const auto trial = trials.find(record.trial);
    const auto baseline = trials.find(record.baseline_trial);
    if (run == runs.end() || trial == trials.end() || (record.baseline_trial != 0 && baseline == trials.end())) continue;
    take(stored.content, KeyedWinner{.record = std::move(record),
                                     .trial = trial->second,
                                     .baseline_trial = baseline == trials.end() ? "" : baseline->second,
                                     .run = run->second});
  }
}

// What it leaves out could not be imported anywhere.
template <typename Rows, typename FaultOf>
void leave_out_faulty(Rows& rows, std::string_view kind, WarnOnce& warnings, FaultOf&& fault_of) {
  std::erase_if(rows, [&](const auto& entry) {
    const Fault fault = fault_of(entry.second);
    if (!fault) return false;
    warnings.warn(fmt::format("{} of the content: {}", kind, *fault),
                  fmt::format("cache: a {} is left out: {}; `nsajit cache verify` names the row", kind, *fault));
    return true;
  });
}

void leave_out_faulty_rows(Content& content, WarnOnce& warnings) {
  const auto known = [&](const std::string& device, const std::string& run) {
    return content.devices.contains(device) && content.runs.contains(run);
  };
  leave_out_faulty(content.devices, "device", warnings, [](const DeviceRecord& row) { return find_fault(row); });
  leave_out_faulty(content.runs, "run", warnings, [&](const RunRecord& row) {
    return content.devices.contains(row.device) ? find_fault(row) : Fault("its device was left out");
  });
  leave_out_faulty(content.trials, "trial", warnings, [&](const KeyedTrial& row) {
    return known(row.record.device, row.run) ? find_fault(row) : Fault("its device or run was left out");
  });
  leave_out_faulty(content.winners, "winner", warnings, [&](const KeyedWinner& row) { return find_dangling_of(content, row); });
  leave_out_faulty(content.thresholds, "threshold", warnings, [&](const KeyedThreshold& row) {
    return known(row.record.device, row.run) ? find_fault(row.record) : Fault("its device or run was left out");
  });
}

Stored read_stored(SqliteDatabase& database, WarnOnce& warnings) {
  Stored stored;
  std::unordered_map<std::int64_t, std::string> runs;
  std::unordered_map<std::int64_t, std::string> trials;
  for (const DeviceRecord& device : find_all_devices(database)) take(stored.content, device);
  read_runs(database, stored, runs);
  read_trials(database, warnings, stored, runs, trials);
  read_winners(database, warnings, stored, runs, trials);
  for (ThresholdRecord& record : find_all_thresholds(database)) {
    const auto run = runs.find(record.run);
    if (run != runs.end()) take(stored.content, KeyedThreshold{std::move(record), run->second});
  }
  leave_out_faulty_rows(stored.content, warnings);
  return stored;
}

// The keys of `merged` whose row is not that of `old`, in the order of `rank`: the order in which they become rows.
template <typename Rows, typename Rank>
std::vector<const typename Rows::value_type*> find_news(const Rows& old, const Rows& merged, Rank rank) {
  std::vector<const typename Rows::value_type*> news;
  for (const auto& entry : merged) {
    const auto known = old.find(entry.first);
    if (known == old.end() || to_line(known->second) != to_line(entry.second)) news.push_back(&entry);
  }
  std::stable_sort(news.begin(), news.end(), [&](const auto* a, const auto* b) { return rank(a->second) < rank(b->second); });
  return news;
}

std::size_t store_runs(SqliteDatabase& database, const Content& old, const Content& merged, RowNumbers& rows) {
  const auto news = find_news(old.runs, merged.runs, [](const RunRecord& run) { return std::string_view(run.started_utc); });
  for (const auto* entry : news) {
    const auto known = rows.runs.find(entry->first);
    if (known == rows.runs.end()) {
      rows.runs[entry->first] = insert_run(database, entry->second);
    } else {
      set_run_finished(database, known->second, entry->second.finished_utc);
    }
  }
  return news.size();
}

std::size_t store_trials(SqliteDatabase& database, const Content& old, const Content& merged, RowNumbers& rows) {
  const auto news =
      find_news(old.trials, merged.trials, [](const KeyedTrial& trial) { return std::string_view(trial.record.created_utc); });
  for (const auto* entry : news) {
    TrialRecord record = entry->second.record;
    record.run = rows.runs.at(entry->second.run);
    rows.trials[entry->first] = insert_trial(database, record, entry->second.parity);
  }
  return news.size();
}

// As it is stored: of its trial, with row numbers.
WinnerRecord make_record(const KeyedWinner& winner, const Content& content, const RowNumbers& rows) {
  const TrialRecord& trial = content.trials.at(winner.trial).record;
  WinnerRecord record = winner.record;
  record.op = trial.op;
  record.problem = trial.problem;
  record.workload = trial.workload;
  record.device = trial.device;
  record.config = trial.config;
  record.trial = rows.trials.at(winner.trial);
  record.baseline_trial = winner.baseline_trial.empty() ? 0 : rows.trials.at(winner.baseline_trial);
  record.run = rows.runs.at(winner.run);
  return record;
}

// Winners that were left out of the content keep their rows.
void store_winners(SqliteDatabase& database, const Content& merged, const RowNumbers& rows, WarnOnce& warnings) {
  std::vector<WinnerRecord> wanted;
  for (const auto& [key, winner] : merged.winners) wanted.push_back(make_record(winner, merged, rows));
  std::stable_sort(wanted.begin(), wanted.end(), [](const auto& a, const auto& b) { return a.created_utc < b.created_utc; });
  std::vector<WinnerRecord> stored = find_all_winners(database, warnings);
  std::reverse(stored.begin(), stored.end());
  std::erase_if(stored, [&](const WinnerRecord& winner) { return !merged.winners.contains(winner.key); });
  if (stored == wanted) return;
  for (const WinnerRecord& winner : wanted) replace_winner(database, winner, warnings);
}

std::size_t store_thresholds(SqliteDatabase& database, const Content& old, const Content& merged, const RowNumbers& rows) {
  const auto news = find_news(old.thresholds, merged.thresholds,
                              [](const KeyedThreshold& row) { return std::string_view(row.record.created_utc); });
  for (const auto* entry : news) {
    ThresholdRecord record = entry->second.record;
    record.run = rows.runs.at(entry->second.run);
    replace_threshold(database, record);
  }
  return news.size();
}

}  // namespace

Content read_content(SqliteDatabase& database, WarnOnce& warnings) { return read_stored(database, warnings).content; }

MergeReport store_merged(SqliteDatabase& database, const Content& other, WarnOnce& warnings) {
  Stored stored = read_stored(database, warnings);
  const Content& old = stored.content;
  Content merged = old;
  merge(merged, other);

  MergeReport report;
  for (const auto* entry : find_news(old.devices, merged.devices, [](const DeviceRecord&) { return 0; })) {
    upsert_device(database, entry->second);
    ++report.devices;
  }
  report.runs = store_runs(database, old, merged, stored.rows);
  report.trials = store_trials(database, old, merged, stored.rows);
  report.winners = find_news(old.winners, merged.winners, [](const KeyedWinner&) { return 0; }).size();
  store_winners(database, merged, stored.rows, warnings);
  report.thresholds = store_thresholds(database, old, merged, stored.rows);
  return report;
}

}  // namespace nsajit::cache
