// Interrupt: the handler only sets a flag.

#include "cli/interrupt.h"

#include <csignal>

namespace nsajit::cli {
namespace {

// A signal handler reaches nothing but a global.
std::atomic<bool> interrupted{false};
static_assert(std::atomic<bool>::is_always_lock_free, "the handler may not take a lock");

void set_handler(int signal, void (*handler)(int), int flags) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = flags;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  interrupted = false;
  // SA_RESTART: a read from the worker goes on. SA_RESETHAND: the second signal has its usual effect.
  for (const int signal : {SIGINT, SIGTERM})
    set_handler(
        signal, [](int) { interrupted = true; }, SA_RESTART | SA_RESETHAND);
}

InterruptGuard::~InterruptGuard() {
  for (const int signal : {SIGINT, SIGTERM}) set_handler(signal, SIG_DFL, 0);
}

const std::atomic<bool>& InterruptGuard::requested() const { return interrupted; }

void ignore_interrupts() { set_handler(SIGINT, SIG_IGN, 0); }

}  // namespace nsajit::cli
