#pragma once
// CapturedStderr: what the process writes to descriptor 2 while the object lives, for tests that count warnings.

#include <cstdio>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace nsajit::cache {

class CapturedStderr {
 public:
  CapturedStderr() : file_(std::tmpfile()), saved_(dup(2)) { dup2(fileno(file_), 2); }
  CapturedStderr(const CapturedStderr&) = delete;
  CapturedStderr& operator=(const CapturedStderr&) = delete;
  ~CapturedStderr() {
    dup2(saved_, 2);
    close(saved_);
    std::fclose(file_);
  }

  std::string text() const {
    std::fflush(stderr);
    std::string text(static_cast<std::size_t>(lseek(fileno(file_), 0, SEEK_CUR)), '\0');
    const auto bytes = pread(fileno(file_), text.data(), text.size(), 0);
    text.resize(bytes < 0 ? 0 : static_cast<std::size_t>(bytes));
    return text;
  }

  int lines() const {
    int count = 0;
    for (const char character : text()) count += character == '\n' ? 1 : 0;
    return count;
  }

 private:
  std::FILE* file_;
  int saved_;
};

}  // namespace nsajit::cache
