#pragma once
// The decode step, by backend.

#include <optional>
#include <string>

#include "templates/common/backend_op.h"

namespace nsajit::templates::decode {

extern const BackendFunctions kCpuFunctions;
// One kernel for every SM (decode_single), and the same spread over clusters of CTAs from SM 90 on (decode_cluster).
extern const BackendFunctions kCudaFunctions;

// Why CUDA has no kernel for a problem; empty: it has.
std::string find_obstacle(const Problem& problem, const Target& target);
// For sizes that nothing was tuned for: as many CTAs as there are processors, and what measured best with so many. nullopt: of
// the configs known to be good none fits.
std::optional<Config> choose_config(const Workload& workload, const Target& target);

}  // namespace nsajit::templates::decode
