#pragma once
// Compile protocol: what a KillableCompiler and its children say to each other, in the frames of the worker protocol. One
// request, one reply: a binary, a failure, or an error of the environment. Pure.

#include <string>
#include <variant>

#include "codegen/compiler.h"
#include "nsajit/error.h"
#include "tuner/worker_protocol.h"

namespace nsajit::tuner {

struct CompileRequest {
  codegen::KernelSource source;
  Target target;
};

struct CompilerError {  // what compile() threw
  ErrorCode code = ErrorCode::Compile;
  std::string message;
};

using CompileReply = std::variant<codegen::CompileResult, CompilerError>;

Frame encode(const CompileRequest& request);
Frame encode(const CompileReply& reply);

// Throw Error{Worker} naming what is missing or malformed.
CompileRequest decode_compile_request(const Frame& frame);
CompileReply decode_compile_reply(const Frame& frame);

}  // namespace nsajit::tuner
