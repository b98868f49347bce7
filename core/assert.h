#pragma once
// NSAJIT_ASSERT: a bug of ours, with the reason that makes the condition true. Always on: none of these
// sits on the launch path.

namespace nsajit {
[[noreturn]] void fail_assertion(const char* condition, const char* reason, const char* file, int line);
}  // namespace nsajit

#define NSAJIT_ASSERT(condition, reason) \
  ((condition) ? static_cast<void>(0) : ::nsajit::fail_assertion(#condition, reason, __FILE__, __LINE__))
