// Assertion failure: says what did not hold, then aborts so that a debugger or a core file shows where.
#include "core/assert.h"

#include <cstdio>
#include <cstdlib>

namespace nsajit {

void fail_assertion(const char* condition, const char* reason, const char* file, int line) {
  std::fprintf(stderr, "nsajit: internal error at %s:%d: %s (%s does not hold). Please report this.\n", file, line, reason,
               condition);
  std::abort();
}

}  // namespace nsajit
