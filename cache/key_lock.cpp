// KeyLock: open file description locks (fcntl(2)), which exclude threads as well as processes.

#include "cache/key_lock.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "core/digest.h"
#include "core/log.h"

namespace nsajit::cache {
namespace {

// The byte that stands for a key: locks may lie beyond the end of the file, which stays empty. Two keys that share a
// byte wait for each other, which costs time and nothing else.
off_t byte_of(const std::string& key) {
  constexpr int kDigits = 15;  // 60 bits: positive as an offset
  return static_cast<off_t>(std::stoull(digest_text(key).substr(0, kDigits), nullptr, 16));
}

enum class Attempt { Taken, Held, Impossible };

Attempt try_lock(int file, off_t byte) {
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_start = byte;
  range.l_len = 1;
  if (fcntl(file, F_OFD_SETLK, &range) == 0) return Attempt::Taken;
  const bool held = errno == EAGAIN || errno == EACCES || errno == EINTR;
  return held ? Attempt::Held : Attempt::Impossible;
}

}  // namespace

std::optional<KeyLock> KeyLock::take(const std::string& cache_path, const std::string& key, std::chrono::milliseconds patience) {
  const std::string path = cache_path + "-lock";
  // Closed in children that are started meanwhile: a worker must not keep the lock of a parent that is gone.
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (file < 0) {
    log_debug(fmt::format("no lock {}: {}; going on without", path, std::strerror(errno)));
    return std::nullopt;
  }
  KeyLock lock(file);
  const off_t byte = byte_of(key);
  const auto end = std::chrono::steady_clock::now() + patience;
  for (auto pause = std::chrono::milliseconds(1);; pause = std::min(2 * pause, std::chrono::milliseconds(20))) {
    const Attempt attempt = try_lock(file, byte);
    if (attempt == Attempt::Taken) return lock;
    if (attempt == Attempt::Impossible) {
      log_debug(fmt::format("no lock on {}: {}; going on without", path, std::strerror(errno)));
      return std::nullopt;
    }
    if (std::chrono::steady_clock::now() + pause > end) {
      log_warn(fmt::format("{}: key {} was held for {} ms; going on without", path, key, patience.count()));
      return std::nullopt;
    }
    std::this_thread::sleep_for(pause);
  }
}

KeyLock::KeyLock(KeyLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}

KeyLock::~KeyLock() {
  if (file_ >= 0) close(file_);
}

}  // namespace nsajit::cache
