// Landscape: traits by name, neighbours by comparing the configs of a variant.

#include "tuner/landscape.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "core/assert.h"

namespace nsajit::tuner {
namespace {

class TraitNames {
 public:
  std::uint32_t number_of(const std::string& name) {
    const auto [entry, added] = numbers_.try_emplace(name, static_cast<std::uint32_t>(names_.size()));
    if (added) names_.push_back(name);
    return entry->second;
  }
  std::vector<std::string> take() { return std::move(names_); }

 private:
  std::map<std::string, std::uint32_t> numbers_;
  std::vector<std::string> names_;
};

std::vector<std::uint32_t> list_traits(const Config& config, TraitNames& names) {
  std::vector<std::uint32_t> traits{names.number_of(config.variant)};
  for (const auto& [name, value] : config.values)
    traits.push_back(names.number_of(fmt::format("{}.{}={}", config.variant, name, value)));
  return traits;
}

// Configs of one variant: the values of each parameter, in order, so that a step is a difference of ranks.
class Grid {
 public:
  explicit Grid(std::span<const Config* const> members) {
    for (const Config* member : members) {
      for (const auto& [name, value] : member->values) values_[name].insert(value);
    }
  }

  // Steps from one to the other in each parameter; nullopt: they do not have the same parameters.
  struct Distance {
    int parameters = 0;
    long steps = 0;
  };
  std::optional<Distance> measure(const Config& a, const Config& b) const {
    if (a.values.size() != b.values.size()) return std::nullopt;
    Distance distance;
    for (auto left = a.values.begin(), right = b.values.begin(); left != a.values.end(); ++left, ++right) {
      if (left->first != right->first) return std::nullopt;
      if (left->second == right->second) continue;
      const auto& values = values_.at(left->first);
      ++distance.parameters;
      distance.steps += std::abs(std::distance(values.begin(), values.find(left->second)) -
                                 std::distance(values.begin(), values.find(right->second)));
    }
    return distance;
  }

 private:
  std::map<std::string, std::set<int>> values_;
};

void link_variant(std::span<const Config> configs, std::span<const std::size_t> members,
                  std::vector<std::vector<std::size_t>>& neighbours) {
  std::vector<const Config*> list;
  for (const std::size_t member : members) list.push_back(&configs[member]);
  const Grid grid(list);
  for (const std::size_t a : members) {
    std::optional<std::pair<long, std::size_t>> nearest;
    for (const std::size_t b : members) {
      const auto distance = a == b ? std::nullopt : grid.measure(configs[a], configs[b]);
      if (!distance) continue;
      if (distance->parameters == 1 && distance->steps == 1) neighbours[a].push_back(b);
      const auto far = std::pair(distance->steps, b);
      if (!nearest || far < *nearest) nearest = far;
    }
    if (neighbours[a].empty() && nearest) neighbours[a].push_back(nearest->second);
  }
}

}  // namespace

Landscape make_landscape(std::span<const Config> configs, std::vector<double> expected) {
  NSAJIT_ASSERT(expected.empty() || expected.size() == configs.size(), "a model expects something of each config or of none");
  Landscape landscape{.expected = std::move(expected)};
  landscape.expected.resize(configs.size(), 0.0);
  landscape.has_model = std::any_of(landscape.expected.begin(), landscape.expected.end(), [](double cost) { return cost > 0; });
  TraitNames names;
  std::map<std::string, std::vector<std::size_t>> variants;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    landscape.traits.push_back(list_traits(configs[i], names));
    variants[configs[i].variant].push_back(i);
  }
  landscape.trait_names = names.take();
  landscape.neighbours.resize(configs.size());
  for (const auto& [variant, members] : variants) link_variant(configs, members, landscape.neighbours);
  return landscape;
}

Landscape make_blank_landscape(std::size_t candidates) {
  return {.traits = std::vector(candidates, std::vector<std::uint32_t>{0}),
          .trait_names = {"unknown"},
          .neighbours = std::vector<std::vector<std::size_t>>(candidates),
          .expected = std::vector<double>(candidates, 0.0)};
}

double novelty(const Landscape& landscape, std::size_t candidate, std::span<const int> tried) {
  const auto& traits = landscape.traits[candidate];
  double sum = 0;
  for (const std::uint32_t trait : traits) sum += 1 / (1.0 + tried[trait]);
  return sum / static_cast<double>(traits.size());
}

}  // namespace nsajit::tuner
