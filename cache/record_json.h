#pragma once
// RecordJson: a row as one line of JSON and back. The door to nlohmann-json in this folder. Equal rows give equal
// lines, byte for byte: fields in a fixed order, numbers in their shortest exact form.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "cache/content.h"

namespace nsajit::cache {

// The first line of an export: how many lines of each kind follow.
struct ExportHeader {
  static constexpr int kVersion = 2;  // 2: thresholds say their workload
  int version = kVersion;
  std::size_t devices = 0, runs = 0, trials = 0, winners = 0, thresholds = 0;
  bool operator==(const ExportHeader&) const = default;
};

std::string to_line(const ExportHeader& header);
std::string to_line(const DeviceRecord& device);
std::string to_line(const RunRecord& run);
std::string to_line(const KeyedTrial& trial);
std::string to_line(const KeyedWinner& winner);
std::string to_line(const KeyedThreshold& threshold);

using ExportedRow = std::variant<ExportHeader, DeviceRecord, RunRecord, KeyedTrial, KeyedWinner, KeyedThreshold>;

// Reads one line of an export of format `version`, which the first line says of itself. Form only: every field there, none
// besides, each of its type and in bounds. Throws Error{InvalidArgument} that names the field; what the values mean is
// row_check.h's.
ExportedRow parse_line(std::string_view line, int version = ExportHeader::kVersion);

// The points of a threshold's ladder, as thresholds store them. nullopt: no such list.
std::optional<std::vector<LadderPoint>> find_ladder(std::string_view json);
std::string ladder_to_json(const std::vector<LadderPoint>& ladder);
// Is the text a JSON list of objects that have a "name"? What a binary's entries are stored as.
bool is_entry_list(std::string_view json);

}  // namespace nsajit::cache
