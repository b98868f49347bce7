#pragma once
// Dump: a compiler that also writes source, log, binary and key text of each kernel into a folder (NSAJIT_DUMP).
// Wraps a real compiler. Thread-safe as the wrapped one: each kernel has file names of its own.

#include <memory>
#include <string>

#include "codegen/compiler.h"

namespace nsajit::codegen {

// The folder is made if need be. A dump that cannot be written is a warning: it must not change what is compiled.
std::unique_ptr<Compiler> make_dumping_compiler(std::unique_ptr<Compiler> compiler, std::string directory);

}  // namespace nsajit::codegen
