// CapturedChild: see captured_child.h.
#include "tests/core/captured_child.h"

#include <array>
#include <csignal>
#include <cstdio>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace nsajit::tests {
namespace {

[[noreturn]] void run_child(const std::function<void()>& call, int pipe_end) {
  const rlimit no_core{0, 0};
  setrlimit(RLIMIT_CORE, &no_core);
  for (const int number : {SIGABRT, SIGSEGV, SIGTERM}) std::signal(number, SIG_DFL);  // Catch2 has handlers
  dup2(pipe_end, STDERR_FILENO);
  call();
  std::fflush(stderr);
  _exit(0);
}

}  // namespace

ChildOutcome run_in_child(const std::function<void()>& call) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) return {.signal = -1, .error_text = "pipe failed"};
  const pid_t child = fork();
  if (child == 0) run_child(call, ends[1]);
  close(ends[1]);
  ChildOutcome outcome;
  std::array<char, 4096> buffer{};
  for (ssize_t count = 0; (count = read(ends[0], buffer.data(), buffer.size())) > 0;) {
    outcome.error_text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  outcome.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return outcome;
}

}  // namespace nsajit::tests
