#pragma once
// CUDA model: predicts the time of a selection forward config from bytes, operations and occupancy, without a GPU.
// To rank configs and to explain a measurement; never to refuse one. Pure functions, safe to call from any thread.

#include <initializer_list>
#include <optional>
#include <vector>

#include "nsajit/launch_plan.h"
#include "nsajit/op.h"
#include "nsajit/prediction.h"
#include "templates/selection/cuda_model_rates.h"

namespace nsajit::templates {

// nullopt: no model of this variant (packed SDPA of fp32 storage). time_us is 0 on a machine whose rates are not known.
// Requires: a config that the CUDA plan takes; throws what it throws.
std::optional<Prediction> predict_cuda(const Workload& workload, const Config& config, const Target& target);

// The configs in the order of their predicted time, those without a prediction last; ties keep their order.
std::vector<Config> rank_by_prediction(const Workload& workload, const Target& target, std::vector<Config> configs);

// One cost of a kernel.
struct ModelTerm {
  const char* bound;
  double time_us;
};

// Passes one after the other, each of terms that overlap: (sum of time^3)^(1/3), since they hide each other but not wholly
// where they are alike.
class ModelTime {
 public:
  void add(std::initializer_list<ModelTerm> terms);
  double time_us() const { return time_us_; }
  const char* bound() const { return largest_.bound; }

 private:
  double time_us_ = 0;
  ModelTerm largest_{"launches", 0};
};

// The part of the selected blocks that another row on the same SM selected too. The rows of a block of threads are
// neighbours; those of its other blocks are far away in the sequence and share by chance only.
double common_share(const Workload& workload, int queries, double blocks);

// The parts, one per variant; the rates as arguments, to be fitted.
Prediction predict_query_major(const Workload&, const Config&, const Target&, const QueryMajorRates&);
Prediction predict_query_major_fp32(const Workload&, const Config&, const Target&, const Fp32Rates&);
Prediction predict_query_union(const Workload&, const Config&, const Target&, const QueryUnionRates&);
Prediction predict_query_union_wgmma(const Workload&, const Config&, const Target&, const UnionWgmmaRates&);
Prediction predict_packed_sdpa(const Workload&, const Config&, const Target&, const PackedRates&);
Prediction predict_kv_major(const Workload&, const Config&, const Target&, const KvMajorRates&);

}  // namespace nsajit::templates
