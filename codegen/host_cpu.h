#pragma once
// Host CPU: what this machine's processor can execute, as LLVM names it. The name may be masked (a virtual
// machine reports an older CPU), so results are keyed on the feature string. Safe to call from any thread.

#include <string>

namespace nsajit::codegen {

// "rocketlake", "znver4": picks scheduling models, never instructions.
std::string host_cpu_name();

// "+adx,+aes,-amx-bf16,...": every feature that LLVM can detect, on or off, in alphabetical order.
std::string host_cpu_features();

}  // namespace nsajit::codegen
