#pragma once
// Records: the rows of the cache as plain values, one struct per table. Field meanings are the schema's:
// docs/cache_format.md.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace nsajit::cache {

struct RunRecord {  // one invocation of `tune`
  std::int64_t id = 0;
  std::string command;  // as typed
  std::string device;   // to_string(Target)
  std::string nsajit_version;
  std::string started_utc;   // ISO 8601
  std::string finished_utc;  // empty while running or after a crash
  std::string toolchain;     // compiler name, version, options
  bool operator==(const RunRecord&) const = default;
};

enum class TrialStatus : std::uint8_t {
  Measured,  // passed the gate and was timed
  CompileError,
  CompileTimeout,
  Resources,
  Launch,
  IllegalAccess,
  Hang,
  OutOfMemory,
  Parity,
  Crash,
};
std::string_view to_string(TrialStatus status);
std::optional<TrialStatus> find_trial_status(std::string_view text);
TrialStatus parse_trial_status(std::string_view text);  // throws Error{InvalidArgument} listing the words

struct TrialRecord {
  std::int64_t id = 0;
  std::string key;  // TrialKey::digest
  std::string key_text;
  std::string kernel_key;  // CacheKey::digest
  std::string op;
  std::string problem;
  std::string workload;
  std::string device;
  std::string config;
  bool baseline = false;
  TrialStatus status = TrialStatus::Measured;
  std::string reason;  // empty when measured
  std::string log;     // compiler's or driver's, whole
  double time_us = 0;  // median
  double low_us = 0;   // robust interval
  double high_us = 0;
  int samples = 0;
  int sm_mhz = 0;
  int memory_mhz = 0;
  int registers = 0;
  int smem_bytes = 0;
  int spill_bytes = 0;
  double compile_ms = 0;
  double parity_ms = 0;
  double measure_ms = 0;
  std::int64_t run = 0;
  std::string created_utc;
  bool operator==(const TrialRecord&) const = default;
};

struct ParityRecord {  // one row per parity case and output tensor of a trial
  std::int64_t trial = 0;
  std::string parity_case;
  std::string tensor;
  double max_error = 0, mean_error = 0, l2_error = 0;
  double max_allowed = 0, mean_allowed = 0, l2_allowed = 0;
  bool passed = false;
  std::string reason;
  bool operator==(const ParityRecord&) const = default;
};

struct WinnerRecord {
  std::string key;  // op + problem + workload + device + search identity, digest
  std::string key_text;
  std::string op, problem, workload, device, config;
  std::int64_t trial = 0;  // the trial it won with
  std::int64_t baseline_trial = 0;
  std::int64_t run = 0;
  double time_us = 0;
  double baseline_us = 0;
  int candidates = 0;  // configs considered
  std::string created_utc;
  bool operator==(const WinnerRecord&) const = default;
};

// A length at which a winner and packed SDPA were raced.
struct LadderPoint {
  std::int64_t length = 0;
  double time_us = 0;  // of the winner; 0: it failed there
  double baseline_us = 0;
  bool operator==(const LadderPoint&) const = default;
};

struct ThresholdRecord {
  std::string name;  // NSA_SEL_TRITON_MIN_L, ...
  std::string problem;
  std::string workload;  // whose sizes it was fitted at; empty: of a file that did not say it yet
  std::string device;
  std::string key;  // what it was fitted from, digest
  std::int64_t value = -1;
  double margin = 1.2;
  std::string ladder_json;  // [{"length":64,"time_us":..,"baseline_us":..}, ...]
  std::int64_t run = 0;
  std::string created_utc;
  bool operator==(const ThresholdRecord&) const = default;
};

struct BinaryRecord {
  std::string kernel_key;
  std::string key_text;
  std::string backend, arch;
  std::vector<std::byte> code;  // stored compressed
  std::string entries_json;     // names and resources
  std::string log;
  double compile_ms = 0;
  bool operator==(const BinaryRecord&) const = default;
};

struct DeviceRecord {
  std::string device;  // to_string(Target), the identity
  std::string name, backend, arch;
  int processors = 0;
  std::int64_t memory_bytes = 0, l2_bytes = 0;
  std::string features;
  bool operator==(const DeviceRecord&) const = default;
};

struct AliasRecord {        // said by the user
  std::string model;        // device name that is served ...
  std::string measured_on;  // ... by what was measured on this one
  std::string created_utc;
  bool operator==(const AliasRecord&) const = default;
};

}  // namespace nsajit::cache
