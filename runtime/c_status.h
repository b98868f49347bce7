#pragma once
// C status: how what is thrown inside becomes a status and a text of the calling thread. Used by c_abi.cpp alone.

#include "nsajit/nsajit.h"

namespace nsajit::runtime {

// Requires: called while an exception is handled. Keeps its message for nsajit_last_error.
nsajit_status keep_error() noexcept;

template <class Work>
nsajit_status run_guarded(Work&& work) noexcept {
  try {
    work();
    return NSAJIT_OK;
  } catch (...) { return keep_error(); }
}

}  // namespace nsajit::runtime
