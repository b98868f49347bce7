#pragma once
// Output file: what a command writes for other programs, opened before anything runs, so that a path that cannot be written
// costs no measurement.

#include <fstream>
#include <memory>
#include <string>

namespace nsajit::cli {

class OutputFile {
 public:
  // "": none, and write() does nothing. Throws Error{Io} for a path that cannot be opened.
  explicit OutputFile(std::string path);
  // Says where it was written to. Throws Error{Io} where the disk refuses.
  void write(const std::string& text);

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace nsajit::cli
