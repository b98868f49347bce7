#pragma once
// Capture: writes down which workloads a program really asks for, so that exactly these can be tuned. One file per process,
// a line of JSON per workload, each once; `nsajit tune --captured` reads the folder. Off the launch path: a workload is seen when
// it is bound. Not thread-safe: the server's mutex guards it.

#include <fstream>
#include <memory>
#include <string>
#include <unordered_set>

#include "nsajit/workload.h"

namespace nsajit::runtime {

class Capture {
 public:
  // A folder that cannot be written is a warning, and nothing is captured: serving goes on.
  explicit Capture(const std::string& folder);
  void record(const Workload& workload);

 private:
  std::string path_;
  std::ofstream file_;
  std::unordered_set<Workload> seen_;
};

}  // namespace nsajit::runtime
