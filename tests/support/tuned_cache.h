#pragma once
// TunedCache: a cache file with what tuning runs of FakeOp on FakeDevice leave behind.

#include <cstdint>
#include <optional>
#include <string>

#include "cache/cache.h"
#include "core/digest.h"
#include "nsajit/config.h"
#include "nsajit/workload.h"
#include "tests/support/fake_device.h"
#include "tests/support/temporary_folder.h"

namespace nsajit::testing {

inline Config tuned(int tile, int stages = 2) {
  return {.variant = "query_major", .values = {{"fault", 0}, {"stages", stages}, {"tile", tile}}};
}

inline Workload sized(std::int64_t S, int n = 16) { return Workload{.S = S, .S_kv = S, .n = n}; }

struct Stored {
  Workload workload = sized(1024);
  Config config = tuned(32);
  double time_us = 50;
  double baseline_us = 100;
  std::string device = to_string(fake_target());
};

struct TunedCache {
  TemporaryFolder folder;
  cache::Cache cache = cache::Cache::open(folder.path() + "/cache.db", cache::OpenMode::ReadWrite);
  std::int64_t run = cache.begin_run({.command = "test", .device = to_string(fake_target())});

  void store(const Stored& stored, const std::optional<cache::BinaryRecord>& binary = std::nullopt) {
    cache::TrialRecord trial{.op = "selection",
                             .problem = to_string(stored.workload.problem),
                             .workload = to_string(stored.workload),
                             .device = stored.device,
                             .config = to_string(stored.config),
                             .time_us = stored.time_us,
                             .samples = 9,
                             .run = run};
    trial.key_text = trial.workload + trial.config + trial.device;
    trial.key = digest_text(trial.key_text);
    if (binary) trial.kernel_key = binary->kernel_key;
    const std::int64_t id = cache.store_trial(trial, {{.parity_case = "random", .tensor = "o", .passed = true}}, binary);
    cache::WinnerRecord winner{.op = trial.op,
                               .problem = trial.problem,
                               .workload = trial.workload,
                               .device = trial.device,
                               .config = trial.config,
                               .trial = id,
                               .run = run,
                               .time_us = stored.time_us,
                               .baseline_us = stored.baseline_us,
                               .candidates = 8};
    winner.key_text = winner.workload + winner.device;
    winner.key = digest_text(winner.key_text);
    cache.store_winner(winner);
  }

  void store_threshold(std::int64_t value, const std::string& ladder_json = "[]") {
    cache::ThresholdRecord threshold{.name = "NSA_SEL_TRITON_MIN_L",
                                     .problem = to_string(Problem{}),
                                     .device = to_string(fake_target()),
                                     .value = value,
                                     .ladder_json = ladder_json,
                                     .run = run};
    threshold.key = digest_text(threshold.problem);
    cache.store_threshold(threshold);
  }
};

}  // namespace nsajit::testing
