#pragma once
// Variable: an environment variable, set for the length of a test.

#include <cstdlib>

namespace nsajit::testing {

class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) { setenv(name, value, 1); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;
  ~Variable() { unsetenv(name_); }

 private:
  const char* name_;
};

}  // namespace nsajit::testing
