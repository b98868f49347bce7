// Log: see log.h. The door to spdlog.
#include "core/log.h"

#include <memory>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include "core/enum_names.h"

namespace nsajit {
namespace {

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::Trace: return spdlog::level::trace;
    case LogLevel::Debug: return spdlog::level::debug;
    case LogLevel::Info: return spdlog::level::info;
    case LogLevel::Warn: return spdlog::level::warn;
    case LogLevel::Error: return spdlog::level::err;
    case LogLevel::Off: return spdlog::level::off;
  }
  return spdlog::level::info;
}

// stderr, so that what a command prints stays parseable. One logger per process: it guards one descriptor.
spdlog::logger& logger() {
  static const auto instance = [] {
    auto made = std::make_unique<spdlog::logger>("nsajit", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
    made->set_pattern("%^nsajit %l:%$ %v");
    made->set_level(spdlog::level::info);
    made->flush_on(spdlog::level::trace);
    return made;
  }();
  return *instance;
}

void write(spdlog::level::level_enum level, std::string_view message) {
  logger().log(level, spdlog::string_view_t(message.data(), message.size()));
}

}  // namespace

void set_log_level(LogLevel level) { logger().set_level(to_spdlog(level)); }

LogLevel parse_log_level(std::string_view text) {
  static constexpr EnumNames<LogLevel, 6> kNames{{{LogLevel::Trace, "trace"},
                                                  {LogLevel::Debug, "debug"},
                                                  {LogLevel::Info, "info"},
                                                  {LogLevel::Warn, "warn"},
                                                  {LogLevel::Error, "error"},
                                                  {LogLevel::Off, "off"}}};
  return parse_enum_name(kNames, text, "log level");
}

void log_debug(std::string_view message) { write(spdlog::level::debug, message); }
void log_info(std::string_view message) { write(spdlog::level::info, message); }
void log_warn(std::string_view message) { write(spdlog::level::warn, message); }
void log_error(std::string_view message) { write(spdlog::level::err, message); }

}  // namespace nsajit
