#pragma once
// Warpgroup launch: what WarpgroupCta of warpgroup_attention.cuh counts, on the host.

#include <algorithm>

#include "nsajit/target.h"

namespace nsajit::templates {

// Threads of a CTA of `warpgroups` that compute and one that copies for them.
inline int warpgroup_threads(int warpgroups) { return 128 * (warpgroups + 1); }

// Registers of a thread that computes.
inline int warpgroup_registers(int warpgroups, int blocks_per_sm, const Target& target) {
  const int each = static_cast<int>(target.registers_sm / (warpgroup_threads(warpgroups) * blocks_per_sm) / 8 * 8);
  const int producer = warpgroups < 3 ? 40 : 32;
  return std::min((each * (warpgroups + 1) - producer) / warpgroups / 8 * 8, 240);
}

}  // namespace nsajit::templates
