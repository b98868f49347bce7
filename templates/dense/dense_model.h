#pragma once
// Dense model: what a launch of sliding or compressed attention is expected to take on CUDA. To rank configs before they are
// tried, not to promise times. Pure functions, safe to call from any thread.

#include <optional>

#include "nsajit/op.h"

namespace nsajit::templates::dense {

// Microseconds. Fitted to the complete spaces of docs/tuning.md, "Replay". A unit is 64 rows x 64 keys x 256 elements.
struct DenseRates {
  double step_chain = 0.0879;  // of a warpgroup alone, per tile
  double unit_chain = 0.453;   // of it, per unit
  double q_shared = 0.0431;    // of it, per unit, where Q is read from shared memory
  double share = 0.741;        // of the step again, for each warpgroup beside it on the SM
  double copy_latency = 1.43;  // of a tile, shared by the stages in flight
  double l2_share = 3.55;      // of what an SM gets from L2: neighbours read the same tiles at about the same time
  double item_fixed = 2.71;    // Q, results, of a block of rows whose next one is prepared meanwhile
  double block_fixed = 3.49;   // of one that has a block of threads of its own
  double start = 3.41;         // of a launch
  double mma_share = 0.413;    // of mma.sync
  double mma_step = 0.021;     // of a block of dense_mma, per tile
  double mma_fixed = 5.43;     // of its rows
};

// nullopt: not CUDA, or in fp32. time_us is 0 on a machine whose rates are not known.
std::optional<Prediction> predict_dense(const Workload& workload, const Config& config, const Target& target,
                                        const DenseRates& rates = {});

}  // namespace nsajit::templates::dense
