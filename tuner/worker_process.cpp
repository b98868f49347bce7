// A socket pair rather than two pipes: a write to a dead child must not raise SIGPIPE in a library's host
// process, and only sockets can say so per call (MSG_NOSIGNAL).

#include "tuner/worker_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "core/log.h"
#include "nsajit/error.h"

extern char** environ;

namespace nsajit::tuner {
namespace {

using namespace std::chrono_literals;

// A killed process may sit in an uninterruptible driver call while it frees its GPU memory.
constexpr auto kReapPatience = 10s;

struct SpawnActions {
  posix_spawn_file_actions_t value;
  SpawnActions() { posix_spawn_file_actions_init(&value); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  ~SpawnActions() { posix_spawn_file_actions_destroy(&value); }
};

struct SpawnAttributes {
  posix_spawnattr_t value;
  SpawnAttributes() { posix_spawnattr_init(&value); }
  SpawnAttributes(const SpawnAttributes&) = delete;
  SpawnAttributes& operator=(const SpawnAttributes&) = delete;
  ~SpawnAttributes() { posix_spawnattr_destroy(&value); }
};

// Own group, default signal actions, nothing blocked: the child starts as from a shell, whatever its parent does
// with signals.
void set_attributes(posix_spawnattr_t& attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

// Above 2, so that the child's dup2 to 0 and 1 never overwrites what it still needs.
int above_standard(int descriptor) {
  if (descriptor > STDERR_FILENO) return descriptor;
  const int moved = fcntl(descriptor, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(descriptor);
  return moved;
}

std::string describe_signal(int signal) {
  const char* name = sigabbrev_np(signal);
  const char* hint = signal == SIGKILL ? ", from outside or by the kernel for lack of memory" : "";
  return fmt::format("was killed by SIG{} (signal {}{})", name != nullptr ? name : "?", signal, hint);
}

Ending describe_status(int status) {
  if (WIFSIGNALED(status)) return {.signal = WTERMSIG(status), .text = describe_signal(WTERMSIG(status))};
  return {.text = fmt::format("exited with status {}", WEXITSTATUS(status))};
}

// nullopt: still running at the deadline.
std::optional<Ending> wait_until(pid_t pid, Deadline deadline) {
  for (auto pause = 100us;; pause = std::min(pause * 2, 5000us)) {
    int status = 0;
    const pid_t ended = waitpid(pid, &status, WNOHANG);
    if (ended == pid) return describe_status(status);
    if (ended < 0 && errno != EINTR) return Ending{.text = fmt::format("was reaped by someone else ({})", std::strerror(errno))};
    if (std::chrono::steady_clock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(pause);
  }
}

pid_t spawn(const std::vector<std::string>& command, int socket) {
  SpawnActions actions;
  SpawnAttributes attributes;
  posix_spawn_file_actions_adddup2(&actions.value, socket, STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions.value, socket, STDOUT_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&actions.value, STDERR_FILENO + 1);
  set_attributes(attributes.value);
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int failure = posix_spawnp(&pid, arguments.front(), &actions.value, &attributes.value, arguments.data(), environ);
  if (failure != 0) throw Error(ErrorCode::Worker, fmt::format("start worker {}: {}", command.front(), std::strerror(failure)));
  return pid;
}

}  // namespace

WorkerProcess::WorkerProcess(const std::vector<std::string>& command) {
  std::array<int, 2> ends{-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw Error(ErrorCode::Worker, fmt::format("start worker {}: socketpair: {}", command.front(), std::strerror(errno)));
  socket_ = ends[0];
  const int child_end = above_standard(ends[1]);
  try {
    pid_ = spawn(command, child_end);
  } catch (...) {
    close(child_end);
    close(socket_);
    throw;
  }
  close(child_end);
}

WorkerProcess::~WorkerProcess() {
  kill();
  close(socket_);
}

// False: the deadline passed.
bool WorkerProcess::wait_for(short events, Deadline deadline) const {
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    pollfd entry{.fd = socket_, .events = events, .revents = 0};
    const int ready = poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1 << 30)));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

Exchange WorkerProcess::send(const Frame& frame, Deadline deadline) {
  const std::vector<std::byte> bytes = encode_frame(frame);
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (count >= 0)
      sent += static_cast<std::size_t>(count);
    else if (errno == EAGAIN && !wait_for(POLLOUT, deadline))
      return Exchange::TimedOut;
    else if (errno != EAGAIN && errno != EINTR)
      return Exchange::Closed;
  }
  return Exchange::Done;
}

Received WorkerProcess::receive(Deadline deadline) {
  std::array<std::byte, 64 << 10> part;
  while (true) {
    if (auto frame = reader_.take()) return {.state = Exchange::Done, .frame = *std::move(frame)};
    if (!wait_for(POLLIN, deadline)) return {.state = Exchange::TimedOut};
    const ssize_t count = recv(socket_, part.data(), part.size(), MSG_DONTWAIT);
    if (count > 0)
      reader_.feed({part.data(), static_cast<std::size_t>(count)});
    else if (count == 0 || (errno != EAGAIN && errno != EINTR))
      return {.state = Exchange::Closed};
  }
}

Ending WorkerProcess::reap(Deadline deadline) {
  if (ending_) return *ending_;
  ending_ = wait_until(pid_, deadline);
  return ending_ ? *ending_ : kill();
}

Ending WorkerProcess::kill() {
  if (ending_) return *ending_;
  ::kill(pid_, SIGKILL);
  ending_ = wait_until(pid_, std::chrono::steady_clock::now() + kReapPatience);
  if (!ending_) {
    log_error(
        fmt::format("worker {} does not end although it was killed: the driver holds it; the device may need a reset", pid_));
    ending_ = Ending{.text = "does not end although it was killed"};
  }
  return *ending_;
}

}  // namespace nsajit::tuner
