#pragma once
// SearchSpace: the configs an operation offers for one Problem on one Target, and the reason each other
// combination is left out. Lazy: a config is made when it is asked for.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nsajit/config.h"

namespace nsajit {

// One variant's grid of parameter values.
class VariantSpace {
 public:
  explicit VariantSpace(std::string variant) : variant_(std::move(variant)) {}

  VariantSpace& dimension(std::string name, std::vector<int> values);
  // `holds` is asked of every combination; `reason` reaches the report where it answers false.
  VariantSpace& require(std::string reason, std::function<bool(const Config&)> holds);

  const std::string& variant() const { return variant_; }
  std::uint64_t size() const;                          // combinations, valid or not
  Config at(std::uint64_t index) const;                // mixed radix, last dimension fastest
  std::optional<std::string> find_violation(const Config& config) const;

 private:
  struct Dimension { std::string name; std::vector<int> values; };
  struct Constraint { std::string reason; std::function<bool(const Config&)> holds; };
  std::string variant_;
  std::vector<Dimension> dimensions_;
  std::vector<Constraint> constraints_;
};

class SearchSpace {
 public:
  SearchSpace& add(VariantSpace variant);

  std::uint64_t size() const;                          // combinations of all variants
  Config at(std::uint64_t index) const;
  // The reason why `config` is not in the space; nullopt where it is.
  std::optional<std::string> find_violation(const Config& config) const;
  std::vector<Config> valid_configs() const;           // in index order
  // Reason -> how many combinations it left out.
  std::vector<std::pair<std::string, std::uint64_t>> count_violations() const;

 private:
  std::vector<VariantSpace> variants_;
};

}  // namespace nsajit
