// RecordJson: one visitor writes the fields that record_fields.h lists, one reads them.

#include "cache/record_json.h"

#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "cache/record_fields.h"
#include "nsajit/error.h"

namespace nsajit::cache {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::size_t kMostTextBytes = 64 << 10;
constexpr std::size_t kMostLogBytes = 8 << 20;  // compilers' logs, reasons and ladders
constexpr int kMostDepth = 8;                   // of lists in objects; exports have 3
constexpr std::size_t kMostLadderSteps = 4096;

[[noreturn]] void refuse(std::string_view field, std::string_view why) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("field '{}': {}", field, why));
}

// JSON has no infinities; an error of the parity gate may be one.
ordered_json from_real(double value) {
  if (std::isfinite(value)) return value;
  return std::isnan(value) ? "nan" : value > 0 ? "inf" : "-inf";
}

ordered_json from_value(const std::string& value) { return value; }
ordered_json from_value(bool value) { return value; }
ordered_json from_value(std::int64_t value) { return value; }
ordered_json from_value(int value) { return value; }
ordered_json from_value(double value) { return from_real(value); }
ordered_json from_value(TrialStatus value) { return to_string(value); }

template <typename Record>
ordered_json to_object(const Record& record) {
  auto object = ordered_json::object();
  each_field([&](const char* name, const auto& value) { object[name] = from_value(value); }, record);
  return object;
}

// By place: there are dozens of parity rows to a trial, and names would be most of the file.
ordered_json to_list(const ParityRecord& parity) {
  auto list = ordered_json::array();
  each_field([&](const char*, const auto& value) { list.push_back(from_value(value)); }, parity);
  return list;
}

// A compiler's log may hold bytes that are no UTF-8.
std::string dump(const char* kind, ordered_json object) {
  ordered_json line;
  line[kind] = std::move(object);
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

void read_value(const json& value, std::string_view name, std::string& text) {
  if (!value.is_string()) refuse(name, fmt::format("a text is wanted, {} is there", value.type_name()));
  text = value.get<std::string>();
  const bool long_text = name == "log" || name == "reason" || name == "ladder_json";
  const std::size_t most = long_text ? kMostLogBytes : kMostTextBytes;
  if (text.size() > most) refuse(name, fmt::format("{} bytes, at most {} are taken", text.size(), most));
  if (text.find('\0') != std::string::npos) refuse(name, "holds a zero byte");
}

void read_value(const json& value, std::string_view name, bool& flag) {
  if (!value.is_boolean()) refuse(name, fmt::format("true or false is wanted, {} is there", value.type_name()));
  flag = value.get<bool>();
}

template <std::integral T>
void read_value(const json& value, std::string_view name, T& number) {
  if (!value.is_number_integer()) refuse(name, fmt::format("a whole number is wanted, {} is there", value.dump().substr(0, 40)));
  const bool large = value.is_number_unsigned() && value.get<std::uint64_t>() > std::uint64_t{std::numeric_limits<T>::max()};
  if (large || (!value.is_number_unsigned() && value.get<std::int64_t>() < std::int64_t{std::numeric_limits<T>::min()})) {
    refuse(name, fmt::format("{} does not fit", value.dump()));
  }
  number = value.get<T>();
}

void read_value(const json& value, std::string_view name, double& number) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (value == "nan") {
    number = std::numeric_limits<double>::quiet_NaN();
  } else if (value == "inf" || value == "-inf") {
    number = value == "inf" ? kInfinity : -kInfinity;
  } else if (value.is_number()) {
    number = value.get<double>();
  } else {
    refuse(name, fmt::format("a number is wanted, {} is there", value.type_name()));
  }
}

void read_value(const json& value, std::string_view name, TrialStatus& status) {
  std::string word;
  read_value(value, name, word);
  const auto known = find_trial_status(word);
  if (!known) refuse(name, fmt::format("'{}' is no status of a trial", word.substr(0, 40)));
  status = *known;
}

// An object whose fields must all be asked for.
class ObjectReader {
 public:
  ObjectReader(const json& object, const char* kind) : object_(object) {
    if (!object.is_object()) refuse(kind, "an object is wanted");
  }
  template <typename Value>
  void operator()(const char* name, Value& value) {
    read_value(take(name), name, value);
  }
  const json& take(const char* name) {
    const auto field = object_.find(name);
    if (field == object_.end()) refuse(name, "is missing");
    asked_.insert(name);
    return *field;
  }
  void finish() const {
    for (const auto& [name, value] : object_.items()) {
      if (!asked_.contains(name)) refuse(name.substr(0, 40), "is not known");
    }
  }

 private:
  const json& object_;
  std::set<std::string, std::less<>> asked_;
};

ParityRecord read_parity(const json& list) {
  ParityRecord parity;
  std::size_t place = 0;
  if (!list.is_array()) refuse("parity", "a list of lists is wanted");
  each_field(
      [&](const char* name, auto& value) {
        if (place >= list.size()) refuse("parity", fmt::format("a row ends before '{}'", name));
        read_value(list[place++], name, value);
      },
      parity);
  if (place != list.size()) refuse("parity", fmt::format("a row has {} values, {} are wanted", list.size(), place));
  return parity;
}

ExportHeader read_header(ObjectReader& read) {
  ExportHeader header;
  read("version", header.version);
  if (header.version < 1 || header.version > ExportHeader::kVersion) {
    refuse("version", fmt::format("the file is of format {}, this nsajit reads 1 to {}", header.version, ExportHeader::kVersion));
  }
  read("devices", header.devices);
  read("runs", header.runs);
  read("trials", header.trials);
  read("winners", header.winners);
  read("thresholds", header.thresholds);
  return header;
}

