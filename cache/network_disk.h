#pragma once
// NetworkDisk: tells disks shared between machines from local ones. SQLite's write-ahead log needs memory
// shared by all its users, which only processes of one machine have.

#include <string>

namespace nsajit::cache {

// `magic`: f_type as statfs reports it. FUSE counts as a network: what lies behind it cannot be seen.
bool is_network_magic(unsigned long magic);

// Asks for the folder that holds `path`. False where the question cannot be answered.
bool is_on_network_disk(const std::string& path);

}  // namespace nsajit::cache
