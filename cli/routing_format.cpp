// Routing format: three lines a workload, a fourth where nobody reads its output.

#include "cli/routing_format.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cli/tuple_text.h"

namespace nsajit::cli {
namespace {

std::string toggles_text(const Toggles& toggles) {
  std::string text;
  for (const auto& [name, value] : toggles.given) text += fmt::format("{}{}={}", text.empty() ? "" : " ", name, value);
  return text.empty() ? "none set" : text;
}

std::string grade_text(const runtime::Route& route) {
  const runtime::Decision& decision = route.decision;
  std::string text(route.tuned && decision.grade == runtime::Grade::Fallback ? "untuned" : to_string(decision.grade));
  if (decision.time_us > 0) text += fmt::format(", {:.4g} ms", decision.time_us / 1e3);
  return text;
}

std::string format_row(const RoutingRow& row) {
  std::string text = fmt::format("{}, {}\n", short_problem(row.workload.problem), short_workload(row.workload));
  if (!row.route) return text + fmt::format("    refused   {}\n", row.refused);
  const runtime::Route& route = *row.route;
  text += fmt::format("    {}  {}  ({})\n    because   {}\n", route.tuned ? "tuned   " : "baseline",
                      to_string(route.decision.config), grade_text(route), route.decision.why);
  if (!route.needed) text += "    unread    NSA_FORCE_BRANCH asks for another branch; nobody reads this one's output\n";
  return text;
}

nlohmann::json describe(const RoutingRow& row) {
  nlohmann::json json{{"workload", to_string(row.workload)}};
  if (!row.route) {
    json["served"] = nullptr;
    json["why"] = row.refused;
    return json;
  }
  const runtime::Decision& decision = row.route->decision;
  json["served"] = row.route->tuned ? "tuned" : "baseline";
  json["needed"] = row.route->needed;
  json["config"] = to_string(decision.config);
  json["grade"] = to_string(decision.grade);
  json["why"] = decision.why;
  json["time_us"] = decision.time_us;
  json["baseline_us"] = decision.baseline_us;
  json["threshold"] = decision.threshold;
  return json;
}

}  // namespace

std::string format_routing(const RoutingReport& report) {
  std::string text =
      fmt::format("device    {}\ncache     {}\ntoggles   {}\n", report.target.name, report.cache, toggles_text(report.toggles));
  for (const RoutingRow& row : report.rows) text.append("\n").append(format_row(row));
  return text;
}

std::string format_routing_json(const RoutingReport& report) {
  nlohmann::json toggles = nlohmann::json::object(), routes = nlohmann::json::array();
  for (const auto& [name, value] : report.toggles.given) toggles[name] = value;
  for (const RoutingRow& row : report.rows) routes.push_back(describe(row));
  const nlohmann::json json{{"device", to_string(report.target)},
                            {"cache", report.cache},
                            {"toggles", std::move(toggles)},
                            {"forced_branch", runtime::forced_branch(report.toggles)},
                            {"routes", std::move(routes)}};
  return json.dump(2) + "\n";
}

}  // namespace nsajit::cli
