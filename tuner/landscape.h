#pragma once
// Landscape: what is known of a space's candidates before any was tried: what each is made of, which differ in one
// step, what a model expects of each. Strategies search in it by index. Immutable; shared by any number of searches.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "nsajit/config.h"

namespace nsajit::tuner {

struct Landscape {
  // Per candidate: numbers of its traits, the variant first, then each parameter's value within that variant.
  std::vector<std::vector<std::uint32_t>> traits;
  std::vector<std::string> trait_names;  // "query_major", "query_major.stages=3": the same in every space
  // Per candidate: those of its variant that differ in one parameter, whose value is the next larger or smaller one that
  // occurs there. Where a constraint leaves none of them, the nearest that is left.
  std::vector<std::vector<std::size_t>> neighbours;
  std::vector<double> expected;  // cost by a model; 0: not known. Never empty: all 0 without a model
  bool has_model = false;        // some cost is expected

  std::size_t size() const { return traits.size(); }
  std::uint32_t variant_of(std::size_t candidate) const { return traits[candidate].front(); }
};

// Requires: one expected cost per config, or none.
Landscape make_landscape(std::span<const Config> configs, std::vector<double> expected = {});

// Of candidates of which nothing is known: no neighbours, nothing expected.
Landscape make_blank_landscape(std::size_t candidates);

// How new a candidate's traits are, by how often each was tried: 1: none of them was; falls with the trials of each.
double novelty(const Landscape& landscape, std::size_t candidate, std::span<const int> tried);

}  // namespace nsajit::tuner
