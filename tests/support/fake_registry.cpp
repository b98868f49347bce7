// The registry of a test program that links no templates: FakeOp is the only operation.

#include "nsajit/error.h"
#include "nsajit/selection_check.h"
#include "tests/support/fake_op.h"

namespace nsajit {

std::span<const Op* const> all_ops() {
  static const testing::FakeOp op;
  static const Op* const ops[] = {&op};
  return ops;
}

const Op& find_op(const Problem& problem) {
  for (const Op* op : all_ops())
    if (op->supports(problem)) return *op;
  throw Error(ErrorCode::Unsupported, "the fake registry serves selection only, not " + to_string(problem));
}

// FakeOp's arguments are no selection.
void check_selection_arguments(const Problem&, const nsajit_selection_args&, const CheckedLaunch&) {}

}  // namespace nsajit
