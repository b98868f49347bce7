#pragma once
// Prediction: what a model expects a launch to take, and why, without running it.

#include <string>

namespace nsajit {

struct Prediction {
  double time_us = 0;  // 0: the model does not know this machine; the amounts below hold all the same
  std::string bound;   // what takes most of it: "L2", "HBM", "shared memory", "tensor cores", "latency", "launches"
  double hbm_bytes = 0;
  double l2_bytes = 0;    // between L2 and the SMs
  double smem_bytes = 0;  // read from shared memory
  double flops = 0;       // of matrix instructions, padding included
};

}  // namespace nsajit
