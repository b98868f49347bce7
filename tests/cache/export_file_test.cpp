// ExportFile: what goes out comes back, equal content gives equal bytes, and a bad file is refused by line.

#include "cache/export_file.h"

#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <string>
#include <vector>

#include <catch2/catch_all.hpp>

#include "cache/cache.h"
#include "nsajit/error.h"
#include "tests/cache/golden_files.h"
#include "tests/cache/sample_content.h"
#include "tests/cache/sample_records.h"
#include "tests/cache/says.h"
#include "tests/cache/scratch_folder.h"

namespace nsajit::cache {
namespace {

const Content& sample() {
  static const Content content = sample_content({.trials = 12, .winners = 3, .seed = 4});
  return content;
}

std::string text_of(const Content& content) {
  std::ostringstream text;
  write_export(text, content);
  return text.str();
}

Content read(const std::string& text, const ImportLimits& limits = {}) {
  std::istringstream in(text);
  return read_export(in, "file", limits);
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

// The sample with the first `from` behind `after` replaced.
std::string edited(const std::string& after, const std::string& from, const std::string& to) {
  std::string text = text_of(sample());
  const auto begin = text.find(after);
  REQUIRE(begin != std::string::npos);
  const auto place = text.find(from, begin);
  REQUIRE(place != std::string::npos);
  return text.replace(place, from.size(), to);
}

}  // namespace

TEST_CASE("what is exported comes back as it was") {
  REQUIRE(text_of(read(text_of(sample()))) == text_of(sample()));
  REQUIRE(text_of(read(text_of(Content{}))) == text_of(Content{}));
}

TEST_CASE("an export of the format of today reads, and is written byte for byte as it was") {
  const std::string golden(golden_exports().back());
  REQUIRE(text_of(read(golden)) == golden);
  REQUIRE(text_of(sample_content({.trials = 3, .winners = 1, .seed = 1})) == golden);
}

TEST_CASE("an export of format 1 reads; its thresholds do not say their workload") {
  const Content read_back = read(std::string(golden_exports()[0]));
  Content expected = sample_content({.trials = 3, .winners = 1, .seed = 1});
  KeyedThreshold threshold = expected.thresholds.begin()->second;
  threshold.record.workload = "";
  expected.thresholds = {{threshold_key(threshold.record), threshold}};
  REQUIRE(text_of(read_back) == text_of(expected));
}

TEST_CASE("each format has its own fields: one that is of another is refused") {
  std::string first(golden_exports()[0]), second(golden_exports()[1]);
  REQUIRE_THROWS_WITH(read(second.replace(second.find("\"version\":2"), 11, "\"version\":1")), says("'workload': is not known"));
  REQUIRE_THROWS_WITH(read(first.replace(first.find("\"version\":1"), 11, "\"version\":2")), says("'workload': is missing"));
}

TEST_CASE("two exports of one content are equal byte for byte, whatever the rows' numbers") {
  ScratchFolder folder;
  Cache first = Cache::open(folder.file("first"), OpenMode::ReadWrite);
  first.merge(sample());
  Cache second = Cache::open(folder.file("second"), OpenMode::ReadWrite);
  second.begin_run(sample_run());
  second.merge(sample_content({.trials = 2, .winners = 1, .seed = 9}));
  second.merge(sample());
  first.begin_run(sample_run());
  first.merge(sample_content({.trials = 2, .winners = 1, .seed = 9}));
  REQUIRE(first.trials().front() != second.trials().front());
  REQUIRE(text_of(first.content()) == text_of(second.content()));
}

TEST_CASE("numbers, infinities and foreign bytes survive the way out and back") {
  Content content = sample();
  KeyedTrial& failure = content.trials.begin()->second;
  failure.record = sample_failure(1, TrialStatus::Parity);
  failure.record.compile_ms = 0.1 + 0.2;
  failure.record.log = "quote \" newline \n \xC3\xA9 and a stray \xFF byte";
  failure.parity = sample_parity();
  failure.parity[0].passed = false;
  failure.parity[0].max_error = std::numeric_limits<double>::infinity();
  failure.parity[0].mean_error = std::numeric_limits<double>::quiet_NaN();
  Content only;
  only.devices = content.devices;
  only.runs = content.runs;
  only.trials[failure.record.key] = failure;
  const Content back = read(text_of(only));
  REQUIRE(text_of(back) == text_of(only));
  const KeyedTrial& trial = back.trials.begin()->second;
  REQUIRE(trial.record.compile_ms == 0.1 + 0.2);
  REQUIRE(std::isinf(trial.parity[0].max_error));
  REQUIRE(std::isnan(trial.parity[0].mean_error));
}

TEST_CASE("an export has no code in it") {
  ScratchFolder folder;
  Cache cache = Cache::open(folder.file(), OpenMode::ReadWrite);
  const TrialRecord trial = sample_trial(cache.begin_run(sample_run()));
  cache.store_trial(trial, sample_parity(), sample_binary());
  const std::string text = text_of(cache.content());
  REQUIRE(text.find(trial.config) != std::string::npos);
  REQUIRE(text.find("attend") == std::string::npos);  // the binary's entry
  REQUIRE(text.size() < sample_binary().code.size());
}

TEST_CASE("a bad line is named, with what is wrong with it") {
  const auto [name, text, answer] = GENERATE(table<std::string, std::string, std::string>({
      {"empty", "", "line 0: the file is empty"},
      {"not JSON", "hello\n", "line 1: no JSON"},
      {"a cache file", std::string("SQLite format 3\0x", 17) + "\n", "line 1: this is a cache file; `nsajit cache merge`"},
      {"another JSON", "{\"a\": 1, \"b\": 2}\n", "line 1: a line is one object"},
      {"an unknown kind", "{\"code\": {}}\n", "line 1: field 'code': is no kind of row"},
      {"no header", lines_of(text_of(sample()))[1] + "\n", "line 1: not an export"},
      {"two headers", lines_of(text_of(sample()))[0] + "\n" + text_of(sample()), "line 2: a second first line"},
      {"a later format", edited("{", "\"version\":2", "\"version\":9"), "line 1: field 'version': the file is of format 9"},
      {"an unknown field", edited("\"trial\"", "\"op\":", "\"sql\":\"\",\"op\":"), "field 'sql': is not known"},
      {"a field twice", edited("\"trial\"", "\"op\":", "\"op\":\"x\",\"op\":"), "field 'op': occurs twice"},
      {"a missing field", edited("\"trial\"", "\"samples\":", "\"simples\":"), "field 'samples': is missing"},
      {"a text for a number", edited("\"trial\"", "\"samples\":7", "\"samples\":\"7\""), "field 'samples': a whole number"},
      {"a fraction", edited("\"trial\"", "\"samples\":7", "\"samples\":7.5"), "field 'samples': a whole number is wanted, 7.5"},
      {"a huge number", edited("\"trial\"", "\"samples\":7", "\"samples\":4000000000"),
       "field 'samples': 4000000000 does not fit"},
      {"a negative count", edited("\"trial\"", "\"samples\":7", "\"samples\":-7"), "a count is negative"},
      {"an infinite time", edited("\"trial\"", "\"compile_ms\":170.5", "\"compile_ms\":\"inf\""), "a time is inf"},
      {"a status of no kind", edited("\"trial\"", "\"measured\"", "\"excellent\""), "'excellent' is no status"},
      {"another key text", edited("\"trial\"", "op=selection", "op=sliding"), "is not the digest of its key text"},
      {"another config", edited("\"trial\"", "\"config\":\"", "\"config\":\"x"), "its key text has config"},
      {"another operation", edited("\"trial\"", "\"op\":\"selection\"", "\"op\":\"sliding\""), "its key text has op"},
      {"a day of no form", edited("\"trial\"", "\"created_utc\":\"2026", "\"created_utc\":\"26"), "is no time like"},
      {"passed over its limit", edited("\"trial\"", "0.001,", "0.5,"), "passed with an error over its limit"},
      {"failed and measured", edited("\"trial\"", "true", "false"), "it is measured, but its parity row"},
      {"a parity row of one value", edited("\"trial\"", "\"parity\":[[", "\"parity\":[[1],["), "field 'case': a text is wanted"},
      {"a device that is two", edited("\"device\"", "\"name\":\"NVIDIA H200\"", "\"name\":\"NVIDIA B200\""),
       "does not begin with"},
      {"a run without a device", edited("\"run\"", "\"device\":\"cuda", "\"device\":\"cpu"),
       "run .*: its device .* is not there"},
      {"a winner of nothing", edited("\"winner\"", "\"trial\":\"", "\"trial\":\"0"), "winner .*: its trial 0.* is not there"},
      {"a baseline of nothing", edited("\"winner\"", "\"baseline_trial\":\"", "\"baseline_trial\":\"0"),
       "its baseline 0.* is not"},
      {"a threshold below never", edited("\"threshold\"", "\"value\":", "\"value\":-"), "-1 \\(never\\) is the least"},
      {"a threshold's name", edited("\"threshold\"", "NSA_SEL", "$(rm) "), "is no name of a threshold"},
      {"a ladder of no form", edited("\"threshold\"", "\\\"length\\\"", "\\\"len\\\""), "its ladder is no list"},
  }));
  INFO(name);
  REQUIRE_THROWS_WITH(read(text), says("cannot import file, .*" + answer + ".*; nothing was imported"));
}

TEST_CASE("a file that ends early is refused, wherever it ends") {
  const std::vector<std::string> lines = lines_of(text_of(sample()));
  for (std::size_t kept = 1; kept < lines.size(); ++kept) {
    const std::vector<std::string> some(lines.begin(), lines.begin() + static_cast<long>(kept));
    REQUIRE_THROWS_WITH(read(join(some)), says("(the file ends early|is not there)"));
  }
}

TEST_CASE("a row that occurs twice is refused") {
  std::vector<std::string> lines = lines_of(text_of(sample()));
  lines.insert(lines.begin() + 3, lines[3]);
  REQUIRE_THROWS_WITH(read(join(lines)), says("line 5: the row occurs twice"));
}

TEST_CASE("a file beyond a limit is refused") {
  const std::string text = text_of(sample());
  REQUIRE_THROWS_WITH(read(text, {.file_bytes = 1000}), says("the file is larger than 1000 bytes"));
  REQUIRE_THROWS_WITH(read(text, {.line_bytes = 100}), says("the line is longer than 100 bytes"));
  REQUIRE_THROWS_WITH(read(text, {.rows = 4}), says("line 5: the file has more than 4 lines"));
  REQUIRE_THROWS_WITH(read(std::string(1000, '[') + "\n"), says("line 1: nested deeper than 8"));
}

TEST_CASE("a file with any byte changed is refused or read, and never more than that") {
  const std::string healthy = text_of(sample());
  std::mt19937_64 random(3);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string text = healthy;
    text[random() % text.size()] = static_cast<char>(random());
    try {
      read(text);
    } catch (const Error& error) {
      REQUIRE(error.code() == ErrorCode::InvalidArgument);
      ++refused;
    }
  }
  REQUIRE(refused > 200);
}

}  // namespace nsajit::cache
