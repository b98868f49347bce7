#pragma once
// LearnedCost: what a candidate may cost, learned from those that were tried. A model's expectation (or none) times a
// correction per trait: log cost = log expected + level + sum of the corrections of its variant and of each of its
// parameter values. Few trials speak for a trait, so each correction is shrunk towards what other spaces taught, or 0.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tuner/landscape.h"

namespace nsajit::tuner {

// Of other spaces: log of the correction, by trait name.
using CostPrior = std::map<std::string, double>;

// Trials of one space; costs of different spaces are not compared.
struct SpaceCosts {
  std::shared_ptr<const Landscape> landscape;
  std::vector<std::pair<std::size_t, double>> costs;  // candidate, cost > 0
};

CostPrior fit_prior(std::span<const SpaceCosts> spaces);

class LearnedCost {
 public:
  explicit LearnedCost(std::shared_ptr<const Landscape> landscape, const CostPrior* prior = nullptr);

  void learn(std::size_t candidate, double cost);  // cost > 0
  void learn_all(std::span<const std::pair<std::size_t, double>> costs);
  double expect_log(std::size_t candidate) const;  // natural logarithm of the cost
  // How far off the last expectations were when their cost was told: a robust standard deviation of the logarithm. Before that,
  // how far off models are.
  double error() const;
  std::size_t learned() const { return trials_.size(); }
  CostPrior corrections() const;  // of the traits that were tried

 private:
  struct Trial {
    std::size_t candidate = 0;
    double excess = 0;  // log of cost over expected
  };
  void add(std::size_t candidate, double cost);
  double correction(std::size_t candidate) const;
  void refit();
  void refit_level();

  std::shared_ptr<const Landscape> landscape_;
  std::vector<double> expected_log_;
  std::vector<double> prior_;                          // by trait
  std::vector<double> correction_;                     // by trait
  std::vector<std::vector<std::uint32_t>> trials_of_;  // by trait
  std::vector<std::uint32_t> seen_;                    // traits with trials
  double level_ = 0;
  std::vector<Trial> trials_;
  std::vector<double> errors_;
};

}  // namespace nsajit::tuner
