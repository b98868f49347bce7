// ExportFile: the lines, and the checks of a file as a whole.

#include "cache/export_file.h"

#include <istream>
#include <ostream>
#include <type_traits>
#include <variant>

#include <fmt/format.h>

#include "cache/record_json.h"
#include "cache/row_check.h"
#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

ExportHeader count_rows(const Content& content, int version = ExportHeader::kVersion) {
  return {.version = version,
          .devices = content.devices.size(),
          .runs = content.runs.size(),
          .trials = content.trials.size(),
          .winners = content.winners.size(),
          .thresholds = content.thresholds.size()};
}

template <typename Rows>
void write_rows(std::ostream& out, const Rows& rows) {
  for (const auto& [key, row] : rows) out << to_line(row) << '\n';
}

class Import {
 public:
  Import(const std::string& name, const ImportLimits& limits) : name_(name), limits_(limits) {}

  void add(const std::string& line) {
    ++line_;
    bytes_ += line.size() + 1;
    check_limits(line);
    try {
      std::visit([&](auto& row) { add_row(row); }, row_ = parse_line(line, header_ ? header_->version : ExportHeader::kVersion));
    } catch (const Error& error) { refuse(error.what()); }
  }

  Content finish() {
    if (!header_) refuse("the file is empty");
    const ExportHeader counts = count_rows(content_, header_->version);
    if (!(counts == *header_)) refuse("the file ends early: it has fewer rows than its first line says");
    if (const Fault fault = find_dangling(content_)) refuse(*fault);
    return std::move(content_);
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw Error(ErrorCode::InvalidArgument,
                fmt::format("cannot import {}, line {}: {}; nothing was imported", name_, line_, why));
  }

 private:
  void check_limits(const std::string& line) const {
    if (bytes_ > limits_.file_bytes) refuse(fmt::format("the file is larger than {} bytes", limits_.file_bytes));
    if (line.size() > limits_.line_bytes) refuse(fmt::format("the line is longer than {} bytes", limits_.line_bytes));
    if (static_cast<std::size_t>(line_) > limits_.rows) refuse(fmt::format("the file has more than {} lines", limits_.rows));
    if (line_ == 1 && line.starts_with("SQLite format 3")) refuse("this is a cache file; `nsajit cache merge` takes it");
  }

  void add_row(const ExportHeader& header) {
    if (header_) refuse("a second first line");
    header_ = header;
  }

  template <typename Row>
  void add_row(const Row& row) {
    if (!header_) refuse("not an export of a nsajit cache: its first line is no {\"nsajit_cache\": ...}");
    if (const Fault fault = find_row_fault(row)) refuse(*fault);
    const auto before = count();
    take(content_, row);
    if (count() == before) refuse("the row occurs twice");
  }

  static Fault find_row_fault(const KeyedThreshold& row) { return find_fault(row.record); }
  static Fault find_row_fault(const KeyedWinner&) { return std::nullopt; }  // judged with its trial, at the end
  template <typename Row>
  static Fault find_row_fault(const Row& row) {
    return find_fault(row);
  }

  std::size_t count() const {
    const ExportHeader counts = count_rows(content_);
    return counts.devices + counts.runs + counts.trials + counts.winners + counts.thresholds;
  }

  const std::string& name_;
  const ImportLimits limits_;
  int line_ = 0;
  std::size_t bytes_ = 0;
  ExportedRow row_;
  std::optional<ExportHeader> header_;
  Content content_;
};

}  // namespace

void write_export(std::ostream& out, const Content& content) {
  out << to_line(count_rows(content)) << '\n';
  write_rows(out, content.devices);
  write_rows(out, content.runs);
  write_rows(out, content.trials);
  write_rows(out, content.winners);
  write_rows(out, content.thresholds);
}

Content read_export(std::istream& in, const std::string& name, const ImportLimits& limits) {
  Import import(name, limits);
  for (std::string line; std::getline(in, line);) import.add(line);
  if (in.bad()) throw Error(ErrorCode::Io, fmt::format("cannot import {}: it cannot be read to its end", name));
  return import.finish();
}

}  // namespace nsajit::cache
