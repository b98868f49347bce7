#pragma once
// Routing format: what would serve each workload and why, as text for people and as JSON.

#include <optional>
#include <string>
#include <vector>

#include "core/toggles.h"
#include "nsajit/target.h"
#include "runtime/policy.h"

namespace nsajit::cli {

struct RoutingRow {
  Workload workload;
  std::optional<runtime::Route> route;
  std::string refused;  // why there is none: no kernel of the device or build serves it
};

struct RoutingReport {
  Target target;
  std::string cache;  // the file
  Toggles toggles;
  std::vector<RoutingRow> rows;
};

std::string format_routing(const RoutingReport& report);
std::string format_routing_json(const RoutingReport& report);

}  // namespace nsajit::cli
