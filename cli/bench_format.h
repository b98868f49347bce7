#pragma once
// Bench format: a benchmark's result as a table for people, as JSON with every sample, and as the CSV that users parse.

#include <string>

#include "cli/bench_result.h"

namespace nsajit::cli {

// The header that users' scripts expect, unchanged since they were written.
inline constexpr const char* kBenchCsvHeader = "mode,N,H,D,Dv,L,nspans,streams,tri_ms,ref_ms,speedup,mae";

std::string format_bench_table(const BenchCase& bench_case);
// Predicted beside measured, a line per kernel; "-" where the model does not know the kernel or the device.
std::string format_bench_predictions(const BenchCase& bench_case);
// One line per measured kernel that is not the baseline. mode: its first role; N: rows (b, s, g), each of which selects
// for itself; H: query heads of such a row; L: selected tokens per row; nspans: entries per row; streams: 1.
std::string format_bench_csv(const BenchRun& run);
std::string format_bench_json(const BenchRun& run);

}  // namespace nsajit::cli