KeyedTrial read_trial(ObjectReader& read) {
  KeyedTrial trial;
  each_field(read, trial.record);
  read("run", trial.run);
  const json& rows = read.take("parity");
  if (!rows.is_array()) refuse("parity", "a list is wanted");
  for (const json& row : rows) trial.parity.push_back(read_parity(row));
  return trial;
}

KeyedWinner read_winner(ObjectReader& read) {
  KeyedWinner winner;
  each_field(read, winner.record);
  read("trial", winner.trial);
  read("baseline_trial", winner.baseline_trial);
  read("run", winner.run);
  return winner;
}

KeyedThreshold read_threshold(ObjectReader& read, int version) {
  KeyedThreshold threshold;
  each_field(
      [&](std::string_view name, auto& value) {
        if (version > 1 || name != "workload") read(name.data(), value);
      },
      threshold.record);
  read("run", threshold.run);
  return threshold;
}

template <typename Record>
Record read_record(ObjectReader& read) {
  Record record;
  each_field(read, record);
  return record;
}

ExportedRow read_row(const std::string& kind, ObjectReader& read, int version) {
  if (kind == "nsajit_cache") return read_header(read);
  if (kind == "device") return read_record<DeviceRecord>(read);
  if (kind == "run") return read_record<RunRecord>(read);
  if (kind == "trial") return read_trial(read);
  if (kind == "winner") return read_winner(read);
  if (kind == "threshold") return read_threshold(read, version);
  refuse(kind.substr(0, 40), "is no kind of row; device, run, trial, winner or threshold are");
}

// Refuses what the library would let pass: a name that occurs twice in one object, and nesting without end.
class ShapeCheck {
 public:
  bool operator()(int depth, json::parse_event_t event, const json& parsed) {
    if (depth > kMostDepth) throw Error(ErrorCode::InvalidArgument, fmt::format("nested deeper than {}", kMostDepth));
    if (event == json::parse_event_t::object_start) names_.emplace_back();
    if (event == json::parse_event_t::object_end) names_.pop_back();
    if (event == json::parse_event_t::key && !names_.back().insert(parsed.get<std::string>()).second) {
      refuse(parsed.get<std::string>().substr(0, 40), "occurs twice");
    }
    return true;
  }

 private:
  std::vector<std::set<std::string>> names_;
};

json parse_json(std::string_view text) {
  try {
    return json::parse(text, ShapeCheck());
  } catch (const json::exception& error) { throw Error(ErrorCode::InvalidArgument, fmt::format("no JSON: {}", error.what())); }
}

}  // namespace

std::string to_line(const ExportHeader& header) {
  return dump("nsajit_cache", {{"version", header.version},
                               {"devices", header.devices},
                               {"runs", header.runs},
                               {"trials", header.trials},
                               {"winners", header.winners},
                               {"thresholds", header.thresholds}});
}

std::string to_line(const DeviceRecord& device) { return dump("device", to_object(device)); }

std::string to_line(const RunRecord& run) { return dump("run", to_object(run)); }

std::string to_line(const KeyedTrial& trial) {
  auto object = to_object(trial.record);
  object["run"] = trial.run;
  auto& rows = object["parity"] = ordered_json::array();
  for (const ParityRecord& row : trial.parity) rows.push_back(to_list(row));
  return dump("trial", std::move(object));
}

std::string to_line(const KeyedWinner& winner) {
  auto object = to_object(winner.record);
  object["trial"] = winner.trial;
  object["baseline_trial"] = winner.baseline_trial;
  object["run"] = winner.run;
  return dump("winner", std::move(object));
}

std::string to_line(const KeyedThreshold& threshold) {
  auto object = to_object(threshold.record);
  object["run"] = threshold.run;
  return dump("threshold", std::move(object));
}

ExportedRow parse_line(std::string_view line, int version) {
  const json row = parse_json(line);
  if (!row.is_object() || row.size() != 1) {
    throw Error(ErrorCode::InvalidArgument, R"(a line is one object of one kind: {"trial": {...}})");
  }
  ObjectReader read(row.begin().value(), row.begin().key().substr(0, 40).c_str());
  ExportedRow exported = read_row(row.begin().key(), read, version);
  read.finish();
  return exported;
}

std::optional<std::vector<LadderPoint>> find_ladder(std::string_view text) {
  try {
    const json list = parse_json(text);
    if (!list.is_array() || list.size() > kMostLadderSteps) return std::nullopt;
    std::vector<LadderPoint> ladder;
    for (const json& step : list) {
      ObjectReader read(step, "step");
      each_field(read, ladder.emplace_back());
      read.finish();
    }
    return ladder;
  } catch (const Error&) { return std::nullopt; }
}

std::string ladder_to_json(const std::vector<LadderPoint>& ladder) {
  auto list = ordered_json::array();
  for (const LadderPoint& point : ladder) list.push_back(to_object(point));
  return list.dump();
}

bool is_entry_list(std::string_view text) {
  try {
    const json list = parse_json(text);
    if (!list.is_array() || list.empty()) return false;
    for (const json& entry : list) {
      if (!entry.is_object() || !entry.contains("name") || !entry["name"].is_string()) return false;
    }
    return true;
  } catch (const Error&) { return false; }
}

}  // namespace nsajit::cache
