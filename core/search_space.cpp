// SearchSpace: grids of configs, made on demand by mixed-radix index.
#include "nsajit/search_space.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/assert.h"
#include "nsajit/error.h"

namespace nsajit {
namespace {

[[noreturn]] void throw_out_of_range(std::uint64_t index, std::uint64_t size) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("search space: config {} was asked of {}", index, size));
}

template <typename Visit>
void visit_all(const std::vector<VariantSpace>& variants, const Visit& visit) {
  for (const VariantSpace& variant : variants) {
    for (std::uint64_t index = 0, size = variant.size(); index < size; ++index) {
      const Config config = variant.at(index);
      visit(config, variant.find_violation(config));
    }
  }
}

}  // namespace

VariantSpace& VariantSpace::dimension(std::string name, std::vector<int> values) {
  NSAJIT_ASSERT(!values.empty(), "a dimension offers at least one value");
  NSAJIT_ASSERT(std::set<int>(values.begin(), values.end()).size() == values.size(),
                "a dimension offers each value once, so that each config has one index");
  NSAJIT_ASSERT(std::none_of(dimensions_.begin(), dimensions_.end(), [&](const auto& other) { return other.name == name; }),
                "a dimension is named once");
  dimensions_.push_back({.name = std::move(name), .values = std::move(values)});
  return *this;
}

VariantSpace& VariantSpace::require(std::string reason, std::function<bool(const Config&)> holds) {
  constraints_.push_back({.reason = std::move(reason), .holds = std::move(holds)});
  return *this;
}

std::uint64_t VariantSpace::size() const {
  std::uint64_t product = 1;
  for (const Dimension& dimension : dimensions_) {
    const bool overflow = __builtin_mul_overflow(product, dimension.values.size(), &product);
    NSAJIT_ASSERT(!overflow, "the combinations of a variant can be counted in 64 bits");
  }
  return product;
}

Config VariantSpace::at(std::uint64_t index) const {
  const std::uint64_t combinations = size();
  if (index >= combinations) throw_out_of_range(index, combinations);
  Config config{.variant = variant_, .values = {}};
  for (auto dimension = dimensions_.rbegin(); dimension != dimensions_.rend(); ++dimension) {
    const std::uint64_t radix = dimension->values.size();
    config.values.emplace(dimension->name, dimension->values[index % radix]);
    index /= radix;
  }
  return config;
}

std::optional<std::string> VariantSpace::find_violation(const Config& config) const {
  if (config.variant != variant_) return fmt::format("variant '{}' is not '{}'", config.variant, variant_);
  for (const auto& [name, value] : config.values) {
    const auto dimension =
        std::find_if(dimensions_.begin(), dimensions_.end(), [&](const Dimension& d) { return d.name == name; });
    if (dimension == dimensions_.end()) return fmt::format("parameter '{}' is not in the space of '{}'", name, variant_);
    if (std::find(dimension->values.begin(), dimension->values.end(), value) == dimension->values.end()) {
      return fmt::format("{}={} is not offered; offered: {}", name, value, fmt::join(dimension->values, ", "));
    }
  }
  for (const Dimension& dimension : dimensions_) {
    if (!config.values.contains(dimension.name)) {
      return fmt::format("parameter '{}' is missing; offered: {}", dimension.name, fmt::join(dimension.values, ", "));
    }
  }
  for (const Constraint& constraint : constraints_) {
    if (!constraint.holds(config)) return constraint.reason;
  }
  return std::nullopt;
}

SearchSpace& SearchSpace::add(VariantSpace variant) {
  NSAJIT_ASSERT(
      std::none_of(variants_.begin(), variants_.end(), [&](const auto& other) { return other.variant() == variant.variant(); }),
      "a variant is added once");
  variants_.push_back(std::move(variant));
  return *this;
}

std::uint64_t SearchSpace::size() const {
  std::uint64_t sum = 0;
  for (const VariantSpace& variant : variants_) {
    const bool overflow = __builtin_add_overflow(sum, variant.size(), &sum);
    NSAJIT_ASSERT(!overflow, "the combinations of a space can be counted in 64 bits");
  }
  return sum;
}

Config SearchSpace::at(std::uint64_t index) const {
  std::uint64_t rest = index;
  for (const VariantSpace& variant : variants_) {
    const std::uint64_t combinations = variant.size();
    if (rest < combinations) return variant.at(rest);
    rest -= combinations;
  }
  throw_out_of_range(index, size());
}

std::optional<std::string> SearchSpace::find_violation(const Config& config) const {
  std::vector<std::string> names;
  for (const VariantSpace& variant : variants_) {
    if (variant.variant() == config.variant) return variant.find_violation(config);
    names.push_back(variant.variant());
  }
  return fmt::format("unknown variant '{}'; offered: {}", config.variant, fmt::join(names, ", "));
}

std::vector<Config> SearchSpace::valid_configs() const {
  std::vector<Config> configs;
  visit_all(variants_, [&](const Config& config, const std::optional<std::string>& violation) {
    if (!violation) configs.push_back(config);
  });
  return configs;
}

std::vector<std::pair<std::string, std::uint64_t>> SearchSpace::count_violations() const {
  std::vector<std::pair<std::string, std::uint64_t>> counts;  // few reasons: in order of first appearance
  visit_all(variants_, [&](const Config&, const std::optional<std::string>& violation) {
    if (!violation) return;
    const auto found = std::find_if(counts.begin(), counts.end(), [&](const auto& entry) { return entry.first == *violation; });
    if (found == counts.end()) {
      counts.emplace_back(*violation, 1);
    } else {
      ++found->second;
    }
  });
  return counts;
}

}  // namespace nsajit
