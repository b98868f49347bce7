#pragma once
// OrcLoader: puts the ELF object of the LLVM compiler into memory, ready to be called. The door to LLVM's ORC and
// JITLink. A LoadedObject may be called from any thread.

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace nsajit::runtime {

class LoadedObject {
 public:
  // Throws Error{Driver} with LLVM's words: a damaged object, a call to a function that code may not call.
  explicit LoadedObject(std::span<const std::byte> object);
  ~LoadedObject();

  // Throws Error{Driver} where the object defines no such function.
  void* find_function(const std::string& name) const;

 private:
  struct Session;
  std::unique_ptr<Session> session_;
};

}  // namespace nsajit::runtime
