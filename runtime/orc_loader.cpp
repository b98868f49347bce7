// OrcLoader: one ORC session per object, with JITLink underneath and no compiler in it.

#include "runtime/orc_loader.h"

#include <fmt/format.h>
#include <llvm/ExecutionEngine/Orc/Core.h>
#include <llvm/ExecutionEngine/Orc/ExecutorProcessControl.h>
#include <llvm/ExecutionEngine/Orc/ObjectLinkingLayer.h>
#include <llvm/Support/MemoryBuffer.h>

#include <cmath>
#include <cstring>

#include "core/log.h"
#include "nsajit/error.h"

namespace nsajit::runtime {
namespace {

namespace orc = llvm::orc;

std::string take_text(llvm::Error error) { return llvm::toString(std::move(error)); }

[[noreturn]] void fail(std::string_view attempt, const std::string& answer) {
  throw Error(ErrorCode::Driver, fmt::format("{}: {}", attempt, answer));
}

orc::ExecutorSymbolDef symbol_of(void* function) {
  return {orc::ExecutorAddr::fromPtr(function), llvm::JITSymbolFlags::Exported | llvm::JITSymbolFlags::Callable};
}

template <typename Result, typename... Args>
orc::ExecutorSymbolDef callable(Result (*function)(Args...)) {
  return symbol_of(reinterpret_cast<void*>(function));
}

// All that generated code may call: what LLVM itself emits calls to, and the scalar mathematics of libm. A list
// rather than the symbols of the process, so that a template means the same in every program.
orc::SymbolMap allowed_functions(orc::ExecutionSession& session) {
  const std::pair<const char*, orc::ExecutorSymbolDef> functions[] = {
      {"memcpy", callable<void*, void*, const void*, std::size_t>(&std::memcpy)},
      {"memmove", callable<void*, void*, const void*, std::size_t>(&std::memmove)},
      {"memset", callable<void*, void*, int, std::size_t>(&std::memset)},
      {"expf", callable<float, float>(&::expf)},   {"exp", callable<double, double>(&::exp)},
      {"exp2f", callable<float, float>(&::exp2f)}, {"exp2", callable<double, double>(&::exp2)},
      {"logf", callable<float, float>(&::logf)},   {"log", callable<double, double>(&::log)},
      {"log2f", callable<float, float>(&::log2f)}, {"log2", callable<double, double>(&::log2)},
      {"sqrtf", callable<float, float>(&::sqrtf)}, {"sqrt", callable<double, double>(&::sqrt)},
      {"fmaxf", callable<float, float, float>(&::fmaxf)}, {"fminf", callable<float, float, float>(&::fminf)},
      {"floorf", callable<float, float>(&::floorf)}, {"rintf", callable<float, float>(&::rintf)},
      {"roundf", callable<float, float>(&::roundf)}, {"ldexpf", callable<float, float, int>(&::ldexpf)},
      {"fmaf", callable<float, float, float, float>(&::fmaf)}, {"fma", callable<double, double, double, double>(&::fma)},
  };
  orc::SymbolMap map;
  for (const auto& [name, symbol] : functions) map[session.intern(name)] = symbol;
  return map;
}

std::unique_ptr<orc::ExecutorProcessControl> this_process() {
  auto process = orc::SelfExecutorProcessControl::Create();
  if (!process) fail("start LLVM's JIT linker", take_text(process.takeError()));
  return std::move(*process);
}

}  // namespace

struct LoadedObject::Session {
  orc::ExecutionSession session{this_process()};
  orc::ObjectLinkingLayer linker{session, session.getExecutorProcessControl().getMemMgr()};
  orc::JITDylib& library = session.createBareJITDylib("kernel");
  std::string reported;   // what LLVM reports beside the error that a lookup returns: the cause, usually

  Session() {
    session.setErrorReporter([this](llvm::Error error) {
      if (!reported.empty()) reported += "; ";
      reported += take_text(std::move(error));
    });
  }
  ~Session() {
    if (llvm::Error error = session.endSession()) log_warn("unload a CPU kernel: " + take_text(std::move(error)));
  }
};

LoadedObject::LoadedObject(std::span<const std::byte> object) : session_(std::make_unique<Session>()) {
  const std::string attempt = fmt::format("load a CPU object of {} bytes", object.size());
  if (llvm::Error error = session_->library.define(orc::absoluteSymbols(allowed_functions(session_->session))))
    fail(attempt, take_text(std::move(error)));
  // A copy: JITLink reads it at the first lookup, after the caller's bytes may be gone.
  const llvm::StringRef bytes(reinterpret_cast<const char*>(object.data()), object.size());
  if (llvm::Error error = session_->linker.add(session_->library, llvm::MemoryBuffer::getMemBufferCopy(bytes, "kernel")))
    fail(attempt, take_text(std::move(error)));
}

LoadedObject::~LoadedObject() = default;

void* LoadedObject::find_function(const std::string& name) const {
  orc::ExecutionSession& session = session_->session;
  // All symbols: entries are hidden where the template was compiled so.
  const orc::JITDylibSearchOrder order{{&session_->library, orc::JITDylibLookupFlags::MatchAllSymbols}};
  auto symbol = session.lookup(order, session.intern(name));
  if (symbol) return symbol->getAddress().toPtr<void*>();
  const std::string answer = take_text(symbol.takeError());
  fail(fmt::format("find function {} in a CPU object", name),
       session_->reported.empty() ? answer : fmt::format("{} ({})", answer, session_->reported));
}

}  // namespace nsajit::runtime
