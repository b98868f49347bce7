#pragma once
// SharedLibrary: a library opened at run time, closed with the object. The way to libcuda and NVML, so that one
// binary runs with and without a GPU.

#include <string>

namespace nsajit::runtime {

class SharedLibrary {
 public:
  // A missing library is not an error here: found() says so, and why() holds the loader's own words.
  explicit SharedLibrary(std::string path);
  SharedLibrary(const SharedLibrary&) = delete;
  SharedLibrary& operator=(const SharedLibrary&) = delete;
  ~SharedLibrary();

  bool found() const { return handle_ != nullptr; }
  const std::string& path() const { return path_; }
  const std::string& why() const { return why_; }
  void* find_symbol(const char* name) const;   // nullptr where it has none

 private:
  std::string path_;
  std::string why_;
  void* handle_ = nullptr;
};

}  // namespace nsajit::runtime
