// LaunchWatch: checks before, the launch (step by step where it is timed), checks and a comparison after.

#include "runtime/launch_watch.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/element_values.h"
#include "nsajit/dense_args.h"
#include "nsajit/error.h"
#include "nsajit/op.h"
#include "nsajit/scoring_args.h"
#include "nsajit/selection_args.h"
#include "nsajit/selection_check.h"
#include "runtime/causality_check.h"

namespace nsajit::runtime {
namespace {

template <class Args>
Args read_args(std::span<const std::byte> bytes) {
  Args args{};
  std::memcpy(&args, bytes.data(), std::min(bytes.size(), sizeof args));
  return args;
}

template <class Args>
std::span<const std::byte> as_bytes(const Args& args) {
  return std::as_bytes(std::span(&args, 1));
}

std::vector<std::int32_t> read_ints(Device& device, const int* from, std::int64_t count, Stream stream) {
  std::vector<std::int32_t> values(static_cast<std::size_t>(count));
  device.read(std::as_writable_bytes(std::span(values)), from, stream);
  return values;
}

// The sequences' beginnings, or nothing where they are not packed.
template <class Args>
std::vector<std::int32_t> read_starts(Device& device, const Args& args, Stream stream) {
  return args.cu_seqlens == nullptr ? std::vector<std::int32_t>{} : read_ints(device, args.cu_seqlens, args.B + 1, stream);
}

// What selection is given, or scoring has written, with copies that `sel` and `starts` keep.
template <class Args>
ChosenEntries read_entries(Device& device, const Problem& problem, const Args& args, Stream stream,
                           std::vector<std::int32_t>& sel, std::vector<std::int32_t>& starts) {
  starts = read_starts(device, args, stream);
  ChosenEntries chosen{.input = problem.input,
                       .l_sel = problem.l_sel,
                       .B = args.B,
                       .S = args.S,
                       .S_kv = args.S_kv,
                       .G = args.G,
                       .n = args.n,
                       .sel_b = args.sel_b,
                       .sel_s = args.sel_s,
                       .sel_g = args.sel_g,
                       .cu_seqlens = starts};
  sel = read_ints(device, args.sel, count_ints(chosen), stream);
  chosen.sel = sel;
  return chosen;
}

void refuse_future(const Workload& workload, const ChosenEntries& chosen) {
  const std::string found = find_future_entry(chosen);
  if (found.empty()) return;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("NSA_STRICT_ASSERTS: {}: {}: a row selects tokens that come after it", to_string(workload), found));
}

struct Difference {
  double mean = 0, largest = 0;
};

Difference find_difference(ElementType type, const std::vector<std::byte>& a, const std::vector<std::byte>& b) {
  const auto count = static_cast<std::int64_t>(a.size() / element_bytes(type));
  Difference difference;
  for (std::int64_t i = 0; i < count; ++i) {
    const double apart = std::abs(double{load_element(a.data(), type, i)} - load_element(b.data(), type, i));
    difference.mean += apart / static_cast<double>(count);
    if (!(apart <= difference.largest)) difference.largest = apart;  // NaN too
  }
  return difference;
}

ElementType storage_of(DType dtype) {
  return dtype == DType::BF16 ? ElementType::BF16 : dtype == DType::FP16 ? ElementType::FP16 : ElementType::FP32;
}

// O of one kernel on the caller's inputs, in memory of its own, dense.
template <class Args>
std::vector<std::byte> run_apart(Device& device, const ServedKernel& served, Args args, std::int64_t rows) {
  const Problem& problem = served.workload.problem;
  args.o_h = problem.dv, args.o_g = problem.group * args.o_h, args.o_s = args.G * args.o_g;
  args.o_b = args.cu_seqlens == nullptr ? args.S * args.o_s : 0;
  std::vector<std::byte> values(static_cast<std::size_t>(rows * args.o_s) * element_bytes(problem.dtype));
  const auto output = device.allocate(static_cast<std::int64_t>(values.size()));
  const auto workspace = device.allocate(served.plan.workspace_bytes);
  args.o = output->address();
  args.lse = nullptr;
  args.workspace = served.plan.workspace_bytes > 0 ? workspace->address() : nullptr;
  served.kernel->launch(served.plan, as_bytes(args), nullptr);
  device.synchronize();
  device.copy_out(values, *output);
  return values;
}

template <class Args>
Difference compare_outputs(Device& device, const ServedKernel& served, const ServedKernel& baseline,
                           std::span<const std::byte> bytes) {
  const auto args = read_args<Args>(bytes);
  const auto starts = read_starts(device, args, nullptr);
  const std::int64_t rows = starts.empty() ? args.B * args.S : starts.back();
  return find_difference(storage_of(served.workload.problem.dtype), run_apart(device, served, args, rows),
                         run_apart(device, baseline, args, rows));
}

bool has_attention(Branch branch) {
  return branch == Branch::Selection || branch == Branch::Sliding || branch == Branch::Compressed;
}

}  // namespace

