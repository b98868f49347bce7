// parity: runs the gate for one kernel on a device and prints every figure with its limit.

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cli/config_kernel.h"
#include "cli/session.h"
#include "cli/text_table.h"
#include "cli/tuple_options.h"
#include "cli/tuple_text.h"
#include "codegen/compiler.h"
#include "nsajit/error.h"
#include "runtime/device.h"
#include "tuner/parity.h"

namespace nsajit::cli {
namespace {

struct ParitySettings {
  TupleOptions tuples;
  std::string device = "auto";
  std::string config;
  bool baseline = false;
};

Config pick_config(const Op& op, const Problem& problem, const Target& target, const ParitySettings& settings) {
  if (settings.baseline) return op.baseline_config(problem, target);
  if (settings.config.empty()) return op.default_config(problem, target);
  const Config config = parse_config(settings.config);
  if (const auto violation = op.space(problem, target).find_violation(config)) {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("config {} is not in the space of this tuple and target: {}", settings.config, *violation));
  }
  return config;
}

std::string describe_figure(double error, double allowed) { return fmt::format("{:.2e} / {:.2e}", error, allowed); }

void print_report(const tuner::ParityReport& report) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& verdict : report.verdicts) {
    rows.push_back({verdict.parity_case, verdict.tensor, describe_figure(verdict.error.max_abs, verdict.allowed.max_abs),
                    describe_figure(verdict.error.mean_abs, verdict.allowed.mean_abs),
                    describe_figure(verdict.error.relative_l2, verdict.allowed.relative_l2),
                    verdict.passed ? "passed" : verdict.reason});
  }
  fmt::print("{}", format_text_table(
                       {"case", "tensor", "max error / allowed", "mean error / allowed", "L2 error / allowed", "verdict"}, rows));
  fmt::print("{}\n", report.passed ? "passed" : "failed: " + report.reason);
}

ExitCode run_parity(const Session& session, const ParitySettings& settings) {
  const auto [workload, recordings] = read_tuple(settings.tuples);
  const Op& op = find_op(workload.problem);
  const auto device = runtime::make_device(settings.device, session.environment);
  const Config config = pick_config(op, workload.problem, device->target(), settings);
  fmt::print("{}, {}\n{} on {}\n", short_problem(workload.problem), short_workload(workload), to_string(config),
             device->target().name);
  const auto compiler = codegen::make_compiler(device->target().backend, session.environment);
  const auto kernel = load_config(*device, *compiler, op, workload.problem, config);
  tuner::ParityChecker checker(op, *device, &recordings);
  const auto report = checker.check(workload, config, *kernel);
  print_report(report);
  return report.passed ? ExitCode::Done : ExitCode::Rejected;
}

}  // namespace

void add_parity(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("parity", "Runs the parity gate for one kernel and prints its figures");
  command->footer(
      "Examples:\n  nsajit parity --dtype fp32 --dk 64 --dv 64 --group 6 --S 256 --S-kv 1024\n"
      "  nsajit parity --device cuda:0 --dk 128 --dv 128 --group 4 --S 8192 --G 8 --baseline\n"
      "  nsajit parity --dk 128 --dv 128 --group 4 --selection layer7.npy");
  const auto settings = std::make_shared<ParitySettings>();
  add_tuple_options(*command, settings->tuples, TupleSource::OneTuple);
  add_device_option(*command, settings->device);
  auto* config = command->add_option("--config", settings->config, "This config instead of the default: query_major{...}");
  command->add_flag("--baseline", settings->baseline, "The packed-SDPA baseline instead")->excludes(config);
  command->callback([&session, settings] { session.result = run_parity(session, *settings); });
}

}  // namespace nsajit::cli
