#pragma once
// Strategy: decides which candidate is tried next. Knows indices and costs, nothing of kernels, clocks or
// devices, and so is tested without any.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

namespace nsajit::tuner {

class Strategy {
 public:
  virtual ~Strategy() = default;
  virtual std::optional<std::size_t> next() = 0;                              // nullopt: done
  virtual void tell(std::size_t candidate, std::optional<double> cost) = 0;   // nullopt: rejected
};

struct StrategyOptions {
  std::size_t candidates = 0;        // indices 0 .. candidates - 1
  std::size_t first = 0;             // the built-in default: offered first, always
  std::size_t max_trials = 0;        // 0 = no limit
  std::uint64_t seed = 1;
  std::vector<double> expected{};    // cost of each candidate as a model has it, 0: unknown. Empty: no model
};

// "exhaustive", "random", or "ranked": by expected cost, candidates without one last, in exhaustive order. Throws Error{InvalidArgument} listing the names.
std::unique_ptr<Strategy> make_strategy(std::string_view name, const StrategyOptions& options);

}  // namespace nsajit::tuner
