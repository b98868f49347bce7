// Residency: see the header.

#include "templates/common/residency.h"

#include <algorithm>

namespace nsajit::templates {
namespace {

constexpr std::int64_t kThreadsSm = 2048;
constexpr std::int64_t kBlocksSm = 32;

}  // namespace

double resident_blocks(const LaunchStep& step, int registers, const Target& target) {
  const std::int64_t threads = step.block[0], dealt = (registers + 7) / 8 * 8;
  const std::int64_t by_smem = target.smem_sm_bytes / (step.smem_bytes + kSmemReserved);
  const std::int64_t by_registers = target.registers_sm / (threads * dealt);
  return static_cast<double>(std::max<std::int64_t>(1, std::min({by_smem, by_registers, kThreadsSm / threads, kBlocksSm})));
}

}  // namespace nsajit::templates
