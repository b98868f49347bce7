#pragma once
// Interrupt: turns the first Ctrl-C (or SIGTERM) into a flag that the engine polls between trials. The second one ends
// the program at once. One at a time: signal handlers are the process's.

#include <atomic>

namespace nsajit::cli {

class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

  const std::atomic<bool>& requested() const;
};

// For the worker child: the terminal sends Ctrl-C to it too, but its parent decides when it ends.
void ignore_interrupts();

}  // namespace nsajit::cli
