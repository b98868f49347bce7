// Verify: one pass per table. Faults are row_check.h's, the same that an import is refused for.

#include "cache/verify.h"

#include <unordered_map>
#include <utility>

#include <fmt/format.h>

#include "cache/binary_table.h"
#include "cache/row_check.h"
#include "cache/run_table.h"
#include "cache/sqlite_database.h"
#include "cache/threshold_table.h"
#include "cache/trial_table.h"
#include "cache/winner_table.h"

namespace nsajit::cache {
namespace {

constexpr const char* kRescue =
    "move the file away; `nsajit cache export` may still read its decisions, and `nsajit cache import` puts them into a new file";
constexpr const char* kTuneAgain = "it is not used; `nsajit tune` of its tuple makes it anew";
constexpr const char* kHarmless = "it only describes; nothing is served from it";

class Verification {
 public:
  explicit Verification(SqliteDatabase& database) : database_(database) {}

  VerifyReport run() {
    attempt("the file", [&] { check_structure(); });
    attempt("the references", [&] { check_references(); });
    attempt("the devices", [&] { check_devices(); });
    attempt("the runs", [&] { check_runs(); });
    attempt("the trials", [&] { check_trials(); });
    attempt("the winners", [&] { check_winners(); });
    attempt("the thresholds", [&] { check_thresholds(); });
    attempt("the binaries", [&] { check_binaries(); });
    return std::move(report_);
  }

 private:
  template <typename Check>
  void attempt(const std::string& what, Check&& check) {
    try {
      check();
    } catch (const SqliteFailure& failure) { add(what, fmt::format("cannot be read: {}", failure.what()), kRescue); }
  }

  void add(std::string row, std::string fault, std::string remedy) {
    report_.findings.push_back({std::move(row), std::move(fault), std::move(remedy)});
  }

  void judge(const std::string& row, const Fault& fault, const char* remedy) {
    ++report_.rows;
    if (fault) add(row, *fault, remedy);
  }

  void check_structure();
  void check_references();
  void check_devices();
  void check_runs();
  void check_trials();
  void check_winners();
  void check_thresholds();
  void check_binaries();

  SqliteDatabase& database_;
  VerifyReport report_;
  std::unordered_map<std::int64_t, KeyedTrial> trials_;  // that a winner may name: measured ones
};

void Verification::check_structure() {
  Statement row = database_.prepare("PRAGMA integrity_check");
  while (row.step()) {
    const std::string answer = row.text();
    if (answer != "ok") add("file", fmt::format("SQLite's integrity check: {}", answer), kRescue);
  }
}

void Verification::check_references() {
  Statement row = database_.prepare("SELECT \"table\", rowid, parent FROM pragma_foreign_key_check");
  while (row.step()) {
    const std::string table = row.text();
    const auto id = row.integer();
    add(fmt::format("{} {}", table, id), fmt::format("it points at a row of {} that is not there", row.text()), kTuneAgain);
  }
}

void Verification::check_devices() {
  for (const DeviceRecord& device : find_all_devices(database_)) {
    judge(fmt::format("device '{}'", device.device), find_fault(device), kHarmless);
  }
}

void Verification::check_runs() {
  for (const RunRecord& run : find_all_runs(database_)) judge(fmt::format("run {}", run.id), find_fault(run), kHarmless);
}

void Verification::check_trials() {
  for (TrialRecord& record : find_trials_as_stored(database_)) {
    const std::int64_t id = record.id;
    KeyedTrial trial{std::move(record), find_parity_rows(database_, id), ""};
    judge(fmt::format("trial {}", id), find_fault(trial), kTuneAgain);
    if (trial.record.status == TrialStatus::Measured) trials_.emplace(id, std::move(trial));
  }
}

void Verification::check_winners() {
  for (const WinnerRecord& winner : find_winners_as_stored(database_)) {
    const auto trial = trials_.find(winner.trial);
    const auto baseline = trials_.find(winner.baseline_trial);
    Fault fault;
    if (trial == trials_.end()) {
      fault = fmt::format("its trial {} is not measured", winner.trial);
    } else if (winner.baseline_trial != 0 && baseline == trials_.end()) {
      fault = fmt::format("its baseline trial {} is not measured", winner.baseline_trial);
    } else {
      fault = find_fault(winner, trial->second, baseline == trials_.end() ? nullptr : &baseline->second);
    }
    judge(fmt::format("winner {}", winner.key), fault, kTuneAgain);
  }
}

void Verification::check_thresholds() {
  for (const ThresholdRecord& threshold : find_all_thresholds(database_)) {
    const std::string& of = threshold.workload.empty() ? threshold.problem : threshold.workload;
    judge(fmt::format("threshold {} of {} on {}", threshold.name, of, threshold.device), find_fault(threshold),
          "tune its tuple again, or set the variable of this name");
  }
}

void Verification::check_binaries() {
  for (const std::string& key : find_binary_keys(database_)) {
    judge(fmt::format("binary {}", key), find_binary_fault(database_, key),
          "it is not used, and compiled again when it is wanted");
  }
}

}  // namespace

VerifyReport verify_rows(SqliteDatabase& database) { return Verification(database).run(); }

}  // namespace nsajit::cache
