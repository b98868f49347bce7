#pragma once
// Measurement: times of kernels that passed the gate. Warm-up, then rounds in which every kernel runs once
// with a cold last-level cache, in an order that rotates from round to round so that drift hits all alike. Rounds that
// drift all the same (a device that still warms up) are taken once more.

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "nsajit/op.h"
#include "runtime/device.h"
#include "tuner/statistics.h"

namespace nsajit::tuner {

// Bumped when times are taken otherwise or on other inputs: older ones are measured anew. 2: rows share the asked share.
inline constexpr int kMeasureVersion = 2;

struct MeasureOptions {
  int warmup = 2;
  int rounds = 15;             // samples per kernel
  double min_rounds_us = 0;    // more rounds until this much device time per kernel was spent
  double max_total_us = 20e6;  // stop after this much wall time, never below 3 rounds
};

struct Timing {
  Summary summary;
  std::vector<double> samples_us;  // by round: those of contenders measured together are pairs
  int sm_mhz = 0;                  // at the end; 0 = not known
  int memory_mhz = 0;
  std::string disturbance;  // empty: none seen; "drifts by +3.1 % over the rounds", "power cap"
};

struct Contender {
  const runtime::Kernel* kernel = nullptr;
  LaunchPlan plan;
  std::vector<std::byte> args;
};

// One Timing per contender, in order.
std::vector<Timing> measure_interleaved(runtime::Device& device, std::span<const Contender> contenders,
                                        const MeasureOptions& options);

// The same of work that is more than one kernel. Runs it once and answers its device time in microseconds.
using TimedRun = std::function<double()>;
std::vector<Timing> measure_interleaved(runtime::Device& device, std::span<const TimedRun> contenders,
                                        const MeasureOptions& options);

}  // namespace nsajit::tuner
