// Mutant: the replacement, and which configs it concerns.

#include "tests/mutants/mutant.h"

#include <algorithm>
#include <stdexcept>

#include <fmt/format.h>

namespace nsajit::testing {

std::string apply_edit(std::string_view text, const Edit& edit) {
  const std::size_t at = text.find(edit.find);
  if (at == std::string_view::npos)
    throw std::runtime_error(fmt::format("{}: \"{}\" does not occur; change the mutant with the template", edit.file, edit.find));
  if (text.find(edit.find, at + 1) != std::string_view::npos)
    throw std::runtime_error(
        fmt::format("{}: \"{}\" occurs more than once; give more of its surroundings", edit.file, edit.find));
  if (edit.find == edit.replace)
    throw std::runtime_error(fmt::format("{}: the edit of \"{}\" changes nothing", edit.file, edit.find));
  std::string edited(text);
  return edited.replace(at, edit.find.size(), edit.replace);
}

bool is_hit(const Mutant& mutant, std::string_view config) {
  return std::ranges::any_of(mutant.hits, [&](const std::string& beginning) { return config.starts_with(beginning); });
}

}  // namespace nsajit::testing
