// OutputFile: see the header.

#include "cli/output_file.h"

#include <utility>

#include <fmt/format.h>

#include "nsajit/error.h"

namespace nsajit::cli {

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  if (path_.empty()) return;
  file_.open(path_);
  if (!file_)
    throw Error(ErrorCode::Io, fmt::format("write {}: cannot be opened; does its folder exist, is it writable?", path_));
}

void OutputFile::write(const std::string& text) {
  if (path_.empty()) return;
  if (!(file_ << text).flush()) throw Error(ErrorCode::Io, fmt::format("write {}: refused; is the disk full?", path_));
  fmt::print("written to {}\n", path_);
}

}  // namespace nsajit::cli
