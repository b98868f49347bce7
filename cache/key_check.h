#pragma once
// KeyCheck: a digest and the text it was made from travel together; here they are held against each other.

#include <string>

namespace nsajit::cache {

class WarnOnce;

// On the way in. Throws Error{InvalidArgument} where `key` is not digest_text(key_text). `row`: "trial", "winner".
void require_key(const std::string& row, const std::string& key, const std::string& key_text);

// On the way out: false, and one warning, where the stored pair does not fit (damage).
bool is_key_intact(const std::string& row, const std::string& key, const std::string& key_text, WarnOnce& warnings);

}  // namespace nsajit::cache
