#pragma once
// What a config of query-major in fp32 takes on CUDA: the arithmetic of query_major.cuh with heads_as_lanes.cuh. For its
// space, its launches and its model.

#include <cstdint>

#include "nsajit/config.h"
#include "nsajit/problem.h"
#include "nsajit/target.h"

namespace nsajit::templates {

struct Fp32Footprint {
  int heads = 1;  // of one warp
  int threads = 0;
  int smem_bytes = 0;
  int registers = 0;  // estimate
  int barriers = 0;
  int blocks_per_sm = 0;
  std::int64_t bytes_in_flight = 0;  // per SM
};

Fp32Footprint fp32_footprint(const Problem& problem, const Config& config, const Target& target);

}  // namespace nsajit::templates
