#pragma once
// CacheCommands: the commands below `nsajit cache`, and how they open the file.

#include <string>

#include "cache/cache.h"

namespace CLI {
class App;
}

namespace nsajit::cli {

struct Session;

void add_cache_info(CLI::App& cache, Session& session);
void add_cache_verify(CLI::App& cache, Session& session);
void add_cache_prune(CLI::App& cache, Session& session);
void add_cache_export(CLI::App& cache, Session& session);
void add_cache_import(CLI::App& cache, Session& session);
void add_cache_merge(CLI::App& cache, Session& session);
void add_cache_alias(CLI::App& cache, Session& session);

// A file that must be there. Throws Error{NotFound} where it is not, Error{Cache} where it cannot be used.
cache::Cache open_existing_cache(const std::string& path, cache::OpenMode mode);

}  // namespace nsajit::cli