std::unique_ptr<LaunchWatch> LaunchWatch::make(const Toggles& toggles, Device& device, BindBaseline bind_baseline) {
  if (!toggles.debug_timing && !toggles.debug_compare && !toggles.strict_asserts) return nullptr;
  return std::unique_ptr<LaunchWatch>(new LaunchWatch(toggles, device, std::move(bind_baseline)));
}

void LaunchWatch::launch(const ServedKernel& served, std::span<const std::byte> args, Stream stream) {
  if (device_.is_capturing(stream)) return served.kernel->launch(served.plan, args, stream);
  if (toggles_.strict_asserts) check_before(served, args, stream);
  device_.synchronize();  // what follows runs on the default stream
  if (toggles_.debug_timing)
    time_steps(served, args);
  else
    served.kernel->launch(served.plan, args, nullptr);
  device_.synchronize();
  if (toggles_.strict_asserts) check_after(served, args, stream);
  if (toggles_.debug_compare) compare(served, args);
}

void LaunchWatch::check_before(const ServedKernel& served, std::span<const std::byte> bytes, Stream stream) {
  const Problem& problem = served.workload.problem;
  if (problem.branch != Branch::Selection) return;
  const auto args = read_args<nsajit_selection_args>(bytes);
  std::vector<std::int32_t> sel, starts;
  const ChosenEntries chosen = read_entries(device_, problem, args, stream, sel, starts);
  check_selection_arguments(
      problem, args,
      {.backend = device_.target().backend, .workspace_bytes = served.plan.workspace_bytes, .sel = sel, .cu_seqlens = starts});
  refuse_future(served.workload, chosen);
}

void LaunchWatch::check_after(const ServedKernel& served, std::span<const std::byte> bytes, Stream stream) {
  const Problem& problem = served.workload.problem;
  if (problem.branch != Branch::Scoring) return;
  std::vector<std::int32_t> sel, starts;
  refuse_future(served.workload, read_entries(device_, problem, read_args<nsajit_scoring_args>(bytes), stream, sel, starts));
}

// Each step is a launch of its own here: packing and attention of the baseline show apart.
void LaunchWatch::time_steps(const ServedKernel& served, std::span<const std::byte> args) {
  const Problem& problem = served.workload.problem;
  const Unit unit = find_op(problem).unit(problem, served.decision.config, device_.target());
  std::vector<std::pair<std::string, double>> entries;  // steps of one entry are added up
  double host_us = 0;
  for (const LaunchStep& step : served.plan.steps) {
    const LaunchPlan one{.steps = {step}, .workspace_bytes = served.plan.workspace_bytes};
    const double time_us = device_.time_work_us([&](Stream stream) {
      const auto start = std::chrono::steady_clock::now();
      served.kernel->launch(one, args, stream);
      host_us += std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - start).count();
    });
    const std::string& name = unit.entries.at(static_cast<std::size_t>(step.entry));
    const auto known = std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.first == name; });
    if (known != entries.end())
      known->second += time_us;
    else
      entries.emplace_back(name, time_us);
  }
  std::string parts;
  double total_us = 0;
  for (const auto& [name, time_us] : entries) {
    parts += fmt::format("{}{} {:.1f}", parts.empty() ? "" : ", ", name, time_us);
    total_us += time_us;
  }
  log_.write(fmt::format("timing {}", to_string(problem.branch)),
             fmt::format("timing {}: {}: {:.1f} us ({}), {} launches, {:.1f} us of the host", to_string(served.workload),
                         to_string(served.decision.config), total_us, parts, served.plan.steps.size(), host_us));
}

void LaunchWatch::compare(const ServedKernel& served, std::span<const std::byte> args) {
  const Workload& workload = served.workload;
  const Branch branch = workload.problem.branch;
  if (!has_attention(branch) || served.decision.config == served.decision.baseline) return;
  const std::string what = fmt::format("compare {}: {}", to_string(workload), to_string(served.decision.config));
  try {
    const auto baseline = bind_baseline_(workload);
    const Difference difference = branch == Branch::Selection
                                      ? compare_outputs<nsajit_selection_args>(device_, served, *baseline, args)
                                      : compare_outputs<nsajit_dense_args>(device_, served, *baseline, args);
    log_.write(fmt::format("compare {}", to_string(branch)),
               fmt::format("{}: MAE {:.2e}, largest {:.2e} against packed SDPA", what, difference.mean, difference.largest));
  } catch (const Error& error) {
    // The launch itself is done: no memory for a second output, or frozen without the baseline, must not fail it.
    log_.write(fmt::format("compare {}", to_string(branch)), fmt::format("{}: not compared: {}", what, error.what()));
  }
}

}  // namespace nsajit::runtime
