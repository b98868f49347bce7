// ptxas log: see the header. The lines of one kernel, since CUDA 11:
//   ptxas info    : Compiling entry function 'k' for 'sm_90a'
//   ptxas info    : Function properties for k
//       0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
//   ptxas info    : Used 8 registers, used 1 barriers, 1024 bytes smem, 540 bytes cmem[0]
// Device functions that were not inlined have "Function properties" of their own, after the entry's.

#include "codegen/ptxas_log.h"

#include <charconv>
#include <optional>
#include <string>

namespace nsajit::codegen {
namespace {

std::optional<std::string> quoted_after(std::string_view line, std::string_view words) {
  const std::size_t at = line.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  const std::size_t begin = line.find('\'', at + words.size());
  if (begin == std::string_view::npos) return std::nullopt;
  const std::size_t end = line.find('\'', begin + 1);
  if (end == std::string_view::npos) return std::nullopt;
  return std::string(line.substr(begin + 1, end - begin - 1));
}

// The number just before `unit`, as in "8 registers"; 0 where `unit` is not in the line.
int number_before(std::string_view line, std::string_view unit) {
  const std::size_t at = line.find(unit);
  if (at == std::string_view::npos) return 0;
  const std::string_view head = line.substr(0, at);
  const std::size_t end = head.find_last_of("0123456789");
  if (end == std::string_view::npos) return 0;
  const std::size_t before = head.find_last_not_of("0123456789", end);
  const std::size_t begin = before == std::string_view::npos ? 0 : before + 1;
  int value = 0;
  std::from_chars(head.data() + begin, head.data() + end + 1, value);
  return value;
}

bool contains(std::string_view line, std::string_view words) { return line.find(words) != std::string_view::npos; }

struct Reader {
  std::vector<EntryResources> entries;
  bool in_entry_properties = false;

  void read(std::string_view line) {
    if (auto name = quoted_after(line, "Compiling entry function")) {
      entries.push_back({.name = std::move(*name)});
      in_entry_properties = false;
    } else if (entries.empty()) {
      return;
    } else if (contains(line, "Function properties for")) {
      in_entry_properties = line.ends_with(" " + entries.back().name);
    } else if (contains(line, " bytes stack frame") && in_entry_properties) {
      read_stack(line);
    } else if (contains(line, ": Used ")) {
      read_use(line);
    }
  }

  void read_stack(std::string_view line) {
    entries.back().stack_bytes = number_before(line, " bytes stack frame");
    entries.back().spill_store_bytes = number_before(line, " bytes spill stores");
    entries.back().spill_load_bytes = number_before(line, " bytes spill loads");
  }

  void read_use(std::string_view line) {
    entries.back().registers = number_before(line, " registers");
    entries.back().static_smem_bytes = number_before(line, " bytes smem");
  }
};

}  // namespace

std::vector<EntryResources> parse_ptxas_log(std::string_view log) {
  Reader reader;
  for (std::size_t begin = 0; begin < log.size();) {
    const std::size_t end = std::min(log.find('\n', begin), log.size());
    std::string_view line = log.substr(begin, end - begin);
    while (line.ends_with('\r') || line.ends_with(' ')) line.remove_suffix(1);
    reader.read(line);
    begin = end + 1;
  }
  return reader.entries;
}

}  // namespace nsajit::codegen
