#pragma once
// CapturedChild: runs a call in a forked child, for calls that end the process or write to descriptor 2.

#include <functional>
#include <string>

namespace nsajit::tests {

struct ChildOutcome {
  int signal = 0;          // that ended the child; 0 = it returned
  std::string error_text;  // what it wrote to stderr
};

ChildOutcome run_in_child(const std::function<void()>& call);

}  // namespace nsajit::tests
