// RouteLog: see the header.

#include "runtime/route_log.h"

#include <fmt/format.h>

namespace nsajit::runtime {

void RouteLog::write(const Workload& workload, const Route& route) {
  if (!enabled_) return;
  log_.write(fmt::format("route {}", to_string(workload.problem.branch)),
             fmt::format("route {}: {} {}: {}", to_string(workload), route.tuned ? "tuned" : "baseline",
                         to_string(route.decision.config), route.decision.why));
}

}  // namespace nsajit::runtime
