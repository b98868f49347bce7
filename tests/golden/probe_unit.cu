// test.probe
#include "nsajit/selection_args.h"
#include "probe/probe.cuh"

namespace {
struct Fields {
  using element = nsajit::bf16;
  static constexpr int dk = 128;
  static constexpr int tile = 256;
};
}  // namespace

extern "C" __global__ void __launch_bounds__(128, 2)
probe_main(const __grid_constant__ nsajit_selection_args args, const long long first_row) {
  nsajit::probe<Fields>(args, first_row);
}

extern "C" __global__ void __launch_bounds__(128, 2)
probe_reset(const __grid_constant__ nsajit_selection_args args, const long long first_row) {
  nsajit::probe_clear<Fields>(args, first_row);
}
