// Sweep file: every key is checked, and every complaint carries the line it is about.

#include "cli/sweep_file.h"

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "cli/overlap_list.h"
#include "cli/tuple_fields.h"
#include "nsajit/error.h"

namespace nsajit::cli {
namespace {

[[noreturn]] void complain(const std::string& path, const toml::source_region& where, std::string_view what) {
  throw Error(ErrorCode::InvalidArgument, fmt::format("sweep file {}, line {}: {}", path, where.begin.line, what));
}

std::string join(const std::vector<std::string_view>& names) {
  std::string text;
  for (const auto name : names) text += fmt::format("{}{}", text.empty() ? "" : ", ", name);
  return text;
}

const toml::table& as_table(const toml::node& node, std::string_view name, const std::string& path) {
  if (const auto* table = node.as_table()) return *table;
  complain(path, node.source(), fmt::format("'{}' is to be a table", name));
}

// A tuple as far as it is read.
struct TupleDraft {
  TupleBuilder builder;
  std::vector<int> overlaps;          // of a list; empty: the builder has the one
  std::vector<std::string> branches;  // the same
  std::string selection;              // file of a recorded selection, as written
};

// One value of a tuple as text, so that flags and files go through the same checks.
std::string tuple_value(const toml::node& node, const TupleField& field, const std::string& path) {
  if (field.number) {
    if (const auto value = node.value_exact<std::int64_t>()) return std::to_string(*value);
    complain(path, node.source(), fmt::format("'{}' is to be a whole number ({})", field.name, field.help));
  }
  if (const auto value = node.value_exact<std::string>()) return *value;
  complain(path, node.source(), fmt::format("'{}' is to be a quoted word: {}", field.name, field.help));
}

std::vector<int> read_overlaps(const toml::array& list, const std::string& path) {
  std::vector<int> overlaps;
  for (const auto& node : list) {
    const auto value = node.value_exact<std::int64_t>();
    if (!value || *value < 0 || *value > 100) complain(path, node.source(), "'overlap' is to be percentages, 0..100: [0, 50]");
    overlaps.push_back(static_cast<int>(*value));
  }
  if (overlaps.empty()) complain(path, list.source(), "'overlap' is an empty list; one workload is made per overlap: [0, 50]");
  return overlaps;
}

std::vector<std::string> read_branches(const toml::array& list, const std::string& path) {
  std::vector<std::string> branches;
  for (const auto& node : list) {
    const auto word = node.value_exact<std::string>();
    if (!word) complain(path, node.source(), "'branch' is to be quoted words: [\"selection\", \"sliding\"]");
    branches.push_back(*word);
  }
  if (branches.empty()) complain(path, list.source(), "'branch' is an empty list; one workload is made per branch");
  return branches;
}

// The fields that are not a value of the workload, and lists. False: it is another.
bool read_special(TupleDraft& draft, std::string_view key, const toml::node& node, const std::string& path) {
  if (key == "branch") {
    draft.branches.clear();  // of the defaults
    if (const auto* list = node.as_array()) draft.branches = read_branches(*list, path);
    return node.is_array();
  }
  if (key == "overlap") {
    draft.overlaps.clear();  // of the defaults
    if (const auto* list = node.as_array()) draft.overlaps = read_overlaps(*list, path);
    return node.is_array();
  }
  if (key != "selection") return false;
  const auto file = node.value_exact<std::string>();
  if (!file || file->empty())
    complain(path, node.source(), "'selection' is to be the quoted name of a .npy file, relative to the sweep file");
  draft.selection = *file;
  return true;
}

void read_fields(TupleDraft& draft, const toml::table& table, const std::string& path) {
  std::vector<std::string_view> known{"selection"};
  for (const auto& field : tuple_fields()) known.push_back(field.name);
  for (const auto& [key, node] : table) {
    if (read_special(draft, key.str(), node, path)) continue;
    const TupleField* found = nullptr;
    for (const auto& field : tuple_fields()) {
      if (field.name == key.str()) found = &field;
    }
    if (found == nullptr)
      complain(path, key.source(), fmt::format("unknown key '{}' in a tuple; known: {}", key.str(), join(known)));
    try {
      draft.builder.set(found->name, tuple_value(node, *found, path));
    } catch (const Error& error) {
      if (std::string_view(error.what()).starts_with("sweep file")) throw;
      complain(path, node.source(), error.what());
    }
  }
}

void read_tune(Sweep& sweep, const toml::table& table, const std::string& path) {
  for (const auto& [key, node] : table) {
    if (key == "strategy") {
      sweep.strategy = node.value_exact<std::string>();
      if (!sweep.strategy)
        complain(path, node.source(), "'strategy' is to be a quoted word: exhaustive, random, ranked, halving, local or learned");
    } else if (key == "max_trials") {
      sweep.max_trials = node.value_exact<std::int64_t>();
      if (!sweep.max_trials || *sweep.max_trials < 0)
        complain(path, node.source(), "'max_trials' is to be a whole number, 0 = all");
    } else if (key == "budget_s") {
      sweep.budget_s = node.value<double>();
      if (!sweep.budget_s || *sweep.budget_s < 0)
        complain(path, node.source(), "'budget_s' is to be a number of seconds, 0 = no limit");
    } else {
      complain(path, key.source(), fmt::format("unknown key '{}' in [tune]; known: strategy, max_trials, budget_s", key.str()));
    }
  }
}

Workload build_tuple(Sweep& sweep, const TupleDraft& draft, const std::string& path) {
  if (draft.selection.empty()) {
    const Workload workload = draft.builder.build();
    validate(workload);
    return workload;
  }
  const auto file = std::filesystem::path(path).parent_path() / draft.selection;
  return draft.builder.build(sweep.recordings.add(load_recording(file.string())));
}

void read_tuple(Sweep& sweep, const TupleDraft& defaults, const toml::node& node, const std::string& path) {
  const auto& table = as_table(node, "tuple", path);
  TupleDraft draft = defaults;
  read_fields(draft, table, path);
  try {
    std::vector<Workload> workloads;
    if (draft.branches.empty()) workloads.push_back(build_tuple(sweep, draft, path));
    for (const std::string& branch : draft.branches) {
      draft.builder.set("branch", branch);
      workloads.push_back(build_tuple(sweep, draft, path));
    }
    workloads = spread_overlaps(workloads, draft.overlaps);
    sweep.workloads.insert(sweep.workloads.end(), workloads.begin(), workloads.end());
  } catch (const Error& error) { complain(path, table.source(), error.what()); }
}

void check_sections(const toml::table& document, const std::string& path) {
  for (const auto& [key, node] : document) {
    if (key == "tune" || key == "defaults" || key == "tuple") continue;
    complain(path, key.source(), fmt::format("unknown section '{}'; known: [tune], [defaults], [[tuple]]", key.str()));
  }
}

// Line of the first byte beyond ASCII outside of a comment; 0: none. toml++ 3.3 runs into undefined behaviour at letters such as
// the e with an acute accent wherever it expects a value, and from where it gives up quotes are no help. So a # counts where no
// quote stands before it on its line.
int find_stray_byte(std::string_view text) {
  int line = 1;
  bool comment = false, quoted = false;
  for (const char byte : text) {
    if (byte == '\n') {
      ++line;
      comment = quoted = false;
    }
    quoted = quoted || byte == '"' || byte == '\'';
    comment = comment || (byte == '#' && !quoted);
    if (!comment && static_cast<unsigned char>(byte) >= 0x80) return line;
  }
  return 0;
}

toml::table parse_document(std::string_view text, const std::string& path) {
  try {
    if (const int line = find_stray_byte(text); line > 0) {
      throw Error(ErrorCode::InvalidArgument,
                  fmt::format("sweep file {}, line {}: a character beyond ASCII; in quotes write it as \\u00e9", path, line));
    }
    return toml::parse(text, path);
  } catch (const toml::parse_error& error) { complain(path, error.source(), error.description()); }
}

}  // namespace

Sweep parse_sweep(std::string_view text, const std::string& path) {
  const toml::table document = parse_document(text, path);
  check_sections(document, path);
  Sweep sweep;
  if (const auto* tune = document.get("tune")) read_tune(sweep, as_table(*tune, "tune", path), path);
  TupleDraft defaults;
  if (const auto* fields = document.get("defaults")) read_fields(defaults, as_table(*fields, "defaults", path), path);
  const auto* tuples = document.get("tuple");
  if (tuples == nullptr)
    complain(path, document.source(), "no [[tuple]] in it; each names one workload, as in sweeps/quick.toml");
  if (!tuples->is_array()) complain(path, tuples->source(), "'tuple' is to be an array of tables: write [[tuple]], not [tuple]");
  for (const auto& node : *tuples->as_array()) read_tuple(sweep, defaults, node, path);
  return sweep;
}

Sweep load_sweep(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) {
    throw Error(ErrorCode::InvalidArgument, fmt::format("sweep file {}: cannot be read; is the path right? sweeps/quick.toml and "
                                                        "sweeps/users.toml come with nsajit",
                                                        path));
  }
  return parse_sweep(text.str(), path);
}

}  // namespace nsajit::cli
