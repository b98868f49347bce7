// RouteLog: see the header.

#include "runtime/route_log.h"

#include <fmt/format.h>

#include "core/log.h"

namespace nsajit::runtime {

void RouteLog::write(const Workload& workload, const Route& route) {
  if (!enabled_) return;
  const std::int64_t line = ++lines_[workload.problem.branch];
  if (limit_ && line > *limit_) return;
  log_info(fmt::format("route {}: {} {}: {}{}", to_string(workload), route.tuned ? "tuned" : "baseline",
                       to_string(route.decision.config), route.decision.why,
                       limit_ && line == *limit_ ? " (NSA_LOG_LIMIT reached)" : ""));
}

}  // namespace nsajit::runtime
