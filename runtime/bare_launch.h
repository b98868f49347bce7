#pragma once
// Bare launch: what the driver alone takes to launch a kernel, to say what nsajit adds. Not for serving.

#include <cstddef>
#include <optional>
#include <span>

namespace nsajit {
struct LaunchPlan;
}

namespace nsajit::runtime {

class Kernel;

// Host time of one run of the plan's steps through cuLaunchKernelEx (cuLaunchKernel where the driver is older), microseconds,
// the mean of `launches` on the default stream; nothing is checked, the context stays current. nullopt: the kernel is no CUDA
// kernel. Throws Error{Driver} where the driver refuses.
std::optional<double> time_bare_launch_us(const Kernel& kernel, const LaunchPlan& plan, std::span<const std::byte> args,
                                          int launches);

}  // namespace nsajit::runtime
