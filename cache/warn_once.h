#pragma once
// WarnOnce: a trouble of the cache file is reported once per subject and open cache, however often it is met.

#include <set>
#include <string>

namespace nsajit::cache {

class WarnOnce {
 public:
  // `subject`: what is in trouble ("the file", "trial 7"); `message`: the whole line.
  void warn(const std::string& subject, const std::string& message);

 private:
  std::set<std::string> subjects_;
};

}  // namespace nsajit::cache
