// CUDA model: choice of the variant's part, what they share, ranking.

#include "templates/selection/cuda_model.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "templates/selection/selection_backends.h"

namespace nsajit::templates {
void ModelTime::add(std::initializer_list<ModelTerm> terms) {
  double sum = 0;
  for (const ModelTerm& term : terms) {
    sum += term.time_us * term.time_us * term.time_us;
    if (term.time_us > largest_.time_us) largest_ = term;
  }
  time_us_ += std::cbrt(sum);
}

std::optional<Prediction> predict_cuda(const Workload& workload, const Config& config, const Target& target) {
  const bool fp32 = workload.problem.dtype == DType::FP32;
  std::optional<Prediction> prediction;
  if (config.variant == "query_major_fp32") prediction = predict_query_major_fp32(workload, config, target, {});
  if (config.variant == "query_major" || config.variant == "query_split")
    prediction = predict_query_major(workload, config, target, {});
  if (config.variant == "query_union") prediction = predict_query_union(workload, config, target, {});
  if (config.variant == "query_union_wgmma") prediction = predict_query_union_wgmma(workload, config, target, {});
  if (config.variant == "packed_sdpa" && !fp32) prediction = predict_packed_sdpa(workload, config, target, {});
  if (config.variant == "kv_major") prediction = predict_kv_major(workload, config, target, kKvMajorRates);
  if (config.variant == "kv_major_wgmma") prediction = predict_kv_major(workload, config, target, kKvWgmmaRates);
  if (config.variant == "kv_near_wgmma") prediction = predict_kv_major(workload, config, target, kKvNearRates);
  if (prediction && !has_known_rates(target)) {
    prediction->time_us = 0;
    prediction->bound = "unknown";
  }
  return prediction;
}

std::vector<Config> rank_by_prediction(const Workload& workload, const Target& target, std::vector<Config> configs) {
  std::vector<std::pair<double, Config>> timed;
  for (Config& config : configs) {
    const auto prediction = predict_cuda(workload, config, target);
    const bool known = prediction && prediction->time_us > 0;
    timed.emplace_back(known ? prediction->time_us : std::numeric_limits<double>::infinity(), std::move(config));
  }
  std::stable_sort(timed.begin(), timed.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  configs.clear();
  for (auto& [time, config] : timed) configs.push_back(std::move(config));
  return configs;
}

}  // namespace nsajit::templates
