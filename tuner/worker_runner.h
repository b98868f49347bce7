#pragma once
// WorkerRunner: a TrialRunner whose device lives in a child process (`nsajit worker`). A candidate that hangs,
// faults or crashes costs its own trial: the child is killed, the class recorded, a new child started.

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tuner/trial_runner.h"

namespace nsajit { struct Environment; }

namespace nsajit::tuner {

struct WorkerOptions {
  std::string program;               // path of the nsajit binary; its `worker` command is run
  std::string device = "auto";
  double timeout_s = 60;             // per request; a longer one is killed as Hang
  std::vector<std::string> selections;  // files of recorded selections, which the child reads for itself
};

// Throws Error{Worker} where no child can be started or it finds no device.
std::unique_ptr<TrialRunner> make_worker_runner(const WorkerOptions& options);

// The child's side: serves requests from descriptor `in` on `out` until end of file. Returns its exit code.
int serve_worker(const std::string& device, std::span<const std::string> selections, int in, int out,
                 const Environment& environment);

}  // namespace nsajit::tuner
