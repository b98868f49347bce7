#pragma once
// Selection entries: which blocks or ranges each generated row selects. Written once per tensor, by all hardware
// threads; the result depends on the recipe alone.

#include <cstdint>

#include "nsajit/op.h"

namespace nsajit::templates {

// A bijection of 64-bit words without visible structure (the finaliser of splitmix64).
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void fill_entries(const Workload& workload, const InputRecipe& recipe, HostTensor& sel);

// Moves the entries of rows at positions up to `position` that lie wholly after their row further away.
void move_ignored_entries(const Workload& workload, std::int64_t position, HostTensor& sel);

}  // namespace nsajit::templates
