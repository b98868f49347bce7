#pragma once
// Mix bits: the random numbers of generated inputs, the same on every machine and with any number of threads.

#include <cstdint>

namespace nsajit::templates {

// A bijection of 64-bit words without visible structure (the finaliser of splitmix64).
constexpr std::uint64_t mix_bits(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace nsajit::templates
