#pragma once
// KeyLock: one process or thread at a time works on a key, so that what is wanted by many is compiled once. A byte range
// of a file beside the cache, locked through the kernel: the lock goes with its owner, however that ends, and
// there is nothing stale to clean up. Works across machines where the file system has locks.

#include <chrono>
#include <optional>
#include <string>

namespace nsajit::cache {

class KeyLock {
 public:
  // Waits while another holds `key`, at most `patience`. nullopt: that was too long, or the place has no locks (read-only
  // folder, file system without them); the caller goes on without.
  static std::optional<KeyLock> take(const std::string& cache_path, const std::string& key, std::chrono::milliseconds patience);

  KeyLock(KeyLock&& other) noexcept;
  KeyLock& operator=(KeyLock&&) = delete;
  ~KeyLock();

 private:
  explicit KeyLock(int file) : file_(file) {}
  int file_;
};

}  // namespace nsajit::cache
