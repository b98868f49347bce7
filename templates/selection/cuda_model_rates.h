#pragma once
// Rates of the CUDA model: what a machine does per microsecond. Measured ones are those of docs/performance.md for one
// NVIDIA H200; fitted ones were chosen for the least squared log error over the trials that docs/performance.md names.

#include "templates/common/chip_rates.h"

namespace nsajit::templates {

// Microseconds are per warp where not said otherwise; a "unit" is 16 keys x 256 elements of K and V for 8 heads.
struct QueryMajorRates {
  double l2_per_sm = 58200;    // bytes, as random blocks are gathered
  double l1_share = 0.642;     // of what rows on an SM have in common, found in L1
  double l2_request = 51;      // bytes that a request for a row of K or V costs besides its own
  double step_issue = 0.0825;  // of a scheduler, per tile
  double unit_issue = 0.0973;  // of a scheduler, per unit
  double copy_issue = 0.121;   // of a scheduler, per 16 keys x 256 elements
  double unit_chain = 0.136;   // until the next tile may start
  double row_fixed = 5.79;     // reading Q, merging, writing
  double split_fixed = 3.0;    // of a row that a cluster shares: its two barriers, the merge
};

// Of fp32, microseconds of a warp where not said otherwise.
struct Fp32Rates {
  double l2_per_sm = 52500;        // bytes, as random blocks are gathered
  double l1_share = 0.316;         // of what rows on an SM have in common, found in L1
  double l2_request = 25.8;        // bytes that a request for a row of K or V costs besides its own
  double head_issue = 0.0167;      // of a scheduler, per tile and head: its maximum and sum over the lanes
  double product_issue = 0.00117;  // of a scheduler, per multiplication of a lane
  double copy_issue = 0.00906;     // of a scheduler, per copy of 16 bytes a lane
  double row_issue = 0.151;        // of a scheduler, per row
  double step_chain = 0.183;       // until the next tile may start, and
  double issue_chain = 0.67;       // of what is issued meanwhile
  double row_fixed = 5.58;         // reading Q, merging, writing
};

struct QueryUnionRates {
  double l2_per_sm = 48600;
  double step_issue = 0.0785;
  double unit_issue = 0.176;
  double step_chain = 0.0681;
  double unit_chain = 0.0887;
  double copy_latency = 1.27;   // shared by the stages in flight
  double copy_issue = 0.00521;  // of the producer, per 512 bytes
  double block_fixed = 3.0;     // bitmaps, Q, results
};

// A step is 64 rows x 64 keys.
struct UnionWgmmaRates {
  double step_chain = 0.555;   // of a warpgroup alone
  double share = 0.406;        // of the step again, for each warpgroup beside it on the SM
  double copy_latency = 1.53;  // of 64 x 256 elements, shared by the stages in flight
  double block_fixed = 7.36;   // maps, Q, results
  double start = 5.2;          // of the first block, and
  double longest = 2.84;       // its steps over the mean: what a grid that fits the chip takes
};

// A unit here is 16 rows x 64 keys x 256 elements.
struct KvMajorRates {
  double l2_share = 0;    // of L2 that gathered Q may fill
  double unit_issue = 0;  // of a scheduler
  double step_chain = 0;  // of a warp, per 16 rows and tile
  double unit_chain = 0;
  double item_fixed = 0;   // loading K and V
  double tail = 0;         // of one item's time, while the last ones end
  double merge = 0;        // bytes of the chip; less than the pass alone reaches: its start counts too
  double chunk_fixed = 0;  // index, starts and ends of the passes
  double row_fixed = 0;    // index, per row of all groups, of the chip
};
inline constexpr KvMajorRates kKvMajorRates{.l2_share = 0.885,
                                            .unit_issue = 0.451,
                                            .step_chain = 0.477,
                                            .unit_chain = 1.07,
                                            .item_fixed = 2.77,
                                            .tail = 0.566,
                                            .merge = 2.84e6,
                                            .chunk_fixed = 41.0,
                                            .row_fixed = 5.28e-4};
inline constexpr KvMajorRates kKvWgmmaRates{.l2_share = 0.678,
                                            .unit_issue = 0,
                                            .step_chain = 0.589,
                                            .unit_chain = 1.0,
                                            .item_fixed = 2.68,
                                            .tail = 0.593,
                                            .merge = 2.73e6,
                                            .chunk_fixed = 49.7,
                                            .row_fixed = 4.54e-4};
// Of the exploration runs that docs/performance.md describes, not of a tuning.
inline constexpr KvMajorRates kKvNearRates{.l2_share = 0.67,
                                           .unit_issue = 0,
                                           .step_chain = 0.297,
                                           .unit_chain = 1.24,
                                           .item_fixed = 8.68,
                                           .tail = 1.82,
                                           .merge = 3.46e6,
                                           .chunk_fixed = 16.6,
                                           .row_fixed = 3.27e-4};

struct PackedRates {
  double write = 4.26e6;  // bytes of the chip, while gathering
  double read = 3.42e6;
};

}  // namespace nsajit::templates
