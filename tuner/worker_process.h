#pragma once
// WorkerProcess: one child process at the other end of a socket pair: started, spoken to with deadlines, killed,
// reaped. No zombies, no descriptors left open in either process. Belongs to one thread.

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/worker_protocol.h"

namespace nsajit::tuner {

using Deadline = std::chrono::steady_clock::time_point;

enum class Exchange : std::uint8_t { Done, TimedOut, Closed };  // Closed: the child ended or closed its end

struct Received {
  Exchange state = Exchange::Done;
  Frame frame;  // Done only
};

// How a child ended. "was killed by SIGSEGV (signal 11)", "exited with status 3".
struct Ending {
  std::optional<int> signal;
  std::string text;
};

class WorkerProcess {
 public:
  // Starts `command` with the descriptors 0 and 1 on the socket and 2 inherited, in a process group of its own:
  // Ctrl-C on the terminal reaches the tuner, which ends its children in its own time.
  // Throws Error{Worker} naming the program.
  explicit WorkerProcess(const std::vector<std::string>& command);
  WorkerProcess(const WorkerProcess&) = delete;
  WorkerProcess& operator=(const WorkerProcess&) = delete;
  ~WorkerProcess();  // kills and reaps

  Exchange send(const Frame& frame, Deadline deadline);
  // Throws Error{Worker} where the child's bytes break the protocol.
  Received receive(Deadline deadline);

  // Waits until `deadline` for the child to end by itself, then kills it.
  Ending reap(Deadline deadline);
  Ending kill();
  pid_t pid() const { return pid_; }

 private:
  bool wait_for(short events, Deadline deadline) const;

  pid_t pid_ = -1;
  int socket_ = -1;
  FrameReader reader_;
  std::optional<Ending> ending_;
};

}  // namespace nsajit::tuner
