// SampleRecords: see sample_records.h.

#include "tests/cache/sample_records.h"

#include "core/digest.h"

namespace nsajit::cache {
namespace {

// Texts as the nouns print them: what is exported or verified has to parse back.
constexpr const char* kProblem = "selection,forward,bf16,dk=64,dv=64,l=32,d=16,l_sel=64,n_sel=16,w=512,group=16,grouped,ranges";
constexpr const char* kWorkload =
    "selection,forward,bf16,dk=64,dv=64,l=32,d=16,l_sel=64,n_sel=16,w=512,group=16,grouped,ranges;"
    "B=1,S=1024,S_kv=1024,G=2,n=4,overlap=0";
constexpr const char* kDevice = "cuda;name=NVIDIA H200;arch=90a;processors=132;memory=140GiB;l2=51200KiB;features=none";

}  // namespace

CacheKey sample_kernel_key(const std::string& config) {
  return {.op = "selection",
          .problem = kProblem,
          .config = config,
          .arch = "90a",
          .cpu_features = "+avx2",
          .closure = "0123456789abcdef0123456789abcdef",
          .generator_version = 3,
          .compiler = "nvrtc",
          .compiler_version = "13.0",
          .compiler_options = "--std=c++20",
          .format_version = 1};
}

TrialKey sample_trial_key(const std::string& config) {
  return {.kernel = sample_kernel_key(config),
          .workload = kWorkload,
          .device = kDevice,
          .driver_version = 13000,
          .gate_version = 2,
          .measure_version = 5};
}

RunRecord sample_run() {
  return {.command = "nsajit tune --sweep quick.toml",
          .device = kDevice,
          .nsajit_version = "0.1.0",
          .started_utc = "2026-01-31T17:05:09Z",
          .toolchain = "nvrtc 13.0 --std=c++20"};
}

TrialRecord sample_trial(std::int64_t run, const std::string& config) {
  const TrialKey key = sample_trial_key(config);
  return {.key = key.digest(),
          .key_text = key.text(),
          .kernel_key = key.kernel.digest(),
          .op = "selection",
          .problem = kProblem,
          .workload = kWorkload,
          .device = kDevice,
          .config = config,
          .status = TrialStatus::Measured,
          .log = "ptxas info: 64 registers\nsecond line",
          .time_us = 12.5,
          .low_us = 12.25,
          .high_us = 13.75,
          .samples = 25,
          .sm_mhz = 1980,
          .memory_mhz = 3201,
          .registers = 64,
          .smem_bytes = 49152,
          .spill_bytes = 8,
          .compile_ms = 170.5,
          .parity_ms = 33.25,
          .measure_ms = 44.125,
          .run = run,
          .created_utc = "2026-01-31T17:06:10Z"};
}

TrialRecord sample_baseline(std::int64_t run) {
  TrialRecord trial = sample_trial(run, "packed_sdpa{}");
  trial.baseline = true;
  trial.time_us = 50;
  trial.low_us = 49;
  trial.high_us = 51;
  return trial;
}

TrialRecord sample_failure(std::int64_t run, TrialStatus status) {
  TrialRecord trial = sample_trial(run, "query_major{warps=32}");
  trial.status = status;
  trial.reason = "for the test";
  trial.time_us = trial.low_us = trial.high_us = 0;
  trial.samples = 0;
  return trial;
}

std::vector<ParityRecord> sample_parity() {
  const ParityRecord output{.parity_case = "random S=193 seed=1",
                            .tensor = "o",
                            .max_error = 0.001,
                            .mean_error = 0.0001,
                            .l2_error = 0.002,
                            .max_allowed = 0.01,
                            .mean_allowed = 0.005,
                            .l2_allowed = 0.02,
                            .passed = true};
  ParityRecord lse = output;
  lse.tensor = "lse";
  lse.max_error = 0.009;
  return {output, lse};
}

BinaryRecord sample_binary(const std::string& config) {
  const CacheKey key = sample_kernel_key(config);
  BinaryRecord binary{.kernel_key = key.digest(),
                      .key_text = key.text(),
                      .backend = "cuda",
                      .arch = "90a",
                      .entries_json = R"([{"name":"attend"}])",
                      .log = "compiled",
                      .compile_ms = 170.5};
  // Neither all alike nor random, so that the frame holds literals and matches.
  for (int i = 0; i < 20000; ++i) binary.code.push_back(static_cast<std::byte>((i * i) >> (i % 7)));
  return binary;
}

WinnerRecord sample_winner(const TrialRecord& trial, const std::string& search) {
  const std::string text = "workload=" + trial.workload + "\nsearch=" + search + "\n";
  return {.key = digest_text(text),
          .key_text = text,
          .op = trial.op,
          .problem = trial.problem,
          .workload = trial.workload,
          .device = trial.device,
          .config = trial.config,
          .trial = trial.id,
          .run = trial.run,
          .time_us = 11.5,
          .baseline_us = 50.25,
          .candidates = 42,
          .created_utc = "2026-01-31T18:00:00Z"};
}

ThresholdRecord sample_threshold(std::int64_t run) {
  return {.name = "NSA_SEL_TRITON_MIN_L",
          .problem = kProblem,
          .workload = kWorkload,
          .device = kDevice,
          .key = "fedcba9876543210fedcba9876543210",
          .value = 256,
          .margin = 1.25,
          .ladder_json = R"([{"length":64,"time_us":9.5,"baseline_us":8.0}])",
          .run = run,
          .created_utc = "2026-01-31T18:01:00Z"};
}

DeviceRecord sample_device() {
  return {.device = kDevice,
          .name = "NVIDIA H200",
          .backend = "cuda",
          .arch = "90a",
          .processors = 132,
          .memory_bytes = 150'000'000'000,
          .l2_bytes = 52'428'800,
          .features = ""};
}

TrialRecord store_gated_trial(Cache& cache, std::int64_t run, const std::string& config) {
  TrialRecord trial = sample_trial(run, config);
  trial.id = cache.store_trial(trial, sample_parity(), std::nullopt);
  return trial;
}

}  // namespace nsajit::cache
