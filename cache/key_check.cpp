// KeyCheck: recomputes the digest.

#include "cache/key_check.h"

#include <fmt/format.h>

#include "cache/warn_once.h"
#include "core/digest.h"
#include "nsajit/error.h"

namespace nsajit::cache {

void require_key(const std::string& row, const std::string& key, const std::string& key_text) {
  const std::string expected = digest_text(key_text);
  if (key == expected) return;
  throw Error(ErrorCode::InvalidArgument,
              fmt::format("cannot store a {} under key '{}': the digest of its key text is {}; the text is\n{}", row, key,
                          expected, key_text));
}

bool is_key_intact(const std::string& row, const std::string& key, const std::string& key_text, WarnOnce& warnings) {
  if (digest_text(key_text) == key) return true;
  const std::string subject = fmt::format("{} {}", row, key);
  warnings.warn(subject, fmt::format("cache: the {} is damaged (key and key text differ); treated as not cached", subject));
  return false;
}

}  // namespace nsajit::cache
