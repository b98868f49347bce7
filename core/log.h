#pragma once
// Log: one line to stderr at a level. The door to spdlog; callers format with fmt first.

#include <string_view>

namespace nsajit {

enum class LogLevel { Trace, Debug, Info, Warn, Error, Off };

void set_log_level(LogLevel level);
LogLevel parse_log_level(std::string_view text);   // throws Error{InvalidArgument}
void log_debug(std::string_view message);
void log_info(std::string_view message);
void log_warn(std::string_view message);
void log_error(std::string_view message);

}  // namespace nsajit
