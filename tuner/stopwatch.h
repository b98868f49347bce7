#pragma once
// Stopwatch: wall time since it was made.

#include <chrono>

namespace nsajit::tuner {

class Stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count(); }

 private:
  std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
};

}  // namespace nsajit::tuner
