// Progress line: text only; no cursor control beyond a carriage return and "erase to end of line".

#include "cli/progress_line.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>

namespace nsajit::cli {
namespace {

constexpr int kBarWidth = 24;
constexpr auto kPlainInterval = std::chrono::seconds(10);  // seldom enough for a log file

std::string draw_bar(const tuner::Progress& progress) {
  const auto total = std::max<std::int64_t>(progress.total, 1);
  const auto filled = static_cast<std::size_t>(std::clamp<std::int64_t>(progress.done * kBarWidth / total, 0, kBarWidth));
  return std::string(filled, '#') + std::string(kBarWidth - filled, '.');
}

std::string describe_best(double best_us) { return best_us > 0 ? fmt::format(", best {:.4g} ms", best_us / 1e3) : std::string(); }

}  // namespace

void ProgressLine::begin(std::size_t index, std::size_t count, std::string title) {
  prefix_ = fmt::format("[{}/{}]", index + 1, count);
  title_ = std::move(title);
  last_phase_.clear();
}

void ProgressLine::update(const tuner::Progress& progress) {
  if (terminal_)
    draw(progress);
  else
    print_plain(progress);
}

void ProgressLine::clear() {
  if (terminal_) fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
}

void ProgressLine::draw(const tuner::Progress& progress) const {
  fmt::print(stderr, "\r{} {} {:<9} [{}] {}/{}{}\x1b[K", prefix_, title_, progress.phase, draw_bar(progress), progress.done,
             progress.total, describe_best(progress.best_us));
  std::fflush(stderr);
}

void ProgressLine::print_plain(const tuner::Progress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (progress.phase == last_phase_ && now - last_print_ < kPlainInterval) return;
  last_phase_ = progress.phase;
  last_print_ = now;
  fmt::print(stderr, "{} {}: {} {}/{}{}\n", prefix_, title_, progress.phase, progress.done, progress.total,
             describe_best(progress.best_us));
}

}  // namespace nsajit::cli
