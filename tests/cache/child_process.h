#pragma once
// ChildProcess: runs a function in a forked child, which can be waited for or killed; nothing it does to its
// memory, limits or user reaches the test.

#include <csignal>
#include <exception>
#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace nsajit::cache {

class ChildProcess {
 public:
  // `work` writes what it has to say to the descriptor it is given; an exception's text is written for it.
  explicit ChildProcess(const std::function<void(int)>& work) {
    int ends[2];
    if (pipe(ends) != 0) throw std::runtime_error("pipe failed");
    pid_ = fork();
    if (pid_ < 0) throw std::runtime_error("fork failed");
    if (pid_ == 0) {
      close(ends[0]);
      run(work, ends[1]);
    }
    close(ends[1]);
    output_ = ends[0];
  }
  ChildProcess(ChildProcess&& other) noexcept : pid_(std::exchange(other.pid_, 0)), output_(std::exchange(other.output_, -1)) {}
  ChildProcess& operator=(ChildProcess&&) = delete;
  ~ChildProcess() {
    if (pid_ > 0) kill();
    if (output_ >= 0) close(output_);
  }

  // The next bytes that the child wrote; empty at its end.
  std::string read_some() const {
    char buffer[4096];
    const auto bytes = ::read(output_, buffer, sizeof buffer);
    return bytes <= 0 ? std::string() : std::string(buffer, static_cast<std::size_t>(bytes));
  }

  // All that the child wrote, once it has ended.
  std::string wait() {
    std::string text;
    for (std::string part = read_some(); !part.empty(); part = read_some()) text += part;
    reap();
    return text;
  }

  void kill() {
    ::kill(pid_, SIGKILL);
    reap();
  }

 private:
  [[noreturn]] static void run(const std::function<void(int)>& work, int output) {
    try {
      work(output);
    } catch (const std::exception& error) { say(output, error.what()); }
    // No destructors, no exit handlers: they belong to the parent.
    _exit(0);
  }

  void reap() {
    waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 public:
  static void say(int output, const std::string& text) {
    if (write(output, text.data(), text.size()) < 0) _exit(1);
  }

 private:
  pid_t pid_ = 0;
  int output_ = -1;
};

}  // namespace nsajit::cache
