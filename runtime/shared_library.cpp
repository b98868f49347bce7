// SharedLibrary: dlopen as an owned handle.

#include "runtime/shared_library.h"

#include <dlfcn.h>

#include <utility>

namespace nsajit::runtime {

SharedLibrary::SharedLibrary(std::string path) : path_(std::move(path)) {
  handle_ = ::dlopen(path_.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle_ != nullptr) return;
  const char* text = ::dlerror();
  why_ = text != nullptr ? text : "dlopen gave no reason";
}

SharedLibrary::~SharedLibrary() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

void* SharedLibrary::find_symbol(const char* name) const {
  return handle_ != nullptr ? ::dlsym(handle_, name) : nullptr;
}

}  // namespace nsajit::runtime
