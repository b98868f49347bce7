// routing: what the runtime would serve for each workload under the toggles of this environment, and why.

#include <memory>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "cache/cache.h"
#include "cli/routing_format.h"
#include "cli/session.h"
#include "cli/tuple_options.h"
#include "nsajit/error.h"
#include "runtime/device.h"

namespace nsajit::cli {
namespace {

struct RoutingSettings {
  TupleOptions tuples;
  std::string device = "auto";
  std::string profile;
  std::string cache;
  bool json = false;
};

bool names_tuples(const TupleOptions& tuples) {
  return !tuples.sweep_path.empty() || !tuples.problem_text.empty() || !tuples.selection_path.empty() || !tuples.fields.empty();
}

// One of each operation, at sizes that users run.
std::vector<Workload> usual_workloads() {
  std::vector<Workload> workloads;
  for (const Op* op : all_ops())
    workloads.push_back({.problem = {.branch = parse_branch(op->name())}, .S = 8192, .S_kv = 8192, .G = 4});
  return workloads;
}

// "arch=89", "89": the SM alone, without the chip.
Target read_profile(const std::string& text) {
  constexpr std::string_view kField = "arch=";
  return cuda_profile(text.starts_with(kField) ? text.substr(kField.size()) : text);
}

// What a decode kernel has to do with nsajit_forward.
std::string forward_note(const Toggles& toggles) {
  const std::string_view apart = runtime::reason_apart(toggles);
  return apart.empty() ? "; serves nsajit_forward of one query, too"
                       : fmt::format("; nsajit_forward of one query is five launches: {}", apart);
}

RoutingRow find_route(const Workload& workload, const Target& target, cache::Cache& cache, const Toggles& toggles) {
  try {
    const Op& op = find_op(workload.problem);
    RoutingRow row{
        .workload = workload,
        .route = runtime::choose_route(op, workload, target, runtime::find_decision(op, workload, target, cache), toggles)};
    if (workload.problem.branch == Branch::Decode) row.route->decision.why += forward_note(toggles);
    return row;
  } catch (const Error& error) {
    if (error.code() != ErrorCode::Unsupported) throw;
    return {.workload = workload, .refused = error.what()};
  }
}

ExitCode run_routing(const Session& session, const RoutingSettings& settings) {
  RoutingReport report{.cache = settings.cache, .toggles = read_toggles()};
  report.target = settings.profile.empty() ? runtime::make_device(settings.device, session.environment)->target()
                                           : read_profile(settings.profile);
  auto cache = cache::Cache::open(settings.cache, cache::OpenMode::ReadOnly);
  const std::vector<Workload> workloads =
      names_tuples(settings.tuples) ? read_tuples(settings.tuples).workloads : usual_workloads();
  for (const Workload& workload : workloads) report.rows.push_back(find_route(workload, report.target, cache, report.toggles));
  fmt::print("{}", settings.json ? format_routing_json(report) : format_routing(report));
  return ExitCode::Done;
}

}  // namespace

void add_routing(CLI::App& app, Session& session) {
  auto* command = app.add_subcommand("routing", "Says what serves each branch under the NSA_* toggles that are set, and why");
  command->footer(
      "Examples:\n  NSA_FORCE_PARITY=1 nsajit routing --device cpu\n  nsajit routing --profile arch=89 --sweep "
      "sweeps/users.toml\n"
      "Without a tuple: one of each branch at usual sizes. What the toggles mean: docs/routing.md");
  const auto settings = std::make_shared<RoutingSettings>();
  add_tuple_options(*command, settings->tuples, TupleSource::OneTupleOrSweep);
  add_device_option(*command, settings->device);
  command->add_option("--profile", settings->profile, "An SM in place of a device: arch=89; nothing is measured on it");
  add_cache_option(*command, settings->cache, session);
  command->add_flag("--json", settings->json, "Print JSON");
  command->callback([&session, settings] { session.result = run_routing(session, *settings); });
}

}  // namespace nsajit::cli
