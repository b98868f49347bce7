#pragma once
// The child's loop over a device that is open already; serve_worker (worker_runner.h) opens it first.

#include "codegen/compiler.h"
#include "nsajit/recording.h"
#include "runtime/device.h"

namespace nsajit::tuner {

// Says hello with the device's target, then answers requests from descriptor `in` on `out` until end of file or until a
// candidate leaves the device unusable. Ends the process at once where the other side goes away in mid-trial.
// Returns the exit code.
int serve_requests(runtime::Device& device, int in, int out, const Recordings& recordings = {});

// The same for compilations: answers the requests of a KillableCompiler (killable_compiler.h) until end of file.
int serve_compiler(codegen::Compiler& compiler, int in, int out);

}  // namespace nsajit::tuner
