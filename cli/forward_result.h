#pragma once
// Forward result: what a benchmark of whole forward passes found, as plain values, and how it is printed: a row for people,
// JSON with every sample, and the length from which sparse attention wins.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codegen/compiler.h"
#include "nsajit/target.h"
#include "nsajit/workload.h"
#include "tuner/measure.h"

namespace nsajit::cli {

// Names of contenders that the table has a place for, in its order.
inline constexpr const char* kForwardColumns[] = {"cmp", "score", "sel", "win", "gate", "forward", "beside", "dense"};

struct ForwardContender {
  std::string name;    // "forward": all parts on one stream. "beside": sliding on a second one. "dense": without sparsity
  std::string kernel;  // config and grade, or empty: several kernels
  tuner::Timing timing;
};

struct ForwardRow {
  Workload workload;  // tuple and sizes; its branch says nothing
  std::vector<ForwardContender> contenders;
  std::int64_t workspace_bytes = 0;  // of the pass on one stream: all that it needs beside its inputs and o
  std::int64_t beside_bytes = 0;     // with a second stream; 0: there is none
  std::int64_t tensor_bytes = 0;     // inputs, o and gates
};

struct ForwardRun {
  Target target;
  codegen::CompilerIdentity compiler;
  std::string nsajit_version, command, created_utc;
  int rounds = 0;
  std::vector<ForwardRow> rows;
};

// nullptr: not measured.
const ForwardContender* find_contender(const ForwardRow& row, std::string_view name);
// Of the ways to run the whole pass: forward, beside, fused.
const ForwardContender* find_fastest_pass(const ForwardRow& row);
// Its median, and how many times as long dense attention takes; 0 where one was not measured.
double forward_us(const ForwardRow& row);
double dense_ratio(const ForwardRow& row);
// The largest of the contenders' spreads, half of the median's 95 % interval, in percent of the median.
double worst_spread(const ForwardRow& row);

// Of rows that differ in length alone: the smallest S from which the pass is faster than dense attention at that and every
// longer one. nullopt: it is not even at the longest.
std::optional<std::int64_t> find_winning_length(const std::vector<ForwardRow>& rows);

// A line per tuple of the rows: from which length it wins. Tuples in their order.
std::string format_winning_lengths(const std::vector<ForwardRow>& rows);
std::string format_forward_heading();
std::string format_forward_row(const ForwardRow& row);
std::string format_forward_json(const ForwardRun& run);

}  // namespace nsajit::cli
